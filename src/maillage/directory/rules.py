"""Checks of a Patient: identifiers, traits against the NIR, the three invariants of FR Core. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from maillage.codes import systems
from maillage.codes.aliases import canonical
from maillage.directory import identifiers as ids
from maillage.directory.identifiers import Mode
from maillage.directory.patient_rows import rows_from_patient
from maillage.directory.reliability import check_reliability
from maillage.directory.rows import IdentifierRow, dicts, extension, identifiers, insee
from maillage.kernel.answers import Allowed, Refused
from maillage.kernel.errors import Issue

Resource = dict[str, Any]

TRAITS_NEEDED = 3
INVARIANTS = frozenset({"fr-core-1", "fr-core-2", "fr-core-3"})
"""Invariants of FR Core that `check_patient` looks at: nobody needs to evaluate them again."""
_IGNORED = re.compile(r"[\s.()-]+")
_PHONE = re.compile(r"0[1-9][0-9]{8}|(?:\+|00)[1-9][0-9]{6,14}")


def check_identifiers(resource: Resource, mode: Mode, *, own: bool = False) -> list[Issue]:
    """Findings about every identifier of a resource, with the severities of the mode."""
    kind = resource["resourceType"]
    found = []
    for row in identifiers(resource):
        found += ids.check(row.system, row.value, mode, type_code=row.type_code, resource_type=kind, own=own, expression=row.expression)
    return found


def check_patient(resource: Resource, mode: Mode) -> list[Issue]:
    """Every finding about a Patient: identifiers, NIR against birth date and gender, places, reliability, FR Core invariants."""
    places, sure = _communes(resource), check_reliability(resource)
    return [*check_identifiers(resource, mode), *_nir_traits(resource), *places, *sure, *_invariants(resource)]


def check_typed(*, ins: str = "", birth_insee: str = "", phone: str = "") -> list[Issue]:
    """What somebody who types an identity must correct now; each finding is at the name of its answer, an empty answer is not judged.

    In every mode and every INS domain the form and the key are errors here: the number is copied from a card or a screen that is still
    there. What another system sends is judged by `check_patient`, whose severities depend on the mode.
    """
    found = [Issue(issue.severity, issue.code, issue.reason, "ins", issue.details) for issue in _typed_ins(ins)]
    if birth_insee and not ids.commune_ok(birth_insee):
        found.append(Issue("error", "value", "commune-form", "birth_insee", "5 characters, 99 and the country abroad, 99999 when unknown"))
    if phone and not phone_ok(phone):
        found.append(Issue("error", "value", "phone-form", "phone", "10 digits, or + and the number abroad"))
    return found


def _typed_ins(text: str) -> list[Issue]:
    """The form, then the key, as in production for a real INS."""
    return ids.check(systems.INS_NIR, text, "production") if text.strip() else []


def phone_ok(text: str) -> bool:
    """Ten French digits, or an international number; spaces, dots, dashes and brackets do not count."""
    return _PHONE.fullmatch(_IGNORED.sub("", text)) is not None


def _communes(resource: Resource) -> Iterator[Issue]:
    """The codes of the places of birth and residence: by their form only, the list itself is not expanded here."""
    born = extension(resource, systems.EXT_BIRTH_PLACE).get("valueAddress")
    homes = resource.get("address")
    places = [("Patient.extension", born), *((f"Patient.address[{rank}]", home) for rank, home in enumerate(dicts(homes)))]
    for path, address in places:
        if (code := insee(address)) and not ids.commune_ok(code):
            yield Issue("warning", "value", "commune-form", path, f"{code[:20]} is not an official geographic code")


def _nir_traits(resource: Resource) -> Iterator[Issue]:
    birth_date, gender = resource.get("birthDate"), resource.get("gender")
    for row in identifiers(resource):
        if row.system in systems.INS_SYSTEMS and row.use != "old":
            yield from ids.check_nir_traits(row.value, birth_date=birth_date, gender=gender, expression=row.expression)


def _invariants(resource: Resource) -> Iterator[Issue]:
    """fr-core-1 to 3: what a validated identity (VALI) asks for; errors only for who claims the INS profile."""
    row = rows_from_patient(resource)
    if row.identity_status != "VALI":
        return
    severity = "error" if _claims_ins(resource) else "warning"
    found = identifiers(resource)
    if not any(_is_official_ins(item) for item in found):
        yield Issue(severity, "invariant", "fr-core-1", "Patient.identifier", "a validated identity has an official INS")
    if sum(item.use == "official" for item in found) != 1:
        yield Issue(severity, "invariant", "fr-core-2", "Patient.identifier", "a validated identity has exactly one official identifier")
    if row.birth_insee == "99999":
        yield Issue("warning", "invariant", "fr-core-3", "Patient.extension", "a validated identity has a known commune of birth")


def _claims_ins(resource: Resource) -> bool:
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    return any(canonical(str(profile)) == systems.PROFILE_PATIENT_INS for profile in profiles or [])


def _is_official_ins(row: IdentifierRow) -> bool:
    typed = row.type_code == "INS-NIR" or row.system != systems.INS_NIR
    return row.system in systems.INS_SYSTEMS and row.use == "official" and typed


def may_look_up(ins: str, traits: Iterable[str | date | None]) -> Allowed | Refused:
    """Looking a patient up needs the INS or three strict traits: the directory is not browsed."""
    given = sum(bool(trait) for trait in traits)
    return Allowed() if ins or given >= TRAITS_NEEDED else Refused("too-few-traits")
