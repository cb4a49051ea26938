"""The local rules bite, each one, and the tree is clean."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import lint

    yield lint
    sys.modules.pop("lint", None)


BAD = {  # put together here, so that this file breaks no rule itself
    "allowed-true": ("src/maillage/a.py", "    allowed" + " = True"),
    "unverified": ("src/maillage/a.py", "httpx.Client(verify" + "=False)"),
    "xml": ("src/maillage/doors/a.py", "from lxml" + " import etree"),
    "todo": ("src/maillage/a.py", "# TO" + "DO check the role here"),
    "weak-hash": ("src/maillage/a.py", "hashlib.md" + "5(b'')"),
    "shell": ("src/maillage/a.py", "subprocess.run(x, shell" + "=True)"),
    "unsafe-markup": ("src/maillage/a.html", "{{ text|" + "safe }}"),
    "unsafe-style": ("src/maillage/a.html", '<p style="' + 'color:red">'),
    "private-key": ("docs/a.md", "-----BEGIN " + "PRIVATE KEY-----"),
    "cloud-key": ("docs/a.md", "AKIA" + "IOSFODNN7EXAMPLE"),
    "password-in-address": ("docs/a.md", "postgresql://user:" + "hunter2hunter2@host/db"),
    "written-secret": ("src/maillage/a.py", 'password = "' + 'abcdefghijklmnop1234"'),
}


def test_each_rule_has_a_line_that_breaks_it(lint: Any) -> None:
    assert {rule.name for rule in (*lint.CODE, *lint.SECRETS)} == BAD.keys()


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_rule_bites_and_a_reason_spares(lint: Any, name: str) -> None:
    path, line = BAD[name]
    assert any(f" {name}: " in found for found in lint.findings(path, f"\n{line}\n"))
    assert list(lint.findings(path, f"{line}  # lint: spared, because this is a test\n")) == []
    assert any(f" {name}: " in found for found in lint.findings(path, f"{line}  # lint: spared, because\n")), "a reason is needed"


def test_what_looks_alike_is_left_alone(lint: Any) -> None:
    fine = (
        'allowed = check(actor)\nverify=True\n# todo list of the patient\n<script src="x"></script>\npostgresql://user:{password}@host/db\n'
    )
    assert list(lint.findings("src/maillage/a.py", fine)) == []
    assert list(lint.findings("src/maillage/a.html", '<script src="{{ asset() }}"></script>')) == []


def test_the_tree_is_clean(lint: Any) -> None:
    found = [line for name in lint.tracked() for line in _of(lint, name)]
    assert found == []


def _of(lint: Any, name: str) -> list[str]:
    path = ROOT / name
    try:
        return list(lint.findings(name, path.read_text(encoding="utf-8"))) if path.is_file() and not path.is_symlink() else []
    except UnicodeDecodeError:
        return []
