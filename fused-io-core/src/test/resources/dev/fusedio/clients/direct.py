"""Direct I/O works in blocks, and says so.

modes: simple structured
volumes: direct
"""

import errno

import nbd
from harness import BLOCK, main, pattern, refused


def test_misaligned_requests_are_refused_and_change_nothing(h, server):
    block = h.get_block_size(nbd.SIZE_MINIMUM)
    if block == 1:
        return  # this file system takes direct I/O of any alignment
    h.pwrite(pattern(4 * BLOCK, 1), 0)
    h.set_strict_mode(0)
    for offset, length in ((1, block), (0, block - 1), (block // 2, block // 2), (block - 1, 1), (block, block + 1)):
        with refused(errno.EINVAL):
            h.pread(length, offset)
        with refused(errno.EINVAL):
            h.pwrite(b"x" * length, offset)
        with refused(errno.EINVAL):
            h.zero(length, offset)
        with refused(errno.EINVAL):
            h.trim(length, offset)
        if server.structured:
            with refused(errno.EINVAL):
                h.block_status(length, offset, lambda *_: 0)
    assert h.pread(4 * BLOCK, 0) == pattern(4 * BLOCK, 1)


def test_the_smallest_block(h, server):
    block = h.get_block_size(nbd.SIZE_MINIMUM)
    h.zero(BLOCK, 0)
    h.pwrite(pattern(block, 2), block)
    assert h.pread(block, block) == pattern(block, 2)


if __name__ == "__main__":
    main(globals())
