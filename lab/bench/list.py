#!/usr/bin/env python3
"""list.py URL [VOLUMES]: fills a gateway that is running up to VOLUMES volumes (1000) and times lists of them, 100 each."""
import http.client
import json
import sys
import time
import urllib.parse

VOLUMES = "/api/v1/volumes"
WARM_UP = 20


def main():
    address = urllib.parse.urlparse(sys.argv[1])
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    connection = http.client.HTTPConnection(address.hostname, address.port)

    def request(method, path, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            sys.exit(f"{method} {path}: {answer.status} {content.decode()}")
        return content

    there = len(json.loads(request("GET", VOLUMES + "?limit=1000"))["items"])
    for i in range(there, wanted):
        labels = {"tier": "gold" if i % 2 else "silver"}
        request("PUT", f"{VOLUMES}/list-{i:05}", {"size": "1GiB", "description": "a volume", "labels": labels})
    for query in ("limit=1000", "limit=100", "limit=1000&label=tier=gold"):
        times = []
        for _ in range(100):
            begun = time.perf_counter()
            content = request("GET", f"{VOLUMES}?{query}")
            times.append((time.perf_counter() - begun) * 1e3)
        warm = sorted(times[WARM_UP:])
        print(
            f"{query}: {len(json.loads(content)['items'])} volumes, {len(content)} bytes; first {times[0]:.1f} ms, "
            f"median {warm[len(warm) // 2]:.1f}, 95 % {warm[len(warm) * 95 // 100]:.1f}, slowest {warm[-1]:.1f}"
        )


main()
