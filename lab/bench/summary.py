#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints medians and ratios of what compare.sh measured: summary.py text|markdown RESULTS."""

import json
import os
import platform
import statistics
import sys

COLUMNS = ("case", "server", "requests/s", "MiB/s", "ratio", "p50 µs", "p99 µs", "p99.9 µs", "CPU µs/req", "calls/req", "RSS MiB")


def cpu_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        for line in info:
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def number(value, digits=0):
    return "–" if value is None else f"{value:.{digits}f}"


def ratio(mine, base):
    """The median of the ratios of rounds, not the ratio of medians: what drifts between rounds cancels out."""
    pairs = [(m["load"]["iops"], base[r]["load"]["iops"]) for r, m in mine.items() if r in base]
    return median([m / b for m, b in pairs if b > 0])


def row(case, server, good, base):
    loads = [r["load"] for r in good.values()]
    cpu = median([load["cpu_us"] for load in loads if load["cpu_us"] > 0])
    resident = median([r["rss_kib"] for r in good.values()])
    return (
        case,
        server,
        number(median([load["iops"] for load in loads])),
        number(median([load["mib_s"] for load in loads])),
        number(ratio(good, base), 2),
        number(median([load["p50_us"] for load in loads]), 1),
        number(median([load["p99_us"] for load in loads]), 1),
        number(median([load["p999_us"] for load in loads]), 1),
        number(cpu, 2),
        number(median([r["calls"] for r in good.values()]), 3),
        number(resident and resident / 1024),
    )


def main():
    form, path = sys.argv[1:]
    with open(path, encoding="utf-8") as lines:
        results = [json.loads(line) for line in lines]
    cases = list(dict.fromkeys(r["case"] for r in results))
    servers = list(dict.fromkeys(r["server"] for r in results))
    rows, remarks = [], []
    for case in cases:
        base = None
        for server in servers:
            mine = {r["round"]: r for r in results if r["case"] == case and r["server"] == server}
            good = {n: r for n, r in mine.items() if "failed" not in r["load"]}
            base = good if base is None else base
            rows.append(row(case, server, good, base))
            for r in mine.values():
                if "failed" in r["load"]:
                    remarks.append(f"{case} {server}, round {r['round']}: FAILED, {r['load']['failed']}")
                elif r["load"]["errors"]:
                    remarks.append(f"{case} {server}, round {r['round']}: {r['load']['errors']} requests got an ERROR")

    kernel = f"Linux {platform.release()}, {cpu_model()}, {os.cpu_count()} processors"
    rounds = max(r["round"] for r in results)
    about = f"{kernel}; {rounds} rounds; ratio: to {servers[0]}, requests/s"
    if form == "markdown":
        print(f"{about}\n\n| " + " | ".join(COLUMNS) + " |\n|---|---|" + "--:|" * (len(COLUMNS) - 2))
        for cells in rows:
            print("| " + " | ".join(cells) + " |")
    else:
        widths = [max(len(cells[i]) for cells in [COLUMNS, *rows]) for i in range(len(COLUMNS))]
        print(about)
        for cells in [COLUMNS, *rows]:
            print("  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))))
    for remark in remarks:
        print(remark)
    sys.exit(1 if remarks else 0)


if __name__ == "__main__":
    main()
