#!/usr/bin/env python3
"""slow.py PORT READERS: so many clients that each ask for 32 MiB again and again and take 90 KB/s of it, until it is killed.
A reader that is cut comes back. Says "ready" when all have begun, and at SIGTERM how many were cut."""
import signal
import sys
import time

import soak

BYTES = 32 << 20
TAKE = 9000
PERIOD_SECONDS = 0.1
RECEIVE_BUFFER = 65536


def reader(port):
    connection = soak.Nbd(port, "", receive_buffer=RECEIVE_BUFFER)
    connection.request(0, 1, 0, BYTES)
    connection.socket.setblocking(False)
    return connection


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    cut = 0

    def end(*_):
        print(f"cut {cut}", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    readers = [[reader(port), 0] for _ in range(count)]
    print("ready", flush=True)
    while True:
        begun = time.monotonic()
        for each in readers:
            try:
                got = each[0].socket.recv(TAKE)
            except BlockingIOError:
                continue
            except OSError:
                got = b""
            each[1] += len(got)
            if not got:
                cut += 1
                each[0].close()
                each[:] = [reader(port), 0]
            elif each[1] >= BYTES:
                each[0].request(0, 1, 0, BYTES)
                each[1] = 0
        time.sleep(max(PERIOD_SECONDS - (time.monotonic() - begun), 0.001))


main()
