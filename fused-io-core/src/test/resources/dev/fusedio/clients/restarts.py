"""Reads and writes at random and checks what is read, while the server is restarted: MODE URI PROGRESS STOP.

Keeps DEPTH requests in flight. A block holds its number and how often it was written, in each 64-bit word. MODE is who
reconnects: client (this script, which sends again what was not answered) or proxy (whoever serves the URI). PROGRESS gets
the number of answers so far. Ends when the file STOP exists, after it has read everything once more.

Fails when a read finds something else, or when any request is answered with an error: only the loss of the connection is
none, for a client that reconnects.
"""

import errno
import os
import random
import sys
import time

import nbd

BLOCK = 64 * 1024
BLOCKS = 256
DEPTH = 48
PATIENCE = 120

mode, uri, progress, stop = sys.argv[1:5]
random.seed(26)
written = [0] * BLOCKS
busy = set()
again = []
failed = []
answers = connections = resent = 0
h = None


def content(block, version):
    return (block << 32 | version).to_bytes(8, "big") * (BLOCK // 8) if version else bytes(BLOCK)


def connect():
    global h, connections
    end = time.monotonic() + PATIENCE
    while True:
        h = nbd.NBD()
        try:
            h.connect_uri(uri)
            connections += 1
            return
        except nbd.Error as e:
            if mode == "proxy" or time.monotonic() > end:
                sys.exit(f"cannot connect: {e}")
            time.sleep(0.02)


def submit(operation):
    """A read or a write of a block (write: to the version it gets), or a flush."""
    kind, block, version = operation
    buffer = nbd.Buffer(BLOCK) if kind == "read" else nbd.Buffer.from_bytearray(bytearray(content(block, version)))

    def done(error):
        global answers
        if error.value == errno.ENOTCONN and mode == "client":
            again.append(operation)
            return 1
        answers += 1
        busy.discard(block)
        if error.value != 0:
            failed.append(f"{operation} was answered with {errno.errorcode.get(error.value, error.value)}")
        elif kind == "write":
            written[block] = version
        elif kind == "read" and buffer.to_bytearray() != content(block, written[block]):
            failed.append(f"{operation}: wrong data; version {written[block]} was acknowledged")
        return 1

    busy.add(block)
    try:
        if kind == "read":
            h.aio_pread(buffer, block * BLOCK, done)
        elif kind == "write":
            h.aio_pwrite(buffer, block * BLOCK, done, nbd.CMD_FLAG_FUA if version % 16 == 0 else 0)
        else:
            h.aio_flush(done)
    except nbd.Error:
        if mode != "client" or not is_gone():
            raise
        if operation not in again:
            again.append(operation)


def is_gone():
    return h.aio_is_dead() or h.aio_is_closed()


def step(new):
    """Sends what may be sent and waits for something to be answered."""
    global resent
    if is_gone():
        if mode == "proxy":
            sys.exit(f"the connection was lost; {failed}")
        connect()
    while again and not is_gone() and h.aio_in_flight() < DEPTH:
        resent += 1
        submit(again.pop(0))
    while not is_gone() and not again and h.aio_in_flight() < DEPTH and (operation := new()) is not None:
        submit(operation)
    try:
        if not is_gone() and h.aio_in_flight() > 0:
            h.poll(1000)
    except nbd.Error:
        if not is_gone():
            raise
    if failed:
        sys.exit("\n".join(failed))


def at_random():
    block = random.randrange(BLOCKS)
    if block in busy:
        return None
    kind = random.choice(("read", "write"))
    if kind == "read" and random.random() < 0.02 and -1 not in busy:
        return "flush", -1, 0
    return kind, block, written[block] + 1 if kind == "write" else 0


def settle():
    while busy:
        step(lambda: None)


connect()
if h.get_size() < BLOCKS * BLOCK:
    sys.exit("the export is too small")
told = 0
while not os.path.exists(stop):
    step(at_random)
    if time.monotonic() - told > 0.02:
        told = time.monotonic()
        with open(progress + ".new", "w") as file:
            file.write(str(answers))
        os.rename(progress + ".new", progress)
settle()
left = list(range(BLOCKS))
while left:
    step(lambda: ("read", left.pop(), 0) if left else None)
settle()
print(f"{answers} answers, {connections} connections, {resent} sent again, 0 errors")
