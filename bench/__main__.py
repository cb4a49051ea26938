"""`make bench`: every measure in turn, each a ratio against a floor of the same run, with the machine's size."""

from __future__ import annotations

import os
import platform
import subprocess
import sys


def main() -> int:
    """Run each measure; answers the number that failed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    print(f"{os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}")
    failed = 0
    for name in ("door", "find_slots", "validate", "pages", "forms", "telling", "simulation", "allocation"):
        print(f"== {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
