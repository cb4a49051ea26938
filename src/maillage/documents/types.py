"""Words of documents: what is taken, how large, and what a file is once it was checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
HEIC: Final = "image/heic"
XML: Final = "application/xml"
TEXT: Final = "text/plain"

IMAGES: Final = frozenset({JPEG, PNG})
"""What is shown in a page: only what we wrote ourselves, pixel by pixel."""

TAKEN: Final = (PDF, JPEG, PNG, HEIC, XML, TEXT)
EXTENSIONS: Final = {PDF: "pdf", JPEG: "jpg", PNG: "png", XML: "xml", TEXT: "txt"}
LONGEST_TITLE: Final = 120


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in, in quarantine: `declared` and `name` are what the sender says, `field` where it stood."""

    field: str
    name: str
    declared: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be kept: `data` is what was received, or for an image what we drew again from it."""

    field: str
    title: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A document that is kept, without its key."""

    id: str
    patient_id: str
    title: str
    content_type: str
    size: int
    sha1: bytes = b""

    @property
    def is_image(self) -> bool:
        """Whether a page may show it."""
        return self.content_type in IMAGES
