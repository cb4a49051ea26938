"""Check, then keep: type, virus, then what each type may hide. Nothing is written before all of it is done."""

from __future__ import annotations

from dataclasses import dataclass

from maillage.codes import xml
from maillage.documents import rules
from maillage.documents.checks import opening
from maillage.documents.checks.antivirus import Antivirus
from maillage.documents.types import HEIC, IMAGES, JPEG, PDF, XML, Checked, Upload
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Invalid, Malformed
from maillage.settings import DocumentSettings

CDA = ("urn:hl7-org:v3", "ClinicalDocument")


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of this installation."""

    antivirus: Antivirus
    limits: opening.Limits

    @classmethod
    def of(cls, settings: DocumentSettings) -> Checks:
        """As the settings say."""
        limits = opening.Limits(settings.check_seconds, settings.check_memory, settings.image_pixels)
        return cls(Antivirus(settings.antivirus), limits)

    async def check(self, upload: Upload) -> Checked:
        """The file as it may be kept. Raises `Invalid` with the reason at the field where it stood, `Unavailable` when it cannot be checked now."""
        found = rules.kind_of(upload.data)
        answer = rules.agree(upload.declared, found)
        if isinstance(answer, Refused):
            raise Invalid.one(answer.reason, upload.field)
        if not await self.antivirus.is_clean(upload.data):
            raise Invalid.one("attachment-infected", upload.field)
        data, kind = upload.data, JPEG if found == HEIC else found
        if found in IMAGES or found == HEIC:
            data = await self._opened("image", found, upload)
        elif found == PDF:
            await self._opened("pdf", found, upload)
        elif found == XML:
            _require_cda(upload)
        return Checked(upload.field, rules.title_of(upload.name, kind), kind, data)

    async def _opened(self, tool: str, kind: str, upload: Upload) -> bytes:
        try:
            return await opening.run(tool, kind, upload.data, self.limits)
        except opening.Unsafe as error:
            raise Invalid.one(error.reason, upload.field) from error


def _require_cda(upload: Upload) -> None:
    """XML is a clinical document (HL7 CDA R2), without a document type, an entity or a processing instruction (CWE-611, CWE-776)."""
    try:
        root = xml.parse(upload.data.removeprefix(b"\xef\xbb\xbf"))
    except Malformed as error:
        raise Invalid.one("attachment-unsafe", upload.field) from error
    if (root.namespace, root.name) != CDA:
        raise Invalid.one("attachment-not-cda", upload.field)
