"""Writes blocks in order until the server goes away: MODE URI FILE. FILE gets the number of each block that is safe.

A block holds its number plus one, in 64-bit words. fua: 32 writes with FUA in flight. flush: batches of writes, then a
flush. deaf: asks for much and reads nothing.

Ends with 0 when all that failed failed because the connection was gone; ESHUTDOWN from the server is an error.
"""

import errno
import sys
import time

import nbd

BLOCK = 4096
DEPTH = 32
GONE = {errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE}

mode, uri, path = sys.argv[1:4]
h = nbd.NBD()
h.connect_uri(uri)
blocks = h.get_size() // BLOCK
safe = open(path, "w", buffering=1)
errors = set()


def block(index):
    return nbd.Buffer.from_bytearray(bytearray((index + 1).to_bytes(8, "big")) * (BLOCK // 8))


def on_reply(index, error, then):
    if error.value == 0:
        then(index)
    else:
        errors.add(error.value)
    return 1


def acknowledge(index):
    safe.write(f"{index}\n")


def write(index, flags, then):
    h.aio_pwrite(block(index), index * BLOCK, lambda error: on_reply(index, error, then), flags)


def wait_until(few):
    while h.aio_in_flight() > few:
        h.poll(-1)


def fua():
    for index in range(blocks):
        wait_until(DEPTH - 1)
        if errors:
            break
        write(index, nbd.CMD_FLAG_FUA, acknowledge)
    wait_until(0)


def flush():
    for first in range(0, blocks, DEPTH):
        written = []
        for index in range(first, first + DEPTH):
            write(index, 0, written.append)
        wait_until(0)
        if errors:
            break
        h.flush()
        for index in written:
            acknowledge(index)


def deaf():
    for index in range(200):
        h.aio_pread(nbd.Buffer(256 * 1024), index * 256 * 1024)
    time.sleep(60)


try:
    {"fua": fua, "flush": flush, "deaf": deaf}[mode]()
    sys.exit("the server never went away" if not errors else None) if errors <= GONE else sys.exit(f"errors {errors}")
except nbd.Error as e:
    if e.errnum is not None and e.errnum not in GONE | {errno.EINVAL}:
        raise
    if not errors <= GONE:
        sys.exit(f"errors {errors}")
