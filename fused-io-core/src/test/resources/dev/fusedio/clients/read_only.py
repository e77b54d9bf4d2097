"""An export that may only be read.

modes: simple structured
volumes: read-only
"""

import errno

from harness import BLOCK, main, refused


def test_it_says_so(h, server):
    assert h.is_read_only()
    assert not h.can_trim()
    assert not h.can_zero()


def test_changes_are_not_permitted(h, server):
    h.set_strict_mode(0)
    for change in (lambda: h.pwrite(bytes(BLOCK), 0), lambda: h.trim(BLOCK, 0), lambda: h.zero(BLOCK, 0)):
        with refused(errno.EPERM):
            change()


def test_reading_is(h, server):
    assert len(h.pread(BLOCK, 0)) == BLOCK
    h.flush()


def test_many_may_read(h, server):
    assert h.can_multi_conn()


if __name__ == "__main__":
    main(globals())
