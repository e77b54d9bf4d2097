"""The option phase: every order of options that a client may come with.

modes: simple structured
volumes: memory
"""

import errno

import nbd
from harness import BLOCK, main


def listed(h):
    exports = []
    h.opt_list(lambda name, description: exports.append((name, description)))
    return exports


def fails(call):
    try:
        call()
    except nbd.Error as e:
        return e
    raise AssertionError("did not fail")


def test_a_list_and_then_an_export(h, server):
    o = server.negotiate()
    assert listed(o) == [("vol", "the volume under test"), ("other", "")], listed(o)
    assert listed(o) == listed(o)
    o.opt_go()
    o.pread(BLOCK, 0)
    o.shutdown()


def test_a_list_and_then_goodbye(h, server):
    o = server.negotiate()
    listed(o)
    o.opt_abort()


def test_goodbye_at_once(h, server):
    server.negotiate().opt_abort()


def test_info_describes_and_does_not_commit(h, server):
    """CVE-2019-14851: INFO for one export, then GO for the same or another."""
    o = server.negotiate()
    for name, size in (("other", 1 << 20), ("vol", 64 << 20), ("other", 1 << 20)):
        o.set_export_name(name)
        o.opt_info()
        assert o.get_size() == size
    o.set_export_name("vol")
    o.opt_go()
    assert o.get_size() == 64 << 20
    o.pread(BLOCK, 0)
    o.shutdown()


def test_an_unknown_export_and_then_a_known_one(h, server):
    o = server.negotiate()
    for name in ("nothing", "volume", "vo", "VOL", "vol ", " ", "../vol", "vol/"):
        o.set_export_name(name)
        fails(o.opt_info)
        fails(o.opt_go)
    o.set_export_name("vol")
    o.opt_go()
    o.pread(BLOCK, 0)
    o.shutdown()


def test_names_of_all_lengths(h, server):
    """CVE-2017-15118 and CVE-2020-10761: names, and the errors that quote them, at the limits."""
    o = server.negotiate()
    for length in (1, 255, 256, 257, 4095, 4096):
        o.set_export_name("n" * length)
        fails(o.opt_info)
    o.set_export_name("vol")
    o.opt_go()
    o.pread(BLOCK, 0)
    o.shutdown()


def test_names_that_are_not_ascii(h, server):
    o = server.negotiate()
    for name in ("übermäßig", "卷", "🜁" * 64):
        o.set_export_name(name)
        fails(o.opt_info)
    o.opt_abort()


def test_canonical_name_and_description(h, server):
    o = server.handle()
    o.set_full_info(True)
    o.set_opt_mode(True)
    o.connect_uri(server.uri)
    o.set_export_name("")
    o.opt_go()
    assert o.get_canonical_export_name() == "vol"
    assert o.get_export_description() == "the volume under test"
    o.shutdown()


def test_metadata_contexts_are_listed(h, server):
    if not server.structured:
        return
    o = server.negotiate(contexts=())
    names = []
    o.opt_list_meta_context(lambda name: names.append(name))
    assert names == [nbd.CONTEXT_BASE_ALLOCATION], names
    names.clear()
    o.add_meta_context("base:")
    o.opt_list_meta_context(lambda name: names.append(name))
    assert names == [nbd.CONTEXT_BASE_ALLOCATION], names
    names.clear()
    o.clear_meta_contexts()
    o.add_meta_context("x-nobody:knows")
    o.opt_list_meta_context(lambda name: names.append(name))
    assert names == [], names
    o.opt_abort()


def test_hundreds_of_contexts_are_read_and_ignored(h, server):
    if not server.structured:
        return
    o = server.handle(contexts=[f"x-test:{i}" for i in range(400)] + [nbd.CONTEXT_BASE_ALLOCATION])
    o.connect_uri(server.uri)
    assert o.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    o.shutdown()


def test_export_name_without_fixed_newstyle(h, server):
    """The oldest of handshakes that are still allowed: EXPORT_NAME and nothing else, with its 124 zeroes."""
    for flags in (0, nbd.HANDSHAKE_FLAG_NO_ZEROES):
        o = server.handle()
        o.set_handshake_flags(flags)
        o.connect_uri(server.uri)
        assert o.get_protocol() == "newstyle", o.get_protocol()
        assert o.get_size() == 64 << 20
        o.pread(BLOCK, 0)
        o.shutdown()


def test_zeroes_after_a_fixed_handshake(h, server):
    o = server.handle()
    o.set_handshake_flags(nbd.HANDSHAKE_FLAG_FIXED_NEWSTYLE)
    o.connect_uri(server.uri)
    o.pread(BLOCK, 0)
    o.shutdown()


def test_tls_is_refused_and_clients_who_insist_leave(h, server):
    o = nbd.NBD()
    if not o.supports_tls():
        return
    o.set_tls(nbd.TLS_REQUIRE)
    host, port = server.uri.split("/")[2].split(":")
    error = fails(lambda: o.connect_tcp(host, port))
    assert error.errnum != errno.ETIMEDOUT, error


def test_tls_is_refused_and_clients_who_do_not_insist_stay(h, server):
    o = server.handle()
    if not o.supports_tls():
        return
    o.set_tls(nbd.TLS_ALLOW)
    o.set_export_name("vol")
    host, port = server.uri.split("/")[2].split(":")
    o.connect_tcp(host, port)
    assert not o.get_tls_negotiated()
    o.pread(BLOCK, 0)
    o.shutdown()


def test_two_exports_do_not_mix(h, server):
    other = server.handle()
    other.connect_uri(server.other_uri)
    h.pwrite(b"v" * BLOCK, 0)
    other.pwrite(b"o" * BLOCK, 0)
    assert h.pread(BLOCK, 0) == b"v" * BLOCK
    assert other.pread(BLOCK, 0) == b"o" * BLOCK
    other.shutdown()


if __name__ == "__main__":
    main(globals())
