"""FHIR packages for tests: files made in memory, and the published FR Core 2.2.0 when it lies beside the project."""

from __future__ import annotations

import io
import json
import os
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

from maillage.codes.definitions import Definitions
from maillage.codes.json import decode
from maillage.codes.packages import read_package

PUBLISHED = Path(os.environ.get("MAILLAGE_EXAMPLES", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
FR_CORE = PUBLISHED / "fr-core-2.2.0"


def archive(files: dict[str, bytes]) -> bytes:
    """A gzipped tar of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def package(resources: list[dict[str, Any]], name: str = "test.package", version: str = "1.0.0", **more: Any) -> bytes:
    """A package file that holds these resources."""
    manifest = {"name": name, "version": version, "fhirVersions": ["4.0.1"], **more}
    files = {"package/package.json": json.dumps(manifest).encode()}
    for place, resource in enumerate(resources):
        files[f"package/{resource['resourceType']}-{place}.json"] = json.dumps(resource).encode()
    return archive(files)


@cache
def fr_core_file() -> bytes | None:
    """The published package as a file; None, and a word, when it is not beside the project."""
    if not FR_CORE.is_dir():
        print(f"no FR Core under {PUBLISHED}: set MAILLAGE_EXAMPLES to check it")  # noqa: T201  # the one line that says why nothing is compared
        return None
    files = {f"package/{path.name}": path.read_bytes() for path in sorted((FR_CORE / "definitions").glob("*.json"))}
    for name in ("package.json", "expansions.json"):
        files[f"package/{name}"] = (FR_CORE / name).read_bytes()
    return archive(files)


@cache
def fr_core() -> Definitions | None:
    """The definitions of FR Core 2.2.0."""
    data = fr_core_file()
    return Definitions([read_package(data)]) if data else None


@cache
def with_guide(name: str) -> Definitions | None:
    """The definitions of FR Core and of a published guide beside it; None when they are not there."""
    folder, core = PUBLISHED / name, fr_core_file()
    if core is None or not folder.is_dir():
        return None
    files = {f"package/{path.name}": path.read_bytes() for path in sorted((folder / "definitions").glob("*.json"))}
    files["package/package.json"] = (folder / "package.json").read_bytes()
    return Definitions([read_package(core), read_package(archive(files))])


def fr_core_example(name: str) -> dict[str, Any]:
    """One of its published examples, fresh."""
    found: dict[str, Any] = decode((FR_CORE / "examples" / f"{name}.json").read_bytes())
    return found
