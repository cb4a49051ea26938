"""`maillage package add|list|remove`: the FHIR packages (profiles, value sets) of an installation."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from maillage.cli.output import OK, PROBLEM, Failure, settings_for, show
from maillage.codes import packages


def package(action: Literal["add", "list", "remove"], target: str = "", *, data: Path | None = None, json: bool = False) -> int:
    """Add a FHIR package file (npm style, `.tgz`), list those that are here, or take one away by its name. The server reads them when it starts.

    Example: maillage package add hl7.fhir.fr.core-2.2.0.tgz --data ./data
    """
    folder = settings_for(data).data.folder / packages.FOLDER
    if action == "list":
        return _list(folder, json=json)
    if not target:
        raise Failure("name the file to add" if action == "add" else "name the package to take away")
    return _add(folder, Path(target), json=json) if action == "add" else _remove(folder, target, json=json)


def _add(folder: Path, file: Path, *, json: bool) -> int:
    try:
        added = packages.add(folder, file.read_bytes())
    except packages.PackageError as error:
        raise Failure(f"not added: {error}") from error
    kinds = [resource["resourceType"] for resource in added.resources]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    answer = {"added": True, "name": added.name, "version": added.version, "resources": counts}
    show(answer, json=json, lines=[f"{added.name} {added.version}: {told}", "start the server again to read it"])
    return OK


def _list(folder: Path, *, json: bool) -> int:
    found = [path.stem.replace("+", "/").partition("#") for path in packages.installed(folder)]
    rows = [{"name": name, "version": version} for name, _, version in found]
    show({"packages": rows}, json=json, lines=[f"{row['name']} {row['version']}" for row in rows] or ["no package"])
    return OK


def _remove(folder: Path, name: str, *, json: bool) -> int:
    gone = packages.remove(folder, name)
    show({"removed": gone, "name": name}, json=json, lines=[f"{name} {'removed' if gone else 'is not here'}"])
    return OK if gone else PROBLEM
