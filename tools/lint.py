"""The rules of the house that no linter of the trade knows: `python tools/lint.py`, run by `make check`.

Prints each finding as `path:line rule: why` and ends with 1 when there is one. Only files that git knows are read.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OWN_POLICY = ("src/maillage/doors/fhir/documentation/page.html",)
"""The page of the API's documentation: one style, whose hash stands in that page's own policy of contents."""

XML_MAY = ("src/maillage/codes/xml.py", "src/maillage/codes/r4/narrative.py", "src/maillage/doors/fhir/narratives.py")
"""The wrapper that refuses every document type, and the two readers of narratives, which have none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A text that may not stand in files under `folder`, and why; `spared` files may."""

    name: str
    pattern: re.Pattern[str]
    why: str
    folder: str = "src/"
    suffixes: tuple[str, ...] = (".py",)
    spared: tuple[str, ...] = ()


def _rule(name: str, pattern: str, why: str, **more: Any) -> Rule:
    return Rule(name, re.compile(pattern), why, **more)


_LATER = r"\b(?:TODO|FIXME|XXX|HACK)\b"
_PAGES = {"suffixes": (".html",), "spared": OWN_POLICY}
_EVERYWHERE = {"folder": "", "suffixes": ()}
_GUARD = r"(?:allow|authori[sz]|permi[ts]|visible|forbid|refus|polic(?:y|ies)|role|token|session)"
CODE = (
    _rule("allowed-true", r"\ballowed\s*(?::\s*bool\s*)?=\s*True\b", "permission is never a default"),
    _rule(
        "unverified",
        r"\bverify\s*=\s*False\b|CERT_NONE\b|check_hostname\s*=\s*False|verify_signature[\"']?\s*[:=]\s*False",
        "a certificate or a signature is always verified",
    ),
    _rule(
        "xml",
        r"^\s*(?:from|import)\s+(?:lxml|xml\.(?:etree|dom|sax|parsers)|defusedxml|xmltodict)\b",
        "XML is read by the one wrapper that refuses document types and entities",
        spared=XML_MAY,
    ),
    _rule("todo", rf"{_LATER}(?=.*{_GUARD})|{_GUARD}.*#.*{_LATER}", "an authorisation check is whole or it is not there"),
    _rule(
        "weak-hash",
        r"\b(?:hashlib\.)?(?:md5|sha1)\((?!.*usedforsecurity=False)",
        "neither MD5 nor SHA-1, but where a standard names it and nothing rests on it",
    ),
    _rule("shell", r"\bshell\s*=\s*True\b|\bos\.(?:system|popen)\(", "no shell"),
    _rule(
        "unsafe-markup",
        r"\|\s*safe\b|autoescape\s*(?:=\s*)?(?:False|false)\b|\bhx-on\b|\bon(?:click|load|error|submit|change)\s*=|<script(?![^>]*\bsrc=)",
        "no markup that is not escaped, no script in a page",
        **_PAGES,
    ),
    _rule("unsafe-style", r"\sstyle\s*=\s*[\"']|<style\b", "the policy of contents refuses styles in a page", **_PAGES),
)
_KEYS = (
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bglpat-[A-Za-z0-9_-]{20}\b"
    r"|\bxox[abpr]-[A-Za-z0-9-]{10,}|\bsk-[A-Za-z0-9]{32,}"
)
SECRETS = (
    _rule("private-key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", "a private key is made by the test that needs it", **_EVERYWHERE),
    _rule("cloud-key", _KEYS, "a key of a service", **_EVERYWHERE),
    _rule(
        "password-in-address",
        r"\b[a-z][a-z0-9+]*://[^\s/:@{}<>\"'$]+:(?!SECRET@|p@|x@)[^\s/:@{}<>\"'$.]{6,}@",
        "a password in an address",
        **_EVERYWHERE,
    ),
    _rule(
        "written-secret",
        r"(?i)\b(?:password|passwd|client_secret|api_key|private_key|signing_key)\s*=\s*[\"'][A-Za-z0-9+/_\-]{16,}[\"']",
        "a secret in the source",
    ),
)


def findings(path: str, text: str, rules: tuple[Rule, ...] = (*CODE, *SECRETS)) -> Iterator[str]:
    """What is wrong in one file. `# lint: spared, because ...` on the line spares it, with its reason."""
    for rule in rules:
        if not path.startswith(rule.folder) or (rule.suffixes and not path.endswith(rule.suffixes)) or path in rule.spared:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if rule.pattern.search(line) and not re.search(r"lint: spared, because \w+", line):
                yield f"{path}:{number} {rule.name}: {rule.why}"


def tracked() -> list[str]:
    """The files that git knows; where there is no git, those of the tree."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
        return [name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        return [
            str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and not set(path.parts) & {".git", ".venv", "_vendor"}
        ]


def main() -> int:
    """Read every file once."""
    found: list[str] = []
    for name in tracked():
        path = ROOT / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 4_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += findings(name, text)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
