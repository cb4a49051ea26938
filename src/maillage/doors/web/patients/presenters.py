"""A patient as pages show it: the banner, the five identity traits, the lines of a search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from maillage import access, directory, record
from maillage.access import emergency
from maillage.access.policy import may_break_the_glass
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.directory import Patient
from maillage.doors.web.catalogue import word
from maillage.doors.web.language import spoken
from maillage.doors.web.presenters import plain_date
from maillage.doors.web.typography import FIXED
from maillage.store import Transaction

_INS_GROUPS = (1, 3, 5, 7, 10, 13, 15)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the banner and the confirmation of identity show."""

    id: str
    birth_name: str
    used_name: str
    first_name: str
    birth_first_names: str
    birth_date: date | None
    sex: str
    birth_place: str
    ins: str
    identity: str
    phone: str
    allergies: str = ""
    glass_until: datetime | None = None
    replaced_by: str = ""

    @property
    def name(self) -> str:
        """Birth name in capitals and first name: the shortest way to say who."""
        return f"{self.birth_name.upper()} {self.first_name}"

    @property
    def traits(self) -> list[tuple[str, str]]:
        """The five strict traits of the national identity rules."""
        return [
            ("Nom de naissance", self.birth_name.upper()),
            ("Prénoms de naissance", self.birth_first_names),
            ("Date de naissance", plain_date(self.birth_date) if self.birth_date else spoken("inconnue")),
            ("Sexe", word("sex", self.sex)),
            ("Lieu de naissance", self.birth_place or spoken("inconnu")),
        ]


async def load_identity(tx: Transaction, id: str) -> Identity:
    """The identity of a patient whom the actor may see. Raises `NotFound`."""
    visible = access.visible_to(tx.actor, "Patient")
    row = await directory.get_patient(tx, id, visible)
    stored = await record.read(tx, "Patient", id, visible)
    glass = await emergency.open_glass(tx, id) if may_break_the_glass(tx.actor) else None
    return replace(identity(row, decode(stored.content.encode())), glass_until=glass.ends if glass else None)


def identity(row: Patient, resource: dict[str, Any]) -> Identity:
    """From the row and the resource."""
    official: dict[str, Any] = next((name for name in resource.get("name", []) if name.get("use") == "official"), {})
    usual: dict[str, Any] = next((name for name in resource.get("name", []) if name.get("use") == "usual"), {})
    listed = next(
        (str(ext.get("valueString", "")) for ext in official.get("extension", []) if ext["url"] == systems.EXT_BIRTH_LIST_GIVEN_NAME), ""
    )
    return Identity(
        id=row.id,
        birth_name=row.family,
        used_name=str(usual.get("family", "")),
        first_name=row.given,
        birth_first_names=listed or row.given,
        birth_date=row.birth_date,
        sex=row.gender,
        birth_place=_birth_place(row, resource),
        ins=spaced_ins(row.ins),
        identity=status_of(row),
        phone=row.phone,
        replaced_by=row.replaced_by,
    )


def _birth_place(row: Patient, resource: dict[str, Any]) -> str:
    found: dict[str, Any] = next((ext for ext in resource.get("extension", []) if ext["url"] == systems.EXT_BIRTH_PLACE), {})
    city = str(found.get("valueAddress", {}).get("city", ""))
    return f"{city} ({row.birth_insee})" if city and row.birth_insee else city or row.birth_insee


def status_of(row: Patient) -> str:
    """The word of the identity's reliability."""
    if row.qualified:
        return "qualified"
    if row.identity_status == "VALI":
        return "validated"
    return "retrieved" if row.ins else "provisional"


def spaced_ins(ins: str) -> str:
    """The number in the groups that people read aloud."""
    starts = (0, *_INS_GROUPS)
    return FIXED.join(ins[low:high] for low, high in zip(starts, _INS_GROUPS, strict=False) if ins[low:high])
