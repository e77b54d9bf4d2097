"""Structured replies: chunks, holes and block status.

modes: structured
volumes: sparse
"""

import errno

import nbd
from harness import BLOCK, KIB, MIB, main, pattern, refused

HOLE = nbd.STATE_HOLE | nbd.STATE_ZERO


def chunks(h, length, offset, flags=0):
    """Reads, and gives back the data and the list of chunks as (offset, length, kind)."""
    seen = []

    def chunk(part, at, status, error):
        assert error.value == 0, error.value
        seen.append((at, len(part), status))

    data = h.pread_structured(length, offset, chunk, flags)
    return data, sorted(seen)


def extents(h, length, offset, flags=0):
    answers = []

    def extent(context, at, entries, error):
        assert context == nbd.CONTEXT_BASE_ALLOCATION, context
        assert at == offset
        assert error.value == 0
        answers.append(list(zip(entries[0::2], entries[1::2])))

    h.block_status(length, offset, extent, flags)
    assert len(answers) == 1, answers
    assert all(length > 0 for length, _ in answers[0])
    return answers[0]


def whole_map(h):
    """The map of the whole volume as (offset, length, flags), however many requests it takes; neighbours are joined."""
    found, at, size = [], 0, h.get_size()
    while at < size:
        for length, flags in extents(h, min(size - at, 0xFFFFF000), at):
            if found and found[-1][2] == flags:
                found[-1] = (found[-1][0], found[-1][1] + length, flags)
            else:
                found.append((at, length, flags))
            at += length
    return found


def test_the_map_is_the_files(h, server):
    h.zero(16 * MIB, 0)
    h.pwrite(pattern(MIB, 1), 2 * MIB)
    h.pwrite(pattern(64 * KIB, 1), 8 * MIB)
    h.flush()
    assert whole_map(h) == [
        (0, 2 * MIB, HOLE),
        (2 * MIB, MIB, 0),
        (3 * MIB, 5 * MIB, HOLE),
        (8 * MIB, 64 * KIB, 0),
        (8 * MIB + 64 * KIB, h.get_size() - 8 * MIB - 64 * KIB, HOLE),
    ]


def test_trimmed_ranges_become_holes(h, server):
    h.pwrite(pattern(4 * MIB, 1), 0)
    h.trim(2 * MIB, MIB)
    assert whole_map(h)[:3] == [(0, MIB, 0), (MIB, 2 * MIB, HOLE), (3 * MIB, MIB, 0)]


def test_one_extent_when_one_is_asked_for(h, server):
    h.zero(8 * MIB, 0)
    h.pwrite(pattern(64 * KIB, 1), MIB)
    answer = extents(h, 8 * MIB, 0, nbd.CMD_FLAG_REQ_ONE)
    assert answer == [(MIB, HOLE)], answer
    answer = extents(h, 16 * KIB, MIB, nbd.CMD_FLAG_REQ_ONE)
    assert answer == [(16 * KIB, 0)], answer


def test_block_status_at_odd_places(h, server):
    h.zero(MIB, 0)
    h.pwrite(pattern(BLOCK, 1), 4 * BLOCK)
    assert extents(h, 1, 4 * BLOCK - 1, nbd.CMD_FLAG_REQ_ONE) == [(1, HOLE)]
    assert extents(h, 1, 4 * BLOCK, nbd.CMD_FLAG_REQ_ONE) == [(1, 0)]
    assert extents(h, 1, h.get_size() - 1, nbd.CMD_FLAG_REQ_ONE)[0][0] == 1


def test_block_status_of_the_largest_lengths(h, server):
    """CVE-2025-47711 and CVE-2025-47712: an off-by-one and a 32-bit overflow at the largest range."""
    h.set_strict_mode(0)
    for offset in (0, 1, BLOCK, 5 * MIB):
        for length in (0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFE00, 0xFFFFF000, 1 << 31, (1 << 31) - 1):
            answer = extents(h, length, offset)
            assert sum(l for l, _ in answer[:-1]) < length, answer


def test_holes_are_read_as_holes(h, server):
    h.zero(16 * MIB, 0)
    h.pwrite(pattern(MIB, 4), 4 * MIB)
    data, seen = chunks(h, 8 * MIB, 2 * MIB)
    assert data[: 2 * MIB] == bytes(2 * MIB)
    assert data[2 * MIB : 3 * MIB] == pattern(MIB, 4)
    assert data[3 * MIB :] == bytes(5 * MIB)
    assert sum(length for _, length, _ in seen) == 8 * MIB
    at = 2 * MIB
    for offset, length, _ in seen:
        assert offset == at, seen
        at += length
    holes = sum(length for _, length, kind in seen if kind == nbd.READ_HOLE)
    assert holes >= 6 * MIB, seen


def test_a_hole_alone(h, server):
    h.zero(16 * MIB, 0)
    data, seen = chunks(h, MIB, 12 * MIB)
    assert data == bytes(MIB)
    assert all(kind == nbd.READ_HOLE for _, _, kind in seen), seen


def test_one_chunk_when_it_must_not_be_fragmented(h, server):
    h.zero(MIB, 0)
    h.pwrite(pattern(BLOCK, 4), 32 * KIB)
    data, seen = chunks(h, 64 * KIB, 0, nbd.CMD_FLAG_DF)
    assert seen == [(0, 64 * KIB, nbd.READ_DATA)] or seen == [(0, 64 * KIB, nbd.READ_HOLE)], seen
    assert data[32 * KIB : 32 * KIB + BLOCK] == pattern(BLOCK, 4)
    assert data[: 32 * KIB] == bytes(32 * KIB)


def test_long_unfragmented_reads_are_served_or_overflow(h, server):
    for length in (256 * KIB, MIB, 8 * MIB, 32 * MIB):
        try:
            data, seen = chunks(h, length, 0, nbd.CMD_FLAG_DF)
        except nbd.Error as e:
            assert e.errnum == errno.EOVERFLOW, e
        else:
            assert len(seen) == 1 and len(data) == length, seen


def test_errors_explain_themselves(h, server):
    said = []
    h.set_debug(True)
    h.set_debug_callback(lambda function, message: said.append(message))
    h.set_strict_mode(0)
    with refused(errno.EINVAL):
        h.pread(BLOCK, h.get_size())
    assert any("structured error server message" in message for message in said), said[-5:]


def test_no_context_no_block_status(h, server):
    bare = server.connect(contexts=(), lenient=True)
    with refused(errno.EINVAL):
        bare.block_status(BLOCK, 0, lambda *_: 0)
    bare.pread(BLOCK, 0)
    bare.shutdown()


def test_contexts_that_are_unknown_are_left_out(h, server):
    other = server.connect(contexts=("x-nobody:knows", nbd.CONTEXT_BASE_ALLOCATION, "qemu:dirty-bitmap:b", "base:"))
    assert other.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    for unknown in ("x-nobody:knows", "qemu:dirty-bitmap:b", "base:"):
        assert not other.can_meta_context(unknown), unknown
    assert extents(other, BLOCK, 0)
    other.shutdown()


def test_data_of_a_volume_beyond_four_gibibytes(h, server):
    data = pattern(64 * KIB, 8)
    for offset in ((1 << 31) - 32 * KIB, (1 << 32) - 32 * KIB, h.get_size() - 64 * KIB):
        h.pwrite(data, offset)
        assert h.pread(64 * KIB, offset) == data
        h.trim(64 * KIB, offset)


if __name__ == "__main__":
    main(globals())
