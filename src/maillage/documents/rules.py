"""What a file is by its first bytes, whether that is what it says, and the name under which it is shown."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from maillage.documents.types import EXTENSIONS, HEIC, JPEG, LONGEST_TITLE, PDF, PNG, TEXT, XML
from maillage.kernel.answers import Allowed, Answer, Refused

_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_SAME: Final = {"image/jpg": JPEG, "image/pjpeg": JPEG, "image/heif": HEIC, "text/xml": XML, "application/cda+xml": XML}
_UNKNOWN: Final = frozenset({"", "application/octet-stream"})
_BOM: Final = b"\xef\xbb\xbf"
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MARKUP: Final = re.compile(rb"\s*<[?!a-zA-Z]")


def kind_of(data: bytes) -> str:
    """The type that the bytes themselves show; empty when it is none that is taken. The name of a file is never asked."""
    if data.startswith(b"%PDF-"):
        return PDF
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return HEIC
    plain = data.removeprefix(_BOM)
    if _MARKUP.match(plain[:256]):
        return XML
    return TEXT if _is_text(plain) else ""


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return bool(data.strip()) and not _CONTROL.search(data)


def agree(declared: str, found: str) -> Answer:
    """Whether a file is of a type that is taken, and of the one that its sender says (CWE-434).

    A photo of a telephone may come without a type, because its browser knows none for it: its bytes alone decide then.
    """
    said = declared.partition(";")[0].strip().lower()
    said = _SAME.get(said, said)
    if not found:
        return Refused("attachment-type")
    if said in _UNKNOWN:
        return Allowed() if found == HEIC else Refused("attachment-type")
    return Allowed() if said == found else Refused("attachment-differs")


def title_of(name: str, content_type: str) -> str:
    """The name of a file as text to show: never a path, no control or invisible character, and the extension of what it really is."""
    base = re.split(r"[/\\]", name)[-1]
    shown = "".join(char for char in unicodedata.normalize("NFC", base) if unicodedata.category(char)[0] != "C" and char not in '<>:"|?*')
    stem = shown.strip(" .").rpartition(".")[0] or shown.strip(" .")
    extension = EXTENSIONS[content_type]
    return f"{stem.strip(' .')[: LONGEST_TITLE - 10] or 'document'}.{extension}"
