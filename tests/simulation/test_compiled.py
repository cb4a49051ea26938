"""Machine code is written once, found again, and needs no compiler where it is."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from maillage.simulation import building, compiled, parameters, sweep
from maillage.simulation.compiled import SOURCES, Compiled
from maillage.simulation.counting import sooner
from maillage.simulation.memory import fetched
from maillage.simulation.timers import lowest

HERE = Path(compiled.__file__).parent
YEAR = """
import sys
from maillage.simulation import parameters, sweep
done = sweep.work(sweep.Unit(parameters.shipped("percy-20000"), (1,), 42, 28))
print(done.figures[0]["arrivals"] > 30, sorted({"numba", "scipy"} & set(sys.modules)))
"""


def doubled(values: np.ndarray, most: float) -> int:
    """Something to compile: changes its array, counts what it changed, refuses what is negative."""
    count = 0
    for n in range(values.shape[0]):
        if values[n] < 0.0:
            raise ValueError("negative")
        if values[n] < most:
            values[n] *= 2.0
            count += 1
    return count


def test_a_run_loads_no_compiler() -> None:
    sweep.work(sweep.Unit(parameters.shipped("percy-20000"), (1,), 42, 28))  # whatever is not compiled yet
    said = subprocess.run([sys.executable, "-c", YEAR], check=True, capture_output=True, text=True, timeout=120)
    assert said.stdout.split(maxsplit=1) == ["True", "[]\n"]


def test_machine_code_is_kept_in_a_file_and_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "folders", lambda: (tmp_path / "beside", tmp_path / "user"))
    monkeypatch.setattr(building, "folders", compiled.folders)
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "0123.doubled.0123.o").write_bytes(b"of other sources")
    values = np.array([1.0, 5.0, 2.0])
    assert Compiled(doubled)(values, 3.0) == 2
    assert values.tolist() == [2.0, 5.0, 4.0]
    [file] = (tmp_path / "beside").iterdir()
    assert file.name.startswith(f"{compiled.digest()}.doubled.")
    monkeypatch.setattr(building, "machine_code", None)
    again = Compiled(doubled)
    assert again(values, 4.5) == 2
    assert values.tolist() == [4.0, 5.0, 8.0]
    with pytest.raises(RuntimeError, match="doubled: compiled code failed"):
        again(np.array([-1.0]), 1.0)


def test_where_nothing_may_be_written_code_is_compiled_and_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(building, "folders", lambda: (tmp_path / "file" / "beside", tmp_path / "file" / "user"))
    assert Compiled(doubled)(np.array([1, 2], np.int64), 3.0) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_stamp_holds_every_file_with_compiled_code_or_its_constants() -> None:
    marked = {"compiled", "inlined"}
    reached: set[str] = set()
    for path in HERE.glob("*.py"):
        found = [each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.ImportFrom)]
        within = {each.module.rpartition(".")[2]: each for each in found if (each.module or "").startswith("maillage.simulation.")}
        if "compiled" in within and marked & {name.name for name in within["compiled"].names}:
            reached |= {path.stem, *within}
    assert {"engine", "queues", "draws", "memory", "steps"} <= reached
    assert reached - set(SOURCES) == {"parameters", "desk"}  # which arrivals read outside their compiled parts
    assert all((HERE / f"{name}.py").is_file() for name in SOURCES)


def test_a_part_is_plain_python_too() -> None:
    assert [lowest(np.uint64(word)) for word in (1, 2, 12, 1 << 63)] == [0, 1, 2, 63]
    assert fetched(np.zeros(1), 5) is None  # beyond the end too: it reads nothing
    assert [sooner(1.0, 2.0), sooner(math.nan, 2.0), sooner(3.0, math.nan), sooner(3.0, 2.0)] == [1.0, 2.0, 3.0, 2.0]
