"""Mutation testing of what decides who may see, who gets a slot and what is proved: `python tools/mutate.py [GROUP...] [--each N] [--seed S] [--quick]`.

One small change at a time in a copy of the tree; the tests of its group must fail. The quick stage is asked first, the slower one only when it sees nothing.
Prints each change that no test sees, and the share that was seen for each file; ends with 1 when a group is under 85 %.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import json
import os
import py_compile
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maillage.store import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
LOWEST = 0.85
PATIENCE, TIMES = 30.0, 10
"""A change that makes tests run for so many seconds more than ten times as long as before is an endless loop: it was seen."""

FOLDER = "MAILLAGE_TEST_FOLDER"  # as `tests/support/postgres.py` reads it


@dataclass(frozen=True)
class Group:
    """Files of the package, and the tests that must see a change in them, stage by stage."""

    files: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]
    below: tuple[str, ...]


def _tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{folder}/test_{name}.py" for name in names)


GROUPS = {
    "policy": Group(
        ("access/policy/rules.py", "access/policy/masking.py", "access/narrowing.py", "access/scopes.py", "access/choices/rules.py"),
        (
            _tests("rules", "policy", "narrowing", "scopes", "choices_and_emergency"),
            (*_tests("actions", "access", "opposition", "choices", "labels", "break_glass"), *_tests("doors/fhir", "scope_queries")),
        ),
        ("kernel", "codes", "store", "record", "directory"),
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
            _tests(
                "actions",
                "booking_book",
                "booking_hold",
                "booking_cancel",
                "booking_waitlist",
                "booking_sessions",
                "booking_planning",
                "booking_clock",
            ),
        ),
        ("kernel", "codes", "store", "record", "directory", "access", "messaging"),
    ),
    "audit": Group(
        (
            "record/audit.py",
            "record/balp.py",
            "record/trail.py",
            *(f"record/proof/{name}.py" for name in ("canon", "chainer", "checkpoints", "verify", "status", "syslog")),
        ),
        (
            _tests("rules", "audit_shapes"),
            _tests("actions", "audit_events", "audit_acts", "audit_words", "audit_chain", "audit_tampering"),
            (*_tests("actions", "audit_commands", "audit_chain_races"), *_tests("doors", "audit_pages")),
        ),
        ("kernel", "codes", "store"),
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
        case ast.Raise(exc=ast.Call(func=ast.Name(id="ValueError"))):
            yield node  # that it is raised is the rule of the line before; its sentence is for whoever reads the log


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


class Player:
    """The process that runs the tests of a group, over one PostgreSQL that stays from one run to the next."""

    def __init__(self, tree: Path, cluster: Path) -> None:
        self.patience: list[float] = []
        environment = {
            **os.environ,
            "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}",
            "PYTHONDONTWRITEBYTECODE": "1",
            FOLDER: str(cluster),
        }
        words = [sys.executable, str(Path(__file__).with_name("mutant_player.py"))]
        self._process = subprocess.Popen(words, cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, order: dict[str, Any]) -> str:
        """One order, one answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """No more orders."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def measure(self, stages: Sequence[Sequence[str]]) -> bool:
        """How long each stage takes before anything is changed; whether they all pass."""
        for stage in stages:
            begun = time.monotonic()
            if self.ask({"tests": stage, "patience": 600}) != "ok":
                return False
            self.patience.append(PATIENCE + TIMES * (time.monotonic() - begun))
        return True

    def is_seen(self, stages: Sequence[Sequence[str]]) -> bool:
        """Whether a test fails, or never ends."""
        asked = zip(stages, self.patience, strict=True)
        return any(self.ask({"tests": stage, "patience": patience}) != "ok" for stage, patience in asked)


def play(tree: Path, player: Player, name: str, asked: argparse.Namespace) -> float:
    """Change a group in so many places of each file; the share that its tests saw."""
    group, seen, chance, until = GROUPS[name], defaultdict(list), random.Random(asked.seed), time.monotonic() + asked.seconds
    stages = group.stages[:1] if asked.quick else group.stages
    player.ask({"load": libraries(tree, group)})
    if not player.measure(stages):
        sys.exit(f"the tests of {name} fail before anything is changed")
    todo = [(file, *place) for file in group.files for place in _some(tree, file, asked.each, chance)]
    chance.shuffle(todo)
    for done, (file, number, kind) in enumerate(todo):
        print(f"{name}: {done} of {len(todo)}", end="\r", file=sys.stderr, flush=True)
        if time.monotonic() > until:
            break
        path = tree / "src/maillage" / file
        source = path.read_text(encoding="utf-8")
        text, line = changed(source, number)
        path.write_text(text, encoding="utf-8")
        seen[file].append(player.is_seen([nearest(stage, file) for stage in stages]))
        path.write_text(source, encoding="utf-8")
        if not seen[file][-1]:
            print(f"not seen: {file}:{line} {kind} ({number})", flush=True)
    for file, found in sorted(seen.items()):
        print(f"{name}: {file} {sum(found)} of {len(found)}")
    every = [one for found in seen.values() for one in found]
    print(f"{name}: {sum(every)} of {len(every)} changes seen, {100 * sum(every) / max(1, len(every)):.0f} %", flush=True)
    return sum(every) / max(1, len(every))


def nearest(tests: Sequence[str], file: str) -> list[str]:
    """The tests of a stage, those first that bear the name of the file: the first failure ends the run."""
    name = Path(file).parent.name if Path(file).stem == "rules" else Path(file).stem
    return sorted(tests, key=lambda test: name not in test)


def libraries(tree: Path, group: Group) -> list[str]:
    """What the tests of a group import that no change touches: the libraries, and the layers under the group."""
    code = "import sys, pytest; pytest.main(['--collect-only', '-qq', *sys.argv[1:]]); print('\\n' + ' '.join(sorted(sys.modules)))"
    tests = [test for stage in group.stages for test in stage]
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code, *tests], cwd=tree, env=environment, capture_output=True, text=True, check=False)
    names = done.stdout.splitlines()[-1].split()
    below = tuple(f"maillage.{layer}" for layer in group.below)
    ours = {"maillage", "tests", "conftest"}
    return [name for name in names if (name[0] != "_" and name.partition(".")[0] not in ours) or name.startswith(below)]


def _some(tree: Path, file: str, each: int, chance: random.Random) -> list[tuple[int, str]]:
    found = list(places(ast.parse((tree / "src/maillage" / file).read_text(encoding="utf-8"))))
    return chance.sample(found, min(each, len(found)))


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """The PostgreSQL of the tests: as long as we own it, a run that ends does not stop it, and finds its templates filled."""
    folder.mkdir(mode=0o755)
    postgres = EmbeddedPostgres(folder / "data", shared_buffers="128MB")
    postgres.start()
    try:
        yield folder
    finally:
        postgres.stop()


def _one(tree: Path, cluster: Path, name: str, asked: argparse.Namespace) -> float:
    player = Player(tree, cluster)
    try:
        return play(tree, player, name, asked)
    finally:
        player.close()


def main() -> int:
    """Every group that is named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="all of them unless named")
    parser.add_argument("--each", type=int, default=1000, help="changes in each file, taken by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no new change after so long, for each group")
    parser.add_argument("--quick", action="store_true", help="ask the first tests of each group alone, which need no database")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", ".setup", "__pycache__"))
        Path(folder).chmod(0o755)
        compileall.compile_dir(tree, quiet=2, workers=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
        with running(Path(folder) / "cluster") as cluster:
            shares = [_one(tree, cluster, name, asked) for name in asked.groups or GROUPS]
    return int(min(shares) < LOWEST)


if __name__ == "__main__":
    sys.exit(main())
