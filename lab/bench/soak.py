#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The clients and the chaos of soak.sh, which starts this with the gateway's command line. README.md has the method."""
import argparse
import collections
import http.client
import json
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

READ, WRITE, DISCONNECT, FLUSH, TRIM, BLOCK_STATUS = 0, 1, 2, 3, 4, 7
ENOSPC = 28
BLOCK = 4096
MIB = 1 << 20
REGION = 16 * MIB
STUCK_SECONDS = 60
GOOD = "127.0.0.1"
HOSTILE = "127.0.0.66"
LIST_DATA = 65536


class Lost(Exception):
    """The connection ended; the server may be on its way back."""


class Nbd:
    """One connection, simple replies."""

    def __init__(self, port, export=None, source=GOOD, receive_buffer=0):
        self.socket = socket.socket()
        self.socket.settimeout(STUCK_SECONDS)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.bind((source, 0))
            self.socket.connect(("127.0.0.1", port))
            self.greet()
            if export is not None:
                self.go(export)
        except BaseException as failure:
            self.socket.close()
            if isinstance(failure, OSError):
                raise Lost(f"connect: {failure!r}") from failure
            raise

    def greet(self):
        if self.receive(18)[:8] != b"NBDMAGIC":
            raise ValueError("not an NBD server")
        self.send(struct.pack(">I", 3))

    def option(self, number, data=b""):
        self.send(b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data)

    def go(self, export):
        name = export.encode()
        self.option(7, struct.pack(">I", len(name)) + name + struct.pack(">H", 0))
        while True:
            _, _, answer, length = struct.unpack(">QIII", self.receive(20))
            data = self.receive(length)
            if answer == 1:
                return
            if answer & 1 << 31:
                raise Lost(f"GO was refused: {answer:#x} {data!r}")

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as e:
            raise Lost(f"send: {e!r}") from e

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                more = self.socket.recv(min(count - len(data), MIB))
            except OSError as e:
                raise Lost(f"receive: {e!r}") from e
            if not more:
                raise Lost("end of stream")
            data += more
        return bytes(data)

    def request(self, kind, cookie, offset, length, payload=b"", flags=0):
        self.send(struct.pack(">IHHQQI", 0x25609513, flags, kind, cookie, offset, length) + payload)

    def reply(self):
        magic, error, cookie = struct.unpack(">IIQ", self.receive(16))
        if magic != 0x67446698:
            raise ValueError(f"reply magic {magic:#x}")
        return error, cookie

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Soak:
    """What all threads share."""

    def __init__(self, options):
        self.options = options
        self.port = options.nbd_port
        self.over = threading.Event()
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        self.errors = []
        self.lives = []
        self.process = None
        self.up = threading.Event()
        self.upsets = 0  # starts and pauses: a request that was under way in one has no time limit

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def error(self, text):
        with self.lock:
            self.errors.append(f"{time.monotonic() - self.begun:.0f} s: {text}")
        print("ERROR", self.errors[-1], file=sys.stderr, flush=True)

    # --- the server --------------------------------------------------------------------------------------------------

    def start(self):
        with open(self.options.log, "ab") as log:
            self.process = subprocess.Popen(self.options.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.options.folder)
        end = time.monotonic() + 120
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the gateway did not start, see {self.options.log}")
            time.sleep(0.1)
        self.lives.append((time.monotonic(), []))
        self.up.set()

    def ready(self):
        try:
            return self.ask("GET", "/actuator/health/readiness")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.options.http_port, timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self, number):
        self.up.clear()
        self.upsets += 1
        self.process.send_signal(number)
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.error(f"still running 90 s after {signal.Signals(number).name}")
            self.process.kill()
            self.process.wait()

    def chaos(self):
        """Stops, kills and pauses, in an order that the seed decides; each life is long enough to be measured."""
        luck = random.Random(self.options.seed)
        life = max(self.options.seconds / 4, 40) if self.options.seconds < 600 else 240
        turn = 0
        while not self.over.is_set():
            end = time.monotonic() + life * luck.uniform(0.8, 1.2)
            while time.monotonic() < end and not self.over.wait(luck.uniform(8, 20)):
                self.pause(luck.uniform(1, 8))
            if self.over.is_set():
                return
            number = (signal.SIGTERM, signal.SIGKILL)[turn % 2]
            turn += 1
            self.end(number)
            self.count("orderly stops" if number == signal.SIGTERM else "kills")
            self.start()

    def pause(self, seconds):
        self.upsets += 1
        self.process.send_signal(signal.SIGSTOP)
        self.over.wait(seconds)
        self.process.send_signal(signal.SIGCONT)
        self.upsets += 1
        self.count("pauses")

    def watch(self):
        """Memory, and that the process and its API are there."""
        while not self.over.wait(1):
            if not self.up.is_set():
                continue
            upsets = self.upsets
            try:
                with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
                    kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
                self.lives[-1][1].append((time.monotonic(), kib / 1024))
                status, _ = self.ask("GET", "/api/v1/sessions")
                if status != 200:
                    self.error(f"GET /api/v1/sessions: {status}")
                self.count("API requests answered")
            except (OSError, StopIteration, http.client.HTTPException) as e:
                if self.up.is_set() and upsets == self.upsets:
                    self.error(f"the process or its API does not answer: {e!r}")

    # --- the well-behaved --------------------------------------------------------------------------------------------

    def verify(self, number):
        """Writes, reads back and flushes a region of its own, and takes a lost connection as qemu does: connects anew and repeats."""
        luck = random.Random(self.options.seed * 1000 + number)
        base = number * REGION
        written = [0] * (REGION // BLOCK)
        sequence = 0
        connection = None
        while not self.over.is_set():
            wanted = {}
            free = set(range(len(written)))
            for cookie in range(luck.choice((1, 4, 16))):
                blocks = luck.choice((1, 1, 1, 16, 16, 64, 512))
                first = luck.randrange(len(written) - blocks + 1)
                span = set(range(first, first + blocks))
                if not span <= free:
                    continue
                free -= span
                kind = luck.choice((READ, READ, WRITE, WRITE, FLUSH))
                if kind == WRITE:
                    sequence += 1
                wanted[cookie] = (kind, first, blocks, sequence)
            connection = self.until_done(connection, base, written, wanted)
        if connection:
            connection.close()

    def until_done(self, connection, base, written, wanted):
        since = time.monotonic()
        upsets = self.upsets
        while wanted:
            if upsets != self.upsets:
                since, upsets = time.monotonic(), self.upsets
            if time.monotonic() - since > STUCK_SECONDS:
                self.error(f"no answer for {STUCK_SECONDS} s to {len(wanted)} requests")
                since = time.monotonic()
            if self.over.is_set() and not self.up.is_set():
                return connection
            try:
                if connection is None:
                    connection = Nbd(self.port, "good")
                    self.count("connections of the well-behaved")
                self.batch(connection, base, written, wanted)
                since = time.monotonic()
            except Lost as e:
                if connection:
                    connection.close()
                connection = None
                if self.up.is_set() and upsets == self.upsets and not self.over.wait(0.5) and upsets == self.upsets and self.up.is_set():
                    self.error(f"a connection was lost though nothing was stopped: {e}")
                self.over.wait(0.1)
        return connection

    def batch(self, connection, base, written, wanted):
        for cookie, (kind, first, blocks, sequence) in wanted.items():
            if kind == FLUSH:
                connection.request(FLUSH, cookie, 0, 0)
            elif kind == READ:
                connection.request(READ, cookie, base + first * BLOCK, blocks * BLOCK)
            else:
                data = b"".join(content(base + (first + i) * BLOCK, sequence) for i in range(blocks))
                connection.request(WRITE, cookie, base + first * BLOCK, len(data), data)
        while wanted:
            error, cookie = connection.reply()
            if cookie not in wanted:
                raise ValueError(f"a reply to nothing: cookie {cookie}")
            kind, first, blocks, sequence = wanted[cookie]
            if error:
                self.error(f"request {kind} was answered {os.strerror(error)}")
            elif kind == READ:
                data = connection.receive(blocks * BLOCK)
                for i in range(blocks):
                    expected = content(base + (first + i) * BLOCK, written[first + i])
                    if data[i * BLOCK:(i + 1) * BLOCK] != expected:
                        self.error(f"block {base // BLOCK + first + i} holds {data[i * BLOCK:i * BLOCK + 16].hex()}, not sequence {written[first + i]}")
                self.count("MiB read and verified", blocks * BLOCK / MIB)
            elif kind == WRITE:
                written[first:first + blocks] = [sequence] * blocks
                self.count("MiB written", blocks * BLOCK / MIB)
            del wanted[cookie]
            self.count("requests of the well-behaved")

    # --- the hostile -------------------------------------------------------------------------------------------------

    def hostile(self, what, deed, pause):
        """Does a deed again and again. A refusal is what it deserves, so that lost connections are not counted."""
        luck = random.Random(f"{self.options.seed}{what}{threading.get_ident()}")
        while not self.over.is_set():
            if self.up.is_set():
                try:
                    deed(luck)
                    self.count(what)
                except (Lost, OSError, ValueError, struct.error):
                    self.count(what)
            self.over.wait(luck.uniform(pause / 2, pause))

    def half_handshake(self, luck):
        """Row 1: options announced and never sent."""
        held = []
        try:
            for _ in range(300):
                held.append(Nbd(self.port, source=HOSTILE))
                held[-1].send(b"IHAVEOPT" + struct.pack(">II", 3, LIST_DATA) + b"x" * luck.choice((0, 1, 100)))
            self.over.wait(luck.uniform(1, 4))
        finally:
            for each in held:
                each.close()

    def list_flood(self, luck):
        """Row 2: lists asked for and not read."""
        connection = Nbd(self.port, source=HOSTILE, receive_buffer=4096)
        for _ in range(60):
            connection.option(3)
        self.over.wait(luck.uniform(1, 4))
        connection.close(reset=True)

    def slow_reader(self, luck):
        """Row 7: 32 MiB at 90 KB/s."""
        connection = Nbd(self.port, "churn", HOSTILE, 16384)
        connection.request(READ, 1, 0, 32 * MIB)
        for _ in range(luck.randrange(20, 80)):
            connection.receive(9000)
            if self.over.wait(0.1):
                break
        connection.close(reset=True)

    def slow_writer(self, luck):
        """A write whose payload trickles, then nothing."""
        connection = Nbd(self.port, "churn", HOSTILE)
        connection.request(WRITE, 1, 0, 32 * MIB)
        for _ in range(luck.randrange(20)):
            connection.send(bytes(1024))
            self.over.wait(0.1)
        connection.close(reset=luck.random() < 0.5)

    def resets(self, _):
        """Row 25: large reads whose client resets."""
        for _ in range(20):
            connection = Nbd(self.port, "churn", HOSTILE)
            connection.request(READ, 1, 0, 32 * MIB)
            connection.close(reset=True)

    def garbage(self, luck):
        connection = Nbd(self.port, luck.choice(("churn", None)), HOSTILE)
        connection.send(luck.randbytes(luck.randrange(1, 4096)))
        self.over.wait(0.2)
        connection.close()

    def silent(self, luck):
        held = [Nbd(self.port, "churn", HOSTILE) for _ in range(40)]
        self.over.wait(luck.uniform(1, 3))
        for each in held:
            each.close(reset=luck.random() < 0.5)

    def churn(self, luck):
        """Rows 6, 14 and 20: small writes, large trims and rejected writes side by side."""
        connection = Nbd(self.port, "churn", HOSTILE)
        for _ in range(200):
            offset = luck.randrange(0, 255 * MIB, BLOCK)
            if luck.random() < 0.7:
                connection.request(WRITE, 1, offset, BLOCK, bytes(BLOCK))
            else:
                connection.request(TRIM, 1, offset, luck.choice((BLOCK, MIB)))
            connection.reply()
        connection.request(WRITE, 1, 1 << 50, MIB, bytes(MIB))  # beyond the end: refused, its payload thrown away
        connection.reply()
        connection.close()

    def full(self, luck):
        """Writes until the disk is full; a failure is ENOSPC, and of its own volume alone."""
        connection = Nbd(self.port, "full", HOSTILE)
        for _ in range(16):
            connection.request(WRITE, 1, luck.randrange(0, 250 * MIB, BLOCK), MIB, luck.randbytes(MIB))
            error, _ = connection.reply()
            if error not in (0, ENOSPC):
                self.count(f"full disk answered {os.strerror(error)}")
        connection.request(FLUSH, 1, 0, 0)
        connection.reply()
        connection.request(TRIM, 1, 0, 255 * MIB)
        connection.reply()
        connection.close()

    # --- the whole ---------------------------------------------------------------------------------------------------

    def run(self):
        self.begun = time.monotonic()
        self.start()
        for name, mib in (("good", 1024), ("churn", 257), ("full", 256)):
            status, answer = self.ask("POST", "/api/v1/volumes", {"name": name, "size": f"{mib}MiB"})
            if status not in (201, 409):
                raise SystemExit(f"making volume {name}: {status} {answer.decode()}")
        if self.options.full_disk:
            self.end(signal.SIGTERM)
            subprocess.run([self.options.full_disk], check=True)
            self.start()
        self.begun = time.monotonic()
        threads = [threading.Thread(target=self.verify, args=(i,)) for i in range(self.options.clients)]
        threads.append(threading.Thread(target=self.watch))
        deeds = [(self.half_handshake, 2), (self.half_handshake, 2), (self.list_flood, 1), (self.list_flood, 1), (self.resets, 1),
                 (self.garbage, 0.5), (self.silent, 2), (self.churn, 0.2), (self.slow_writer, 1)] + 24 * [(self.slow_reader, 1)]
        if self.options.full_disk:
            deeds.append((self.full, 1))
        for deed, pause in deeds:
            threads.append(threading.Thread(target=self.hostile, args=(deed.__name__.replace("_", " "), deed, pause)))
        chaos = threading.Thread(target=self.chaos)
        for thread in [*threads, chaos]:
            thread.daemon = True
            thread.start()
        time.sleep(self.options.seconds)
        self.over.set()
        chaos.join(STUCK_SECONDS + 150)
        for thread in threads:
            thread.join(STUCK_SECONDS + 30)
            if thread.is_alive():
                self.error("a client did not come to its end")
        self.end(signal.SIGTERM)
        return self.report()

    def report(self):
        print(f"soak of {self.options.seconds} s, seed {self.options.seed}")
        for what, count in sorted(self.counts.items()):
            print(f"  {what:36} {count:12,.0f}")
        peak = 0
        for number, (since, samples) in enumerate(self.lives):
            values = [mib for at, mib in samples if at - since > 15]
            if len(values) < 12:
                continue
            third = len(values) // 3
            middle, last = statistics.median(values[third:2 * third]), statistics.median(values[2 * third:])
            peak = max(peak, *values)
            print(f"  life {number}: {len(values)} s measured, resident {middle:.0f} MiB, at its end {last:.0f} MiB, at most {max(values):.0f} MiB")
            if last > middle * 1.25 + 16:
                self.error(f"memory of life {number} grew from {middle:.0f} to {last:.0f} MiB")
        if peak > self.options.memory:
            self.error(f"resident memory reached {peak:.0f} MiB; {self.options.memory} are allowed")
        if not self.counts["requests of the well-behaved"]:
            self.error("no request of the well-behaved was answered")
        print(f"  {'errors':36} {len(self.errors):12,}")
        return 1 if self.errors else 0


def content(position, sequence):
    """What a block holds after its write number {sequence}; zeroes before the first."""
    return struct.pack("<QQ", position, sequence) * (BLOCK // 16) if sequence else bytes(BLOCK)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--memory", type=int, required=True, help="MiB that the gateway may be resident with")
    parser.add_argument("--nbd-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--full-disk", help="a program that puts the volume full on a small file system")
    parser.add_argument("command", nargs="+")
    soak = Soak(parser.parse_args())
    try:
        status = soak.run()
    finally:
        if soak.process and soak.process.poll() is None:
            soak.process.kill()
    sys.exit(status)


if __name__ == "__main__":
    main()
