"""Runs the same tests again and again for `mutate.py`, each time in a fork of a process that has loaded the libraries already.

Reads orders as lines of JSON, `{"load": [...]}` or `{"tests": [...], "patience": seconds}`; answers one line: `ok`, `failed` or `endless`.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings

STEP = 0.02
OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=no", "--assert=plain")


PURE = "tests/rules/"
"""Tests of rules need no fixture, and so not the imports of `tests/conftest.py`."""


def load(names: list[str]) -> str:
    """Import what every run would import again."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)
    return "ok"


def play(tests: list[str], patience: float) -> str:
    """Whether the tests pass; `endless` once so many seconds of this process's own waiting have passed (it may be paused meanwhile)."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        alone = ["--noconftest"] if all(test.startswith(PURE) for test in tests) else []
        os._exit(int(pytest.main([*OPTIONS, *alone, *tests])))
    for _ in range(int(patience / STEP)):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "ok" if status == 0 else "failed"
        time.sleep(STEP)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "endless"


def main() -> None:
    """One answer for each order, until there is none."""
    sys.dont_write_bytecode = True
    settings.register_profile("player", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    settings.load_profile("player")
    for line in sys.stdin:
        order = json.loads(line)
        print(load(order["load"]) if "load" in order else play(order["tests"], order["patience"]), flush=True)


if __name__ == "__main__":
    main()
