"""find_in_memory.py PID FILE: how often the content of FILE is in the memory of process PID."""

import sys

needle = open(sys.argv[2], "rb").read()
found = 0
with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as memory:
    for line in maps:
        bounds, rights = line.split()[:2]
        if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            continue
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        tail = b""
        while start < end:
            size = min(end - start, 4 << 20)
            try:
                memory.seek(start)
                block = memory.read(size)
            except OSError:  # reserved and never touched, or a ring's mapping: nothing to read there
                block = b""
            found += (tail + block).count(needle)
            tail = block[-(len(needle) - 1) :] if len(block) == size else b""
            start += size
print(found)
