"""Mutation testing of what decides who may see, who gets a slot and what is proved: `python tools/mutate.py [GROUP...] [--each N] [--seed S]`.

One small change at a time in a copy of the tree; the tests of its group must fail. The quick stage is asked first, the slower one only when it sees nothing.
Prints each change that no test sees, and the share that was seen for each file; ends with 1 when a group is under 85 %.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOWEST = 0.85
PATIENCE = 300


@dataclass(frozen=True)
class Group:
    """Files of the package, and the tests that must see a change in them, stage by stage."""

    files: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]


def _tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{folder}/test_{name}.py" for name in names)


GROUPS = {
    "policy": Group(
        ("access/policy/rules.py", "access/policy/masking.py", "access/narrowing.py", "access/scopes.py", "access/choices/rules.py"),
        (
            _tests("rules", "policy", "scopes", "choices_and_emergency"),
            (*_tests("actions", "access", "opposition", "choices", "labels", "break_glass"), *_tests("doors", "policy_matrix")),
        ),
    ),
    "booking": Group(
        tuple(f"booking/rules/{name}.py" for name in ("appointments", "deadlines", "parties", "recurrence", "slots", "tables")),
        (
            _tests(
                "rules",
                "booking_appointments",
                "booking_deadlines",
                "booking_parties",
                "booking_recurrence",
                "booking_slots",
                "booking_tables",
            ),
            _tests("actions", "booking_book", "booking_hold", "booking_cancel", "booking_waitlist", "booking_sessions", "booking_planning"),
        ),
    ),
    "audit": Group(
        (
            "record/audit.py",
            "record/balp.py",
            "record/trail.py",
            *(f"record/proof/{name}.py" for name in ("canon", "chainer", "checkpoints", "verify", "status", "syslog")),
        ),
        (
            _tests("actions", "audit_events", "audit_chain", "audit_tampering"),
            (*_tests("actions", "audit_commands", "audit_chain_races"), *_tests("doors", "audit_pages")),
        ),
    ),
}
_OTHER = {ast.Eq: ast.NotEq, ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.In: ast.NotIn, ast.Is: ast.IsNot}
OTHER = {**_OTHER, **{after: before for before, after in _OTHER.items()}}
SQL = ("SELECT", "INSERT", "UPDATE", "FROM ", "WHERE", "$1", "{")


def places(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where the tree can be changed, and how: its number in the walk, the kind of change."""
    left = {id(inner) for node in ast.walk(tree) for part in _left_alone(node) for inner in ast.walk(part)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) not in left and (kind := _kind(node)):
            yield number, kind


def _left_alone(node: ast.AST) -> Iterator[ast.AST]:
    """Documentation, annotations, messages for people, options of a class: to change them changes no rule."""
    match node:
        case ast.Expr(value=ast.Constant()):
            yield node
        case ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation):
            yield annotation
        case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
            yield returns
        case ast.Call(func=ast.Attribute(attr="error" | "warning" | "info")) | ast.Call(func=ast.Name(id="dataclass" | "lru_cache")):
            yield node


def _kind(node: ast.AST) -> str:
    match node:
        case ast.Compare():
            return "comparison" if type(node.ops[0]) in OTHER else ""
        case ast.Constant(value=bool() | int() | float()):
            return "number"
        case ast.Constant(value=str() as text):
            return "text" if text and not any(word in text for word in SQL) else ""
        case ast.UnaryOp(op=ast.Not()):
            return "not"
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return "plus/minus"
        case ast.Expr(value=ast.Await() | ast.Call()):
            return "call"
    return {ast.BoolOp: "and/or", ast.IfExp: "either", ast.If: "if"}.get(type(node), "")


def changed(source: str, number: int) -> tuple[str, int]:
    """The source with one change, and its line."""
    tree = ast.parse(source)
    node: Any = list(ast.walk(tree))[number]
    CHANGES[_kind(node)](node)
    return ast.unparse(ast.fix_missing_locations(tree)), int(getattr(node, "lineno", 0))


def _set(name: str, value: Callable[[Any], Any]) -> Callable[[Any], None]:
    return lambda node: setattr(node, name, value(node))


def _swap(node: Any) -> None:
    node.body, node.orelse = node.orelse, node.body


CHANGES: dict[str, Callable[[Any], None]] = {
    "comparison": _set("ops", lambda node: [OTHER[type(node.ops[0])](), *node.ops[1:]]),
    "number": _set("value", lambda node: not node.value if isinstance(node.value, bool) else node.value + 1),
    "text": _set("value", lambda node: f"XX{node.value}"),
    "not": _set("operand", lambda node: ast.UnaryOp(ast.Not(), node.operand)),
    "plus/minus": _set("op", lambda node: ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()),
    "call": _set("value", lambda _: ast.Constant(None)),
    "and/or": _set("op", lambda node: ast.Or() if isinstance(node.op, ast.And) else ast.And()),
    "either": _swap,
    "if": _set("test", lambda node: ast.UnaryOp(ast.Not(), node.test)),
}


def is_seen(tree: Path, group: Group) -> bool:
    """Whether a test of the group fails, or never ends."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=no"]
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}", "PYTHONDONTWRITEBYTECODE": "1"}
    for stage in group.stages:
        try:
            if subprocess.run([*command, *stage], cwd=tree, env=environment, capture_output=True, timeout=PATIENCE, check=False).returncode:
                return True
        except subprocess.TimeoutExpired:
            return True
    return False


def play(tree: Path, name: str, each: int, chance: random.Random, until: float) -> float:
    """Change a group in `each` places of each file; the share that its tests saw."""
    group, seen = GROUPS[name], defaultdict(list)
    if is_seen(tree, group):
        sys.exit(f"the tests of {name} fail before anything is changed")
    todo = [(file, *place) for file in group.files for place in _some(tree, file, each, chance)]
    chance.shuffle(todo)
    for file, number, kind in todo:
        if time.monotonic() > until:
            break
        path = tree / "src/maillage" / file
        source = path.read_text(encoding="utf-8")
        text, line = changed(source, number)
        path.write_text(text, encoding="utf-8")
        seen[file].append(is_seen(tree, group))
        path.write_text(source, encoding="utf-8")
        if not seen[file][-1]:
            print(f"not seen: {file}:{line} {kind}", flush=True)
    for file, found in sorted(seen.items()):
        print(f"{name}: {file} {sum(found)} of {len(found)}")
    every = [one for found in seen.values() for one in found]
    print(f"{name}: {sum(every)} of {len(every)} changes seen, {100 * sum(every) / max(1, len(every)):.0f} %", flush=True)
    return sum(every) / max(1, len(every))


def _some(tree: Path, file: str, each: int, chance: random.Random) -> list[tuple[int, str]]:
    found = list(places(ast.parse((tree / "src/maillage" / file).read_text(encoding="utf-8"))))
    return chance.sample(found, min(each, len(found)))


def main() -> int:
    """Every group that is named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="all of them unless named")
    parser.add_argument("--each", type=int, default=1000, help="changes in each file, taken by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no new change after so long, for each group")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", ".setup", "data", "__pycache__"))
        Path(folder).chmod(0o755)
        shares = [
            play(tree, name, asked.each, random.Random(asked.seed), time.monotonic() + asked.seconds) for name in asked.groups or GROUPS
        ]
    return int(min(shares) < LOWEST)


if __name__ == "__main__":
    sys.exit(main())
