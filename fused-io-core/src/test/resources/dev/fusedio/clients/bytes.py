"""What is possible where blocks are of one byte.

modes: simple structured
volumes: memory file
"""

from harness import KIB, main, pattern


def test_ranges_that_begin_and_end_anywhere(h, server):
    h.zero(64 * KIB, 0)
    for offset, length in ((1, 1), (511, 2), (4095, 2), (4097, 8191), (12345, 6789)):
        before, after = h.pread(1, offset - 1), h.pread(1, offset + length)
        data = pattern(length, offset)
        h.pwrite(data, offset)
        assert h.pread(length, offset) == data
        assert h.pread(1, offset - 1) == before
        assert h.pread(1, offset + length) == after


def test_zeroes_that_begin_and_end_anywhere(h, server):
    for offset, length in ((1, 1), (511, 2), (4095, 2), (4097, 8191), (1, 60000)):
        data = pattern(64 * KIB, length)
        h.pwrite(data, 0)
        h.zero(length, offset)
        data[offset : offset + length] = bytes(length)
        assert h.pread(64 * KIB, 0) == data, (offset, length)


def test_the_last_byte(h, server):
    last = h.get_size() - 1
    h.pwrite(b"x", last)
    assert h.pread(1, last) == b"x"


if __name__ == "__main__":
    main(globals())
