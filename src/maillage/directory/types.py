"""Values of the directory: what rules, rooms and doors read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

INTAKES = ("bookable", "triage", "advice-first")
"""How a service takes requests: a slot at once, a human triage first, or an opinion before any visit."""

STRICT_TRAITS = ("family", "given", "birth_date", "gender", "birth_insee")
"""The strict identity traits; three of them, or an INS, are needed to look a patient up."""


@dataclass(frozen=True, slots=True)
class Organization:
    """A structure: `kind` is ght, hospital, town, centre, cpts, practice, department or other."""

    id: str
    name: str
    kind: str
    part_of: str | None
    active: bool
    short_name: str = ""

    @property
    def label(self) -> str:
        """The name that fits a narrow column."""
        return self.short_name or self.name


@dataclass(frozen=True, slots=True)
class Place:
    """A site (part of nothing) or a room; `type` is an FR Core location type."""

    id: str
    name: str
    organization_id: str
    part_of: str | None
    type: str
    insee: str
    active: bool


@dataclass(frozen=True, slots=True)
class Role:
    """One person in one place, with our role codes; `display` is the person's name."""

    id: str
    practitioner_id: str
    organization_id: str
    codes: tuple[str, ...]
    specialties: tuple[str, ...]
    service_ids: tuple[str, ...]
    location_ids: tuple[str, ...]
    active: bool
    display: str
    organization_name: str


@dataclass(frozen=True, slots=True)
class Service:
    """What a department offers: how to ask, what to join, who triages, who decides when the requester insists."""

    id: str
    name: str
    organization_id: str
    department_id: str | None
    specialties: tuple[str, ...]
    intake: str
    criteria: tuple[str, ...]
    questionnaire_url: str
    questionnaire_version: str
    plan_definition_url: str
    lead_role_id: str
    triager_role_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    deadlines: str
    minutes: int
    phone: str
    active: bool

    @property
    def questionnaire(self) -> str:
        """The canonical of its form, with the version."""
        return f"{self.questionnaire_url}|{self.questionnaire_version}"

    @property
    def specialty(self) -> str:
        """The first specialty, TRE_R38."""
        return self.specialties[0] if self.specialties else ""


COVER = "garde"
"""The role code of a cover: on call, or instead of somebody absent, for named services and for a period."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works for a service, as one of its roles says: from when to when, and whether as a cover."""

    practitioner_id: str
    role_id: str
    organization_id: str
    cover: bool = False
    starts: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cover:
    """Who covers a service, from when to when, and why (on call, instead of whom)."""

    id: str
    practitioner_id: str
    display: str
    starts: datetime
    ends: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What our rules read of a patient; the photograph holds the rest, as received."""

    id: str
    family: str
    given: str
    birth_date: date | None
    gender: str
    birth_insee: str
    identity_status: str
    qualified: bool
    ins: str
    phone: str
    general_practitioner: str
    deceased: bool
    active: bool
    version: int = 0
    owner_org: str = ""
    homonym: bool = False
    replaced_by: str = ""

    @property
    def display(self) -> str:
        """FAMILY Given, as French screens write it."""
        return f"{self.family.upper()} {self.given}".strip()


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune with its place on the map."""

    insee: str
    name: str
    departement: str
    postal_codes: tuple[str, ...]
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Membership:
    """A dated link of the territory: CPTS-commune, hospital basin-commune or basin-CPTS; `part` = not the whole of it."""

    kind: str
    group: str
    member: str
    part: bool
    since: date
    source: str


@dataclass(frozen=True, slots=True)
class Covered:
    """A commune with the communities and the hospital basins that hold it on a day, each whole or in part; there may be none."""

    commune: Commune
    cpts: tuple[tuple[Organization, bool], ...]
    hospitals: tuple[tuple[Organization, bool], ...]
    population: int | None
    vintage: int | None
    source: str


@dataclass(frozen=True, slots=True)
class PopulationCount:
    """A population over distinct communes, with what was counted, its vintage and its source."""

    population: int
    communes: tuple[str, ...]
    vintage: int
    source: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A demonstration login: the role that it opens."""

    login: str
    role_id: str
    practitioner_id: str
    display: str
    organization_id: str
    organization_name: str
    codes: tuple[str, ...]
    service_ids: tuple[str, ...]
