"""A package file into its definitions: nothing is unpacked to disk, and sizes are bounded."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from maillage.codes.json import decode
from maillage.kernel.errors import MaillageError

KINDS: Final = ("StructureDefinition", "ValueSet", "CodeSystem")
MOST_BYTES: Final = 400_000_000
MOST_FILES: Final = 20_000
MOST_OF_ONE: Final = 60_000_000
_NAME = re.compile(r"@?[a-z0-9][a-z0-9._/-]{0,213}", re.IGNORECASE)
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")


class PackageError(Exception):
    """The file is no FHIR package that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Package:
    """`resources` are the profiles, value sets and code systems, expansions included."""

    name: str
    version: str
    title: str
    resources: tuple[dict[str, Any], ...]


def read_package(data: bytes) -> Package:
    """The definitions of an npm-style FHIR package for R4. Raises `PackageError`."""
    manifest: dict[str, Any] = {}
    resources: list[dict[str, Any]] = []
    try:
        for path, raw in _files(data):
            value = decode(raw.removeprefix(b"\xef\xbb\xbf"))
            if path == "package/package.json":
                manifest = value if type(value) is dict else {}
            elif type(value) is dict:
                resources += _definitions(value)
    except (tarfile.TarError, zlib.error, EOFError, OSError, MaillageError) as error:
        raise PackageError(f"not a readable package: {error}") from error
    name, version = str(manifest.get("name", "")), str(manifest.get("version", ""))
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version) or ".." in name:
        raise PackageError("package/package.json must give a name and a version")
    versions = manifest.get("fhirVersions", manifest.get("fhir-version-list", ["4.0.1"]))
    if type(versions) is not list or not any(str(one).startswith("4.0") for one in versions):
        raise PackageError(f"{name} is not for FHIR R4")
    return Package(name, version, str(manifest.get("title", "")), tuple(resources))


def _files(data: bytes) -> Iterator[tuple[str, bytes]]:
    total = count = 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            if not member.isfile() or not member.name.endswith(".json") or member.name.count("/") > 3:
                continue
            total, count = total + member.size, count + 1
            if total > MOST_BYTES or count > MOST_FILES or member.size > MOST_OF_ONE:
                raise PackageError("the package is too large")
            if member.name.rpartition("/")[2].startswith(".index") or "/example/" in member.name or "/openapi/" in member.name:
                continue
            handle = archive.extractfile(member)
            if handle is not None:
                yield member.name, handle.read()


def _definitions(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The resource itself, or those of a Bundle of expansions."""
    if value.get("resourceType") == "Bundle":
        entries = value.get("entry", [])
        found = [entry.get("resource") for entry in entries if type(entry) is dict] if type(entries) is list else []
    else:
        found = [value]
    return [one for one in found if type(one) is dict and one.get("resourceType") in KINDS and type(one.get("url")) is str and _usable(one)]


def _usable(resource: dict[str, Any]) -> bool:
    if resource["resourceType"] != "StructureDefinition":
        return True
    return type(resource.get("snapshot")) is dict and str(resource.get("fhirVersion", "4.0.1")).startswith("4.0")
