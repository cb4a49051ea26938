"""Packages are read with care: what is not a package of R4 is refused in words, and the folder holds one version of each."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.packages import archive, package

from maillage.codes import packages
from maillage.codes.definitions import Definitions
from maillage.codes.packages import PackageError, read_package, reading

SYSTEM = {"resourceType": "CodeSystem", "id": "c", "url": "urn:c", "status": "active", "content": "complete", "concept": [{"code": "a"}]}


def test_definitions_are_read_and_the_rest_is_left() -> None:
    found = read_package(package([SYSTEM, {"resourceType": "Patient"}, {"resourceType": "ValueSet", "status": "active"}]))
    assert (found.name, found.version, [r["url"] for r in found.resources]) == ("test.package", "1.0.0", ["urn:c"])


def test_expansions_in_a_bundle_are_read_and_a_mark_of_order_is_no_fault() -> None:
    value_set = {"resourceType": "ValueSet", "url": "urn:v", "expansion": {"contains": [{"system": "urn:c", "code": "a"}]}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": value_set}, {}]}
    manifest = b"\xef\xbb\xbf" + json.dumps({"name": "n", "version": "1", "fhirVersions": ["4.0.1"]}).encode()
    found = read_package(archive({"package/package.json": manifest, "package/expansions.json": json.dumps(bundle).encode()}))
    assert Definitions([found]).terminology.contains("urn:v", "urn:c", "a") is True


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not a readable package"),
        (b"not gzip", "not a readable package"),
        (archive({"package/package.json": b"{"}), "not a readable package"),
        (archive({"package/other.json": b"{}"}), "must give a name and a version"),
        (package([], name="../up"), "must give a name and a version"),
        (package([], fhirVersions=["5.0.0"]), "is not for FHIR R4"),
        (package([])[:60], "not a readable package"),
    ],
    ids=["empty", "not an archive", "not JSON", "no manifest", "a path for a name", "another FHIR", "cut"],
)
def test_what_is_no_package_is_refused_in_words(data: bytes, told: str) -> None:
    with pytest.raises(PackageError, match=told):
        read_package(data)


def test_a_package_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_OF_ONE", 100)
    with pytest.raises(PackageError, match="too large"):
        read_package(package([{**SYSTEM, "title": "x" * 200}]))


def test_links_in_an_archive_are_not_followed() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        link = tarfile.TarInfo("package/package.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    with pytest.raises(PackageError, match="must give a name"):
        read_package(buffer.getvalue())


def test_the_folder_keeps_one_version_of_each(tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    assert (packages.installed(folder), packages.load(folder)) == ([], [])
    for version in ("1.0.0", "1.1.0"):
        packages.add(folder, package([SYSTEM], name="@org/one", version=version))
    packages.add(folder, package([SYSTEM], name="two"))
    assert [(p.name, p.version) for p in packages.load(folder)] == [("@org/one", "1.1.0"), ("two", "1.0.0")]
    assert (packages.remove(folder, "@org/one"), packages.remove(folder, "@org/one")) == (True, False)
    with pytest.raises(PackageError):
        packages.add(folder, b"broken")
    assert [p.name for p in packages.load(folder)] == ["two"]


def test_a_definition_without_snapshot_or_of_another_version_is_left_out() -> None:
    base: dict[str, Any] = {"resourceType": "StructureDefinition", "url": "urn:s", "type": "Patient", "derivation": "constraint"}
    whole = {**base, "snapshot": {"element": [{"id": "Patient", "path": "Patient"}]}}
    assert read_package(package([base, {**whole, "fhirVersion": "5.0.0"}])).resources == ()
    assert len(read_package(package([whole])).resources) == 1
