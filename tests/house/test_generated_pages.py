"""Documents that cannot lie: what is generated equals what it is generated from."""

import re
from pathlib import Path

import pytest

from maillage import reference

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted(reference.pages()))
def test_page_equals_its_source(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == reference.pages()[path], "run `maillage docs`"


def test_architecture_names_every_package_and_no_other() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = text.split("```text", 1)[1].split("```", 1)[0]
    named = {match[1] for line in tree.splitlines() if (match := re.match(r" {2}([a-z0-9_]+)/ ", line))}
    package = ROOT / "src" / "maillage"
    real = {path.name for path in package.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert named == real
