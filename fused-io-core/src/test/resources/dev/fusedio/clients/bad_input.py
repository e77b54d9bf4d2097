"""What a client must not send: it is answered with the error that the specification names, and the session goes on.

modes: simple structured
volumes: memory file
"""

import errno

import nbd
from harness import BLOCK, KIB, MIB, main, pattern, refused, wait_for_all

UNKNOWN_FLAGS = (1 << 6, 1 << 9, 1 << 15, 0xFFC0)
PAYLOAD_LEN = 1 << 5  # belongs to extended headers, which libnbd 1.14 does not speak


def test_ranges_beyond_the_end(h, server):
    h.set_strict_mode(0)
    size = h.get_size()
    data = pattern(BLOCK, 1)
    for offset in (size - BLOCK + 1, size - 1, size, size + 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        with refused(errno.EINVAL):
            h.pread(BLOCK, offset)
        with refused(errno.ENOSPC):
            h.pwrite(data, offset)
        with refused(errno.ENOSPC):
            h.zero(BLOCK, offset)
        with refused(errno.EINVAL):
            h.trim(BLOCK, offset)
        with refused(errno.EINVAL):
            h.cache(BLOCK, offset)
        if server.structured:
            with refused(errno.EINVAL):
                h.block_status(BLOCK, offset, lambda *_: 0)


def test_lengths_beyond_the_end(h, server):
    h.set_strict_mode(0)
    for length in (h.get_size() + 1, (1 << 31) - 1, 1 << 31, 0xFFFFFFFF):
        with refused(errno.ENOSPC):
            h.zero(length, 0)
        with refused(errno.EINVAL):
            h.trim(length, 0)
        with refused(errno.EINVAL):
            h.cache(length, 0)


def test_ranges_that_wrap_around(h, server):
    h.set_strict_mode(0)
    for offset in ((1 << 64) - BLOCK, (1 << 64) - 1, (1 << 63) - BLOCK):
        with refused(errno.ENOSPC):
            h.zero(0xFFFFFFFF, offset)
        with refused(errno.EINVAL):
            h.pread(64 * KIB, offset)


def test_a_refused_write_changes_nothing(h, server):
    h.set_strict_mode(0)
    h.pwrite(pattern(BLOCK, 1), h.get_size() - BLOCK)
    with refused(errno.ENOSPC):
        h.pwrite(pattern(2 * BLOCK, 2), h.get_size() - BLOCK)
    assert h.pread(BLOCK, h.get_size() - BLOCK) == pattern(BLOCK, 1)


def test_the_payload_of_a_refused_write_is_no_request(h, server):
    """A server that forgets to consume the payload takes it for the next request's header."""
    h.set_strict_mode(0)
    for length in (1, 28, 511, BLOCK, MIB, 32 * MIB):
        with refused(errno.ENOSPC):
            h.pwrite(b"\x25\x60\x95\x13" * (length // 4) + b"x" * (length % 4), h.get_size() - length + 1)
        assert len(h.pread(BLOCK, 0)) == BLOCK


def test_unknown_flags(h, server):
    h.set_strict_mode(0)
    for flags in UNKNOWN_FLAGS + (PAYLOAD_LEN,):
        for command in (
            lambda: h.pread(BLOCK, 0, flags),
            lambda: h.pwrite(bytes(BLOCK), 0, flags),
            lambda: h.flush(flags),
            lambda: h.trim(BLOCK, 0, flags),
            lambda: h.zero(BLOCK, 0, flags),
            lambda: h.cache(BLOCK, 0, flags),
        ):
            with refused(errno.EINVAL):
                command()
        if server.structured:
            with refused(errno.EINVAL):
                h.block_status(BLOCK, 0, lambda *_: 0, flags)


def test_flags_of_other_commands(h, server):
    h.set_strict_mode(0)
    no_hole, df, one, fast = (
        nbd.CMD_FLAG_NO_HOLE,
        nbd.CMD_FLAG_DF,
        nbd.CMD_FLAG_REQ_ONE,
        nbd.CMD_FLAG_FAST_ZERO,
    )
    for flags in (no_hole, one, fast):
        with refused(errno.EINVAL):
            h.pread(BLOCK, 0, flags)
    for flags in (no_hole, df, one, fast):
        with refused(errno.EINVAL):
            h.pwrite(bytes(BLOCK), 0, flags)
        with refused(errno.EINVAL):
            h.flush(flags)
        with refused(errno.EINVAL):
            h.trim(BLOCK, 0, flags)
        with refused(errno.EINVAL):
            h.cache(BLOCK, 0, flags)
    for flags in (df, one):
        with refused(errno.EINVAL):
            h.zero(BLOCK, 0, flags)


def test_unfragmented_reads_without_structured_replies(h, server):
    plain = nbd.NBD()
    plain.set_request_structured_replies(False)
    plain.set_strict_mode(0)
    plain.connect_uri(server.uri)
    assert not plain.can_df()
    with refused(errno.EINVAL):
        plain.pread(BLOCK, 0, nbd.CMD_FLAG_DF)
    plain.pread(BLOCK, 0)
    plain.shutdown()


def test_reads_that_are_too_long(h, server):
    """libnbd itself sends at most 64 MiB, which is what the server takes; more is cut to the volume's end."""
    h.set_strict_mode(0)
    with refused(errno.EINVAL, errno.EOVERFLOW):
        h.pread(64 * MIB, BLOCK)
    assert len(h.pread(64 * MIB, 0)) == 64 * MIB


def test_a_client_that_hangs_up_on_a_deep_queue(h, server):
    """nbdkit 9d82aa4f: replies to a connection that has gone must neither end the server nor reach another client."""
    h.pwrite(pattern(MIB, 7), 0)
    for _ in range(8):
        rude = server.connect()
        for i in range(200):
            rude.aio_pread(nbd.Buffer(256 * KIB), i * 256 * KIB)
        del rude
        assert h.pread(MIB, 0) == pattern(MIB, 7)


def test_a_client_that_hangs_up_within_a_write(h, server):
    h.pwrite(pattern(4 * MIB, 7), 0)
    for _ in range(4):
        rude = server.connect()
        for i in range(8):
            rude.aio_pwrite(nbd.Buffer.from_bytearray(pattern(MIB, 8)), 32 * MIB + i * MIB)
        del rude
    assert h.pread(4 * MIB, 0) == pattern(4 * MIB, 7)


def test_disconnecting_with_requests_in_flight_answers_them(h, server):
    """DISC: "the server MUST NOT initiate further commands, and finishes those outstanding"."""
    leaving = server.connect()
    errors = []
    for i in range(64):
        leaving.aio_pread(nbd.Buffer(64 * KIB), i * 64 * KIB, lambda error: errors.append(error.value))
    leaving.aio_disconnect()
    while not (leaving.aio_is_closed() or leaving.aio_is_dead()):
        leaving.poll(-1)
    assert leaving.aio_is_closed(), leaving.connection_state()
    assert errors == [0] * 64, errors


if __name__ == "__main__":
    main(globals())
