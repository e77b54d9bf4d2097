#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints medians and ratios of what ublk.sh measured: ublk.py text|markdown KERNEL RESULTS."""

import statistics
import sys

TICK = 0.01  # USER_HZ
GIB = 1 << 30
COLUMNS = ("case", "device", "MiB/s", "own CPU s/GiB", "ratio", "all CPU s/GiB", "ratio", "calls/req", "KiB/req")


def measured(line):
    """One line of the guest: round;case;device;processors;before;after."""
    number, case, device, processors, before, after = line.rstrip("\n").split(";")
    micros, idle, own, server, requests, sectors = (
        int(b) - int(a) for a, b in zip(before.split(), after.split(), strict=True)
    )
    seconds = micros / 1e6
    size = sectors * 512
    return {
        "round": int(number),
        "case": case,
        "device": device,
        "rate": size / seconds / (1 << 20),
        "own": own * TICK / size * GIB,
        "all": (int(processors) * seconds - (idle + server) * TICK) / size * GIB,
        "kib": size / requests / 1024,
    }


def counted(path):
    """System calls for one request, by case and device."""
    calls = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            case, device, hits, requests = line.rstrip("\n").split(";")
            calls[case, device] = int(hits) / int(requests)
    return calls


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def shown(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


def ratio(mine, base, what):
    """The median of the ratios of rounds, not the ratio of medians: what drifts between rounds cancels out."""
    return median([m[what] / base[n][what] for n, m in mine.items() if n in base and m[what] and base[n][what]])


def row(case, device, mine, base, calls):
    def of(what, digits):
        return shown(median([m[what] for m in mine.values()]), digits)

    in_process = any(m["own"] for m in mine.values())
    return (
        case,
        device,
        of("rate", 0),
        of("own", 2) if in_process else "–",
        shown(ratio(mine, base, "own"), 2) if in_process else "–",
        of("all", 2),
        shown(ratio(mine, base, "all"), 2),
        shown(calls.get((case, device)), 3),
        of("kib", 0),
    )


def main():
    form, kernel, path = sys.argv[1:]
    with open(path + "/measured", encoding="ascii") as lines:
        results = [result for result in map(measured, lines) if result["round"] > 0]
    calls = counted(path + "/counted")
    rows = []
    for case in dict.fromkeys(r["case"] for r in results):
        for device in sorted({r["device"] for r in results if r["case"] == case}):
            def rounds(of):
                return {r["round"]: r for r in results if r["case"] == case and r["device"] == of}  # noqa: B023

            rows.append(row(case, device, rounds(device), rounds(device.split("-")[0] + "-copied"), calls))
    about = f"Linux {kernel}, emulated; {max(r['round'] for r in results)} rounds; ratio: to the same storage with user copy"
    if form == "markdown":
        print(f"{about}\n\n| " + " | ".join(COLUMNS) + " |\n|---|---|" + "--:|" * (len(COLUMNS) - 2))
        for cells in rows:
            print("| " + " | ".join(cells) + " |")
    else:
        widths = [max(len(cells[i]) for cells in [COLUMNS, *rows]) for i in range(len(COLUMNS))]
        print(about)
        for cells in [COLUMNS, *rows]:
            print("  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths))))


if __name__ == "__main__":
    main()
