"""The packages of an installation: files of its data folder, read when the server starts."""

from __future__ import annotations

from pathlib import Path

from maillage.codes.packages.reading import Package, read_package

FOLDER = "packages"
"""Its name in the data folder."""

SUFFIX = ".tgz"


def add(folder: Path, data: bytes) -> Package:
    """Check a package and put it into the folder, in the place of another version of the same. Raises `PackageError`."""
    package = read_package(data)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_file(package.name)}#{package.version}{SUFFIX}"
    new = target.with_suffix(".new")
    new.write_bytes(data)
    for old in folder.glob(f"{_file(package.name)}#*{SUFFIX}"):
        old.unlink()
    new.replace(target)
    return package


def installed(folder: Path) -> list[Path]:
    """The package files, by name."""
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def load(folder: Path) -> list[Package]:
    """Every package of the folder. Raises `PackageError`."""
    return [read_package(path.read_bytes()) for path in installed(folder)]


def _file(name: str) -> str:
    return name.replace("/", "+")


def remove(folder: Path, name: str) -> bool:
    """Take a package away by its name; False when it was not there."""
    found = list(folder.glob(f"{_file(name)}#*{SUFFIX}"))
    for path in found:
        path.unlink()
    return bool(found)
