"""Security reflexes that a machine can check."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "maillage"
BANNED_CALLS = {"eval", "exec", "compile", "__import__"}
BANNED_MODULES = {"pickle", "marshal", "shelve", "jose", "bleach", "PyPDF2", "ecdsa"}
CLOCK_READERS = {"kernel/clock.py", "store/checks.py"}
"""The injected clock itself, and the start-up check that compares the machine's clock with the database's."""
NEVER_SHIPPED = ("python-jose", "ecdsa", "bleach", "pypdf2")


def _trees() -> list[tuple[Path, ast.AST]]:
    return [(path, ast.parse(path.read_text())) for path in SOURCE.rglob("*.py") if "_vendor" not in path.parts]


def test_nothing_is_evaluated_or_unpickled() -> None:
    found = []
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
                found.append(f"{path.name}:{node.lineno} {node.func.id}")
            if isinstance(node, ast.Import) and BANNED_MODULES & {alias.name.split(".")[0] for alias in node.names}:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []


def test_the_lock_holds_no_abandoned_package_and_every_hash() -> None:
    lock = (ROOT / "uv.lock").read_text()
    names = set(re.findall(r'^name = "([^"]+)"', lock, re.MULTILINE))
    assert names.isdisjoint(NEVER_SHIPPED)
    assert all("hash = " in line for line in lock.splitlines() if ".whl" in line and "url = " in line)


def test_the_machine_clock_is_asked_in_one_place() -> None:
    found = []
    for path, tree in _trees():
        if str(path.relative_to(SOURCE)) in CLOCK_READERS:
            continue
        for node in ast.walk(tree):
            asked = isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"} and isinstance(node.value, ast.Name)
            if asked and node.value.id in {"datetime", "date"}:
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert found == []


def test_a_file_of_tests_holds_a_test() -> None:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    empty = [path.name for path in files if not re.search(r"^(?:async )?def test_", path.read_text(encoding="utf-8"), re.MULTILINE)]
    assert empty == []
