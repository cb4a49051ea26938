"""Third-party files: locked by hash, never committed, and what is brought is what was locked."""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import vendor

    yield vendor
    for name in ("vendor", "r4_tables", "r4_structures", "r4_search", "r4_terminology", "r4_valuesets"):
        sys.modules.pop(name, None)


def lock() -> dict[str, Any]:
    return json.loads((ROOT / "vendor.lock.json").read_text("utf-8"))


def test_the_folder_is_what_the_lock_says() -> None:
    done = subprocess.run([sys.executable, "tools/vendor.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_file_of_the_lock_has_hash_size_and_licence() -> None:
    for package in lock()["packages"]:
        assert package["licence"]
        assert package["integrity"].startswith("sha512-")
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert any("/licences/" in entry["path"] for entry in package["files"])
        for entry in package["files"]:
            assert entry["size"] > 0
            assert entry["integrity"].startswith("sha512-")
            assert ("sri" in entry) == (entry["path"].startswith("static/") and entry["path"].endswith((".css", ".js")))


def test_the_lock_names_no_registry() -> None:
    assert "://" not in (ROOT / "vendor.lock.json").read_text("utf-8")


def test_nothing_that_is_brought_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "src/maillage/_vendor"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert listed.stdout == ""


def test_the_r4_tables_stay_small() -> None:
    sizes = {entry["path"]: entry["size"] for package in lock()["packages"] for entry in package["files"]}
    assert sizes["r4/structures.msgpack"] + sizes["r4/search.msgpack"] < 1_000_000


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


@pytest.fixture
def world(vendor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One small package, its lock, an empty folder, and no npm."""
    content = b"body {}\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in (("package/a.css", content), ("package/LICENSE", b"free\n"), ("package/other.js", b"x")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    tarball = buffer.getvalue()
    package = vendor.Package("small", "1.0.0", "MIT", {"a.css": "static/a.css", "LICENSE": "static/licences/small.txt"})
    entries = [vendor._entry("static/a.css", content), vendor._entry("static/licences/small.txt", b"free\n")]
    listed = {
        "name": "small",
        "version": "1.0.0",
        "licence": "MIT",
        "size": len(tarball),
        "integrity": integrity(tarball),
        "files": entries,
    }
    path = tmp_path / "vendor.lock.json"
    path.write_text(json.dumps({"compilers": vendor._compilers(), "packages": [listed]}))
    monkeypatch.setattr(vendor, "PACKAGES", (package,))
    monkeypatch.setattr(vendor, "LOCK", path)
    monkeypatch.setattr(vendor, "TARGET", tmp_path / "_vendor")
    monkeypatch.setattr(vendor, "_tarball", lambda _package, _folder: tarball)
    return vendor


def test_a_locked_package_is_brought_once(world: Any) -> None:
    assert world.check()
    assert world.bring() == 1
    assert world.check() == []
    assert world.bring() == 0
    assert sorted(p.relative_to(world.TARGET).as_posix() for p in world.TARGET.rglob("*") if p.is_file()) == [
        "static/a.css",
        "static/licences/small.txt",
    ]


def test_a_changed_missing_or_extra_file_is_told_and_mended(world: Any) -> None:
    world.bring()
    style = world.TARGET / "static" / "a.css"
    style.write_text("body { color: red }")
    assert world.check() == ["missing or changed: static/a.css"]
    style.unlink()
    (world.TARGET / "static" / "more.js").write_text("x")
    assert world.check() == ["missing or changed: static/a.css", "not in the lock: static/more.js"]
    world.bring()
    assert world.check() == []


def test_a_tarball_that_changed_since_it_was_locked_is_refused(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "_tarball", lambda _package, _folder: b"another")
    with pytest.raises(world.VendorError, match="not the one that was locked"):
        world.bring()
    assert not world.TARGET.exists()


def test_a_list_that_disagrees_with_the_lock_is_refused(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "PACKAGES", (world.Package("small", "1.0.1", "MIT", {}),))
    with pytest.raises(world.VendorError, match="disagree"):
        world.check()


def test_without_npm_the_one_of_the_python_package_is_used(vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor.shutil, "which", lambda _name: None)
    assert vendor._npm()[0] == sys.executable
    monkeypatch.setattr(vendor.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(vendor.VendorError, match="npm"):
        vendor._npm()
