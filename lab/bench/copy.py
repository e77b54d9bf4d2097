#!/usr/bin/env python3
"""copy.py URL POOL [ROUNDS]: times copies of a volume of 1 GiB by a gateway that is running on that pool, and cp's (3 rounds)."""
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.parse

VOLUMES = "/api/v1/volumes"
SOURCE = "copy-source"
TARGET = "copy-target"
MIB = 1024
CHUNK = 1 << 20
POLL_SECONDS = 0.01
CP = ["cp", "--reflink=never", "--sparse=never"]


def main():
    address = urllib.parse.urlparse(sys.argv[1])
    pool = sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    connection = http.client.HTTPConnection(address.hostname, address.port)

    def request(method, path, body=None, headers=None):
        content = json.dumps(body) if isinstance(body, dict) else body
        connection.request(method, path, content, {"Content-Type": "application/json", "If-Match": "*", **(headers or {})})
        answer = connection.getresponse()
        told = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {told.decode()}")
        return json.loads(told) if told else None

    def by_gateway():
        operation = request("POST", VOLUMES, {"name": TARGET, "copyOf": SOURCE})
        while operation["state"] == "running":
            time.sleep(POLL_SECONDS)
            operation = request("GET", f"/api/v1/operations/{operation['id']}")
        if operation["state"] != "succeeded":
            sys.exit(json.dumps(operation))

    def by_cp(synchronised):
        subprocess.run([*CP, data, copied], check=True)
        if synchronised:
            descriptor = os.open(copied, os.O_RDONLY)
            os.fdatasync(descriptor)
            os.close(descriptor)

    data = os.path.join(pool, SOURCE, "data")
    copied = os.path.join(pool, "..", "copied-by-cp")
    ways = {
        "gateway, to stable storage": (by_gateway, lambda: request("DELETE", f"{VOLUMES}/{TARGET}")),
        "cp and fdatasync": (lambda: by_cp(True), lambda: os.remove(copied)),
        "cp": (lambda: by_cp(False), lambda: os.remove(copied)),
    }
    request("POST", VOLUMES, {"name": SOURCE, "size": f"{MIB}MiB"})
    try:
        for offset in range(0, MIB * CHUNK, CHUNK):
            place = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {offset}-{offset + CHUNK - 1}/*",
            }
            request("PUT", f"{VOLUMES}/{SOURCE}/data?flush=false", os.urandom(CHUNK), place)
        speeds = {way: [] for way in ways}
        for turn in range(rounds + 1):
            for way, (copy, remove) in ways.items():
                os.sync()
                begun = time.perf_counter()
                copy()
                speed = MIB / (time.perf_counter() - begun)
                remove()
                if turn > 0:  # the first compiles, and fills the page cache
                    speeds[way].append(speed)
        for way, measured in speeds.items():
            print(f"{way}: median {statistics.median(measured):.0f} MiB/s of {', '.join(f'{s:.0f}' for s in measured)}")
    finally:
        request("DELETE", f"{VOLUMES}/{SOURCE}")


main()
