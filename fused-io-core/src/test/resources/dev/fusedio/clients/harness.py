"""Runs one test function of a script against a server: SCRIPT FUNCTION MODE URI OTHER_URI.

A test function takes (h, server): h is a connection in the mode asked for, server makes more of them. When the function
returns, h must still work, unless the test closed it.
"""

import contextlib
import errno
import sys

import nbd

BLOCK = 4096
KIB = 1 << 10
MIB = 1 << 20


class Server:
    def __init__(self, mode, uri, other_uri):
        self.mode = mode
        self.uri = uri
        self.other_uri = other_uri

    @property
    def structured(self):
        return self.mode != "simple"

    def handle(self, contexts=(nbd.CONTEXT_BASE_ALLOCATION,), lenient=False):
        """A handle that is not yet connected; a lenient one sends what libnbd would refuse to."""
        h = nbd.NBD()
        h.set_request_structured_replies(self.structured)
        if self.structured:
            for context in contexts:
                h.add_meta_context(context)
        if lenient:
            h.set_strict_mode(0)
        return h

    def connect(self, **options):
        h = self.handle(**options)
        h.connect_uri(self.uri)
        return h

    def negotiate(self, **options):
        """A connection that is held in the option phase."""
        h = self.handle(**options)
        h.set_opt_mode(True)
        h.connect_uri(self.uri)
        return h


@contextlib.contextmanager
def refused(*expected):
    """The body must fail with one of the error numbers."""
    try:
        yield
    except nbd.Error as e:
        assert e.errnum in expected, f"{e}, expected {[errno.errorcode[n] for n in expected]}"
    else:
        raise AssertionError(f"not refused, expected {[errno.errorcode[n] for n in expected]}")


def pattern(length, seed):
    """Bytes that differ from block to block and from seed to seed."""
    return bytearray((seed * 131 + (i >> 8) * 7 + i) & 0xFF for i in range(256)) * (length // 256) + bytearray(
        (seed + i) & 0xFF for i in range(length % 256)
    )


def wait_for_all(h):
    while h.aio_in_flight() > 0:
        h.poll(-1)


def main(functions):
    name, mode, uri, other_uri = sys.argv[1:5]
    server = Server(mode, uri, other_uri)
    h = server.connect()
    functions[name](h, server)
    if h.aio_is_ready():
        h.pread(BLOCK, 0)
        h.shutdown()
    else:
        assert h.aio_is_closed(), h.connection_state()
    server.connect().shutdown()
