"""`make sbom`: the bill of materials of what is shipped, in CycloneDX, the same bytes for the same lock.

Python packages with their hashes come from `uv.lock`; style sheets, fonts and definitions from `vendor.lock.json`.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
HASHES = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def packages() -> dict[str, Any]:
    """The Python packages, as `cyclonedx-py` tells them from the exported lock."""
    uv = shutil.which("uv", path=str(BIN)) or "uv"
    words = [
        uv,
        "export",
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "--format",
        "requirements-txt",
    ]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(listed)
        file.flush()
        words = [str(BIN / "cyclonedx-py"), "requirements", "--output-reproducible", "--pyproject", str(ROOT / "pyproject.toml")]
        words += ["--mc-type", "application", "--output-format", "JSON", "--spec-version", "1.6", file.name]
        made: dict[str, Any] = json.loads(subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout)
    for part in made["components"]:
        said = part.pop("description", "")
        hashes = [{"alg": "SHA-256", "content": digest} for digest in sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", said))]
        place = f"https://pypi.org/project/{part['name']}/{part['version']}/"
        part["externalReferences"] = [{"type": "distribution", "url": place, "hashes": hashes}]
    return made


def vendored() -> list[dict[str, Any]]:
    """What is brought at set-up beside the Python packages."""
    lock = json.loads((ROOT / "vendor.lock.json").read_text(encoding="utf-8"))
    found = []
    for package in lock["packages"]:
        kind, _, digest = package["integrity"].partition("-")
        licence = package["licence"]
        found.append(
            {
                "bom-ref": f"vendor:{package['name']}@{package['version']}",
                "type": "library",
                "name": package["name"],
                "version": package["version"],
                "licenses": [{"expression": licence}] if " " in licence else [{"license": {"name": licence}}],
                "hashes": [{"alg": HASHES[kind], "content": base64.b64decode(digest).hex()}],
            }
        )
    return found


def main() -> int:
    """Write the whole to the standard output."""
    bill = packages()
    bill["components"] = sorted([*bill.get("components", []), *vendored()], key=lambda part: (part["name"], part["version"]))
    known = {part["ref"] for part in bill.get("dependencies", [])}
    bill.setdefault("dependencies", []).extend({"ref": part["bom-ref"]} for part in bill["components"] if part["bom-ref"] not in known)
    json.dump(bill, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
