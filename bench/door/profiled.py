"""`maillage serve` in this process, with a sampler that looks at what runs at each tick of processor time.

SIGUSR1 forgets what was seen so far; at the end the functions are printed and the files by their own time, then the functions with what they call.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from maillage.cli.serve import serve

EVERY = 0.001  # the kernel makes it one of its ticks
MOST = 40
own: Counter[str] = Counter()
whole: Counter[str] = Counter()
files: Counter[str] = Counter()
callers: Counter[str] = Counter()
TABLES = {
    "files, own time": files,
    "functions, own time": own,
    "functions, own time, with their callers": callers,
    "functions, with what they call": whole,
}


def _look(_signal: int, frame: FrameType | None) -> None:
    names = list(_names(frame))
    if names:
        own[names[0]] += 1
        callers[" <- ".join(names[:4])] += 1
        files[names[0].partition(":")[0]] += 1
        whole.update(set(names))


def _names(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        code = frame.f_code
        yield f"{_short(code.co_filename)}:{code.co_firstlineno} {code.co_qualname}"
        frame = frame.f_back


def _short(path: str) -> str:
    for folder in ("site-packages/", "src/", "lib/"):
        if folder in path:
            return path.rpartition(folder)[2]
    return path


def _forget(*_: object) -> None:
    for counts in TABLES.values():
        counts.clear()


def _print() -> None:
    seen = sum(own.values()) or 1
    for title, counts in (
        ("files, own time", files),
        ("functions, own time", own),
        ("functions, own time, with their callers", callers),
        ("functions, with what they call", whole),
    ):
        print(f"-- {title} ({seen} samples)")
        for name, count in counts.most_common(MOST):
            print(f"{100 * count / seen:5.1f} %  {name}")
    sys.stdout.flush()


def main() -> None:
    """Serve until told to end, then print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    signal.signal(signal.SIGPROF, _look)
    signal.signal(signal.SIGUSR1, _forget)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        serve(port=asked.port, data=asked.data)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _print()


if __name__ == "__main__":
    main()
