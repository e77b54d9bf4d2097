"""Every command with every flag that belongs to it, in aligned blocks.

modes: simple structured
volumes: memory file direct
"""

import errno

import nbd
from harness import BLOCK, KIB, MIB, main, pattern, refused, wait_for_all


def test_the_mode_asked_for_is_the_one_spoken(h, server):
    assert h.get_structured_replies_negotiated() == server.structured
    assert h.get_protocol() == "newstyle-fixed"


def test_the_export_is_described(h, server):
    assert h.get_size() == 64 * MIB
    assert h.get_block_size(nbd.SIZE_MAXIMUM) == 32 * MIB
    assert BLOCK % h.get_block_size(nbd.SIZE_MINIMUM) == 0
    assert h.get_block_size(nbd.SIZE_PREFERRED) >= 512
    assert h.can_df() == server.structured
    for can in (h.can_flush, h.can_fua, h.can_trim, h.can_zero, h.can_cache, h.can_multi_conn):
        assert can(), can


def test_reads_see_writes(h, server):
    for length in (BLOCK, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB):
        data = pattern(length, length >> 12)
        h.pwrite(data, 3 * BLOCK)
        assert h.pread(length, 3 * BLOCK) == data, length


def test_payloads_up_to_the_advertised_size(h, server):
    data = pattern(32 * MIB, 9)
    h.pwrite(data, BLOCK)
    assert h.pread(32 * MIB, BLOCK) == data


def test_payloads_beyond_the_advertised_size_are_served_nevertheless(h, server):
    data = pattern(50 * MIB, 10)
    h.pwrite(data, 0)
    assert h.pread(50 * MIB, 0) == data


def test_a_write_with_fua(h, server):
    data = pattern(64 * KIB, 3)
    h.pwrite(data, MIB, nbd.CMD_FLAG_FUA)
    assert h.pread(64 * KIB, MIB) == data


def test_fua_is_accepted_with_every_command(h, server):
    h.set_strict_mode(0)
    h.pread(BLOCK, 0, nbd.CMD_FLAG_FUA)
    h.pwrite(bytes(BLOCK), 0, nbd.CMD_FLAG_FUA)
    h.flush(nbd.CMD_FLAG_FUA)
    h.trim(BLOCK, 0, nbd.CMD_FLAG_FUA)
    h.zero(BLOCK, 0, nbd.CMD_FLAG_FUA)
    h.cache(BLOCK, 0, nbd.CMD_FLAG_FUA)


def test_flush(h, server):
    h.flush()


def test_trim(h, server):
    h.pwrite(pattern(MIB, 1), 0)
    h.pwrite(pattern(BLOCK, 2), MIB)
    h.trim(MIB, 0)
    h.trim(MIB, 4 * MIB, nbd.CMD_FLAG_FUA)
    assert h.pread(BLOCK, MIB) == pattern(BLOCK, 2)


def test_write_zeroes(h, server):
    for flags in (0, nbd.CMD_FLAG_NO_HOLE, nbd.CMD_FLAG_FUA, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA):
        h.pwrite(pattern(MIB, 5), 0)
        h.zero(MIB - 2 * BLOCK, BLOCK, flags)
        assert h.pread(MIB - 2 * BLOCK, BLOCK) == bytes(MIB - 2 * BLOCK)
        assert h.pread(BLOCK, 0) == pattern(MIB, 5)[:BLOCK]
        assert h.pread(BLOCK, MIB - BLOCK) == pattern(MIB, 5)[-BLOCK:]


def test_write_zeroes_of_the_whole_volume(h, server):
    h.pwrite(pattern(BLOCK, 5), 63 * MIB)
    h.zero(64 * MIB, 0)
    assert h.pread(BLOCK, 63 * MIB) == bytes(BLOCK)


def test_fast_zero_is_fast_or_says_that_it_is_not(h, server):
    h.pwrite(pattern(MIB, 6), 0)
    if h.can_fast_zero():
        try:
            h.zero(MIB, 0, nbd.CMD_FLAG_FAST_ZERO)
        except nbd.Error as e:
            assert e.errnum == errno.ENOTSUP, e
            return
        assert h.pread(MIB, 0) == bytes(MIB)
    else:
        h.set_strict_mode(0)
        with refused(errno.EINVAL):
            h.zero(MIB, 0, nbd.CMD_FLAG_FAST_ZERO)


def test_cache_is_a_hint_without_bound(h, server):
    h.cache(BLOCK, 0)
    h.cache(64 * MIB, 0)


def test_requests_of_no_length_keep_the_session(h, server):
    h.set_strict_mode(0)
    for command in (
        lambda: h.pread(0, 0),
        lambda: h.pwrite(b"", 0),
        lambda: h.trim(0, 0),
        lambda: h.zero(0, 0),
        lambda: h.cache(0, 0),
    ):
        try:
            command()
        except nbd.Error as e:
            assert e.errnum == errno.EINVAL, e


def test_the_last_block(h, server):
    last = 64 * MIB - BLOCK
    h.pwrite(pattern(BLOCK, 7), last)
    assert h.pread(BLOCK, last) == pattern(BLOCK, 7)
    h.zero(BLOCK, last)
    assert h.pread(BLOCK, last) == bytes(BLOCK)


def test_many_requests_in_flight(h, server):
    blocks = 256
    buffers = []
    for i in range(blocks):
        h.aio_pwrite(nbd.Buffer.from_bytearray(pattern(16 * KIB, i)), i * 16 * KIB)
    wait_for_all(h)
    failed = []
    for i in reversed(range(blocks)):
        buffer = nbd.Buffer(16 * KIB)
        buffers.append((i, buffer))
        h.aio_pread(buffer, i * 16 * KIB, lambda error: failed.append(error.value) if error.value else None)
    wait_for_all(h)
    assert not failed, failed
    for i, buffer in buffers:
        assert buffer.to_bytearray() == pattern(16 * KIB, i), i


def test_what_one_connection_flushed_all_see(h, server):
    others = [server.connect() for _ in range(4)]
    for seed in range(8):
        data = pattern(64 * KIB, seed)
        writer = others[seed % 4]
        writer.pwrite(data, seed * MIB)
        writer.flush()
        for reader in others + [h]:
            assert reader.pread(64 * KIB, seed * MIB) == data
    for other in others:
        other.shutdown()


if __name__ == "__main__":
    main(globals())
