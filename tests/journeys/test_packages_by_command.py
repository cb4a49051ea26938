"""`maillage package`: a package is added, listed, taken away; a wrong file is told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.packages import package as archive

from maillage.cli.package import package
from maillage.cli.status import Failure
from maillage.codes import packages


def test_a_package_is_added_listed_and_taken_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.tgz"
    file.write_bytes(archive([{"resourceType": "ValueSet", "url": "urn:v", "status": "active"}], name="one.package"))
    assert package("add", str(file), data=tmp_path, json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"added": True, "name": "one.package", "version": "1.0.0", "resources": {"ValueSet": 1}}
    assert package("list", data=tmp_path, json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"packages": [{"name": "one.package", "version": "1.0.0"}]}
    assert len(packages.load(tmp_path / packages.FOLDER)) == 1
    assert [package("remove", "one.package", data=tmp_path), package("remove", "one.package", data=tmp_path)] == [0, 1]


def test_a_wrong_use_is_told_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(b"not a package")
    for action, target, told in (
        ("add", str(broken), "not added: not a readable package"),
        ("add", "", "name the file"),
        ("remove", "", "name the package"),
    ):
        with pytest.raises(Failure, match=told):
            package(action, target, data=tmp_path)  # type: ignore[arg-type]  # the words of the command
