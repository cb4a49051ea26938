"""Files stay small and functions plain: 500 and 40 lines fail (house.md, part 8)."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LIMIT = 500
FUNCTION_LIMIT = 40
DISPATCH = {"src/maillage/simulation/engine.py:run": 150}
"""The dispatch loop of the simulation: cut in two, it would no longer be one compiled loop. This list may only shrink."""
FOLDERS = ("src", "tests", "tools", "bench")


def _sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return [path for path in found if "_vendor" not in path.parts]


def test_no_file_is_too_long() -> None:
    long = {str(path.relative_to(ROOT)): count for path in _sources() if (count := len(path.read_text().splitlines())) > FILE_LIMIT}
    assert long == {}


def test_no_function_is_too_long() -> None:
    long = []
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                name = f"{path.relative_to(ROOT)}:{node.name}"
                if length > DISPATCH.get(name, FUNCTION_LIMIT):
                    long.append(f"{name} {length}")
    assert long == []


def test_there_is_no_utils() -> None:
    assert [str(path) for path in _sources() if path.stem in {"utils", "helpers", "misc", "common"}] == []
