"""Every SELECT of the directory. Structures, people and services are public to authenticated users; patients start from what the actor may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from maillage.codes.json import decode
from maillage.directory import rules
from maillage.directory.contours import Contour
from maillage.directory.identifiers import normalise
from maillage.directory.matching import Candidate, Traits, known_gender, known_place
from maillage.directory.rows import fold
from maillage.directory.types import COVER, Commune, Cover, Covered, Member, Organization, Patient, Place, PopulationCount, Role, Service
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Invalid, NotFound
from maillage.record import Visible
from maillage.store import Params, Transaction

_ROLE = """
    SELECT r.*, coalesce(p.display, '') AS display, coalesce(nullif(o.short_name, ''), o.name, '') AS organization_name
    FROM practitioner_role r LEFT JOIN practitioner p ON p.id = r.practitioner_id LEFT JOIN organization o ON o.id = r.organization_id
"""


def _role(row: Any) -> Role:
    arrays: dict[str, Any] = {name: tuple(row[name]) for name in ("codes", "specialties", "service_ids", "location_ids")}
    plain: dict[str, Any] = {
        name: row[name] for name in ("id", "practitioner_id", "organization_id", "active", "display", "organization_name")
    }
    return Role(**plain, **arrays)


def _service(row: Any) -> Service:
    arrays = ("specialties", "criteria", "triager_role_ids", "site_ids")
    values: dict[str, Any] = {name: tuple(value) if name in arrays else value for name, value in row.items()}
    return Service(**values)


def _organization(row: Any) -> Organization:
    return Organization(row["id"], row["name"], row["kind"], row["part_of"], row["active"], row["short_name"])


def _place(row: Any) -> Place:
    return Place(row["id"], row["name"], row["organization_id"], row["part_of"], row["type"], row["insee"], row["active"])


async def get_service(tx: Transaction, id: str) -> Service:
    """One service that takes requests here. Raises `NotFound`."""
    row = await _service_row(tx, id)
    if row is None:
        raise NotFound("HealthcareService", id)
    return _service(row)


async def has_service(tx: Transaction, id: str) -> bool:
    """Whether a service of this id takes requests here."""
    return await _service_row(tx, id) is not None


async def _service_row(tx: Transaction, id: str) -> Any:
    rows = await tx.recall(("service", id), lambda: tx.peek("SELECT * FROM healthcare_service WHERE id = $1", id))
    return rows[0] if rows else None


async def services(
    tx: Transaction, *, organization_id: str = "", specialty: str = "", site_id: str = "", intake: str = "", closed: bool = False
) -> list[Service]:
    """The services, by name; open ones unless `closed`."""
    rows = await tx.fetch(
        """
        SELECT * FROM healthcare_service
        WHERE (active OR $1) AND ($2 = '' OR organization_id = $2) AND ($3 = '' OR $3 = ANY (specialties))
            AND ($4 = '' OR $4 = ANY (site_ids)) AND ($5 = '' OR intake = $5)
        ORDER BY name, id
        """,
        closed,
        organization_id,
        specialty,
        site_id,
        intake,
    )
    return [_service(row) for row in rows]


async def deadlines(tx: Transaction, key: str) -> dict[tuple[str, str], tuple[int, str]]:
    """(step, priority) -> (amount, unit) of a service's `deadlines` key."""
    sql = "SELECT step, priority, amount, unit FROM service_deadline WHERE key = $1 ORDER BY step, priority"
    rows = await tx.recall(("deadlines", key), lambda: tx.fetch(sql, key))
    return {(row["step"], row["priority"]): (row["amount"], row["unit"]) for row in rows}


async def get_role(tx: Transaction, id: str) -> Role:
    """One person in one place. Raises `NotFound`."""
    row = await tx.recall(("role", id), lambda: tx.fetchrow(f"{_ROLE} WHERE r.id = $1", id))
    if row is None:
        raise NotFound("PractitionerRole", id)
    return _role(row)


async def get_roles(tx: Transaction, ids: Iterable[str]) -> dict[str, Role]:
    """The named people at their places, by id, in one statement; one that is no longer there is left out."""
    wanted = sorted(set(ids))
    new = [id for id in wanted if not tx.known(("role", id))]
    for row in await tx.fetch(f"{_ROLE} WHERE r.id = ANY ($1::text[]) ORDER BY r.id", new) if new else ():
        tx.keep(("role", row["id"]), row)
    rows = {id: tx.known(("role", id)) for id in wanted}
    return {id: _role(row) for id, row in rows.items() if row}


async def roles_of(tx: Transaction, practitioner_id: str) -> list[Role]:
    """Every active place where a professional works."""
    rows = await tx.fetch(f"{_ROLE} WHERE r.practitioner_id = $1 AND r.active ORDER BY r.id", practitioner_id)
    return [_role(row) for row in rows]


async def roles_in(tx: Transaction, organization_id: str, *, code: str = "") -> list[Role]:
    """The active roles of an organisation, or of all when none is named, of one role code when given."""
    rows = await tx.fetch(
        f"{_ROLE} WHERE ($1 = '' OR r.organization_id = $1) AND r.active AND ($2 = '' OR $2 = ANY (r.codes)) ORDER BY r.id",
        organization_id,
        code,
    )
    return [_role(row) for row in rows]


async def roles_of_service(tx: Transaction, service_id: str, *, code: str = "") -> list[Role]:
    """The active roles that work for a service, wherever they sit."""
    rows = await tx.fetch(
        f"{_ROLE} WHERE r.service_ids @> ARRAY[$1] AND r.active AND ($2 = '' OR $2 = ANY (r.codes)) ORDER BY r.id", service_id, code
    )
    return [_role(row) for row in rows]


async def usual_doctor(tx: Transaction, patient_id: str) -> list[Role]:
    """The places where a patient's usual doctor works: the one that is named, or all of a doctor who is named alone; none when not ours."""
    rows = await tx.fetch(
        f"""
        {_ROLE} JOIN patient t ON t.general_practitioner IN (r.id, r.practitioner_id)
        WHERE t.id = $1 AND t.general_practitioner <> '' AND r.active AND NOT ($2 = ANY (r.codes)) ORDER BY r.id
        """,
        patient_id,
        COVER,
    )
    return [_role(row) for row in rows]


async def team(tx: Transaction, service: Service) -> tuple[Member, ...]:
    """Who works for a service: its named senior, its triagers, whose role names it, and its covers, past and to come."""
    sql = """
        SELECT practitioner_id, id AS role_id, organization_id, $1 = ANY (codes) AS cover, starts, ends FROM practitioner_role
        WHERE active AND (service_ids @> ARRAY[$2] OR id = ANY ($3::text[])) ORDER BY id
        """
    named = [service.lead_role_id, *service.triager_role_ids]
    rows = await tx.recall(("team", service.id), lambda: tx.fetch(sql, COVER, service.id, named))
    return tuple(Member(**row) for row in rows)


async def covers(tx: Transaction, service_id: str) -> list[Cover]:
    """Who covers a service now and later, the first one first; why, as the entry says it."""
    rows = await tx.fetch(
        """
        SELECT r.id, r.practitioner_id, coalesce(p.display, '') AS display, r.starts, r.ends, v.content
        FROM practitioner_role r LEFT JOIN practitioner p ON p.id = r.practitioner_id
            JOIN resource_head h ON h.res_type = 'PractitionerRole' AND h.id = r.id
            JOIN resource_version v ON v.res_type = h.res_type AND v.id = h.id AND v.version = h.version
        WHERE r.service_ids @> ARRAY[$1] AND $2 = ANY (r.codes) AND r.active AND r.ends > $3 ORDER BY r.starts, r.id
        """,
        service_id,
        COVER,
        tx.now,
    )
    return [_cover(dict(row)) for row in rows]


def _cover(row: dict[str, Any]) -> Cover:
    codes = decode(row.pop("content")).get("code", [])
    return Cover(**row, why=next((str(code["text"]) for code in codes if code.get("text")), ""))


async def organization(tx: Transaction, id: str) -> Organization:
    """One structure. Raises `NotFound`."""
    row = await tx.fetchrow("SELECT * FROM organization WHERE id = $1", id)
    if row is None:
        raise NotFound("Organization", id)
    return _organization(row)


async def organizations(tx: Transaction, kind: str = "") -> list[Organization]:
    """The structures of a kind, or all, by name."""
    rows = await tx.fetch("SELECT * FROM organization WHERE ($1 = '' OR kind = $1) ORDER BY name, id", kind)
    return [_organization(row) for row in rows]


async def establishments(tx: Transaction) -> tuple[str, ...]:
    """The ids of the structures for which a client may act: all but departments and groups."""
    rows = await tx.fetch(
        "SELECT id FROM organization WHERE kind IN ('hospital', 'town', 'centre', 'practice', 'cpts') AND active ORDER BY id"
    )
    return tuple(row["id"] for row in rows)


async def place(tx: Transaction, id: str) -> Place:
    """One site or room. Raises `NotFound`."""
    row = await tx.fetchrow("SELECT * FROM location WHERE id = $1", id)
    if row is None:
        raise NotFound("Location", id)
    return _place(row)


async def sites(tx: Transaction, *, organization_id: str = "") -> list[Place]:
    """The places that are part of no other."""
    rows = await tx.fetch(
        "SELECT * FROM location WHERE part_of IS NULL AND active AND ($1 = '' OR organization_id = $1) ORDER BY name, id", organization_id
    )
    return [_place(row) for row in rows]


async def rooms(tx: Transaction, site_id: str) -> list[Place]:
    """The rooms of a site."""
    rows = await tx.fetch("SELECT * FROM location WHERE part_of = $1 AND active ORDER BY name, id", site_id)
    return [_place(row) for row in rows]


async def get_questionnaire(tx: Transaction, canonical: str) -> dict[str, Any]:
    """A version of a form by `url|version`, whole. Raises `NotFound`."""
    url, _, version = canonical.partition("|")
    sql = "SELECT content FROM questionnaire WHERE url = $1 AND version = $2"
    content = await tx.recall(("questionnaire", canonical), lambda: tx.fetchval(sql, url, version))
    if content is None:
        raise NotFound("Questionnaire", canonical)
    form: dict[str, Any] = decode(content)
    return form


async def get_plan_definition(tx: Transaction, url: str) -> dict[str, Any]:
    """A pathway by canonical, whole. Raises `NotFound`."""
    content = await tx.fetchval("SELECT content FROM plan_definition WHERE url = $1", url.partition("|")[0])
    if content is None:
        raise NotFound("PlanDefinition", url)
    plan: dict[str, Any] = decode(content)
    return plan


async def identified(tx: Transaction, res_type: str, system: str, value: str) -> list[str]:
    """The ids of the resources of one type (not Patient) that carry an identifier, however it was spelt."""
    rows = await tx.fetch(
        "SELECT DISTINCT res_id FROM directory_identifier WHERE res_type = $1 AND system = $2 AND normalised = $3 ORDER BY res_id",
        res_type,
        system,
        normalise(system, value),
    )
    return [row["res_id"] for row in rows]


def _patient(row: Any) -> Patient:
    names = ("id", "family", "given", "birth_date", "gender", "birth_insee", "identity_status", "qualified", "ins", "phone")
    more = ("general_practitioner", "deceased", "active", "version", "owner_org")
    values = {name: row[name] for name in (*names, *more)}
    told = {"owner_org": row["owner_org"] or "", "replaced_by": row["replaced_by"] or ""}
    return Patient(**{**values, **told}, homonym=bool(row.get("homonym", False)))


async def get_patient(tx: Transaction, id: str, visible: Visible) -> Patient:
    """One patient. Raises `NotFound` when absent or invisible."""
    params = Params([id])
    row = await tx.fetchrow(f"SELECT * FROM patient p WHERE p.id = $1 AND {visible.sql('p', params)}", *params)
    if row is None:
        raise NotFound("Patient", id)
    return _patient(row)


async def get_patients(tx: Transaction, ids: Collection[str], visible: Visible) -> dict[str, Patient]:
    """Those of these patients who are there and visible, by id, in one statement."""
    params = Params([sorted(ids)])
    rows = await tx.fetch(f"SELECT * FROM patient p WHERE p.id = ANY ($1::text[]) AND {visible.sql('p', params)} ORDER BY p.id", *params)
    return {row["id"]: _patient(row) for row in rows}


async def find_patients(
    tx: Transaction,
    visible: Visible,
    *,
    ins: str = "",
    family: str = "",
    given: str = "",
    birth_date: date | None = None,
    gender: str = "",
    birth_insee: str = "",
    limit: int = 20,
) -> list[Patient]:
    """The active patients who match the INS, or at least three strict traits; none is pre-selected, namesakes are flagged.

    Raises `Invalid("too-few-traits")`: the directory is not browsed.
    """
    traits = (fold(family), fold(given), birth_date, gender, birth_insee)
    answer = rules.may_look_up(ins, traits)
    if isinstance(answer, Refused):
        raise Invalid.one(answer.reason, "Patient", "give the INS, or three of: family, given, birth date, gender, commune of birth")
    params = Params()
    where = _trait_clauses(params, normalise("", ins), traits)
    seen, seen_too = visible.sql("p", params), visible.sql("q", params)
    rows = await tx.fetch(
        f"""
        SELECT p.*, EXISTS (
            SELECT 1 FROM patient q WHERE q.id <> p.id AND q.active AND q.families_folded && p.families_folded
                AND q.given_folded = p.given_folded AND {seen_too}) AS homonym
        FROM patient p WHERE p.active AND {where} AND {seen}
        ORDER BY p.family, p.given, p.birth_date, p.id LIMIT {params.add(limit)}
        """,
        *params,
    )
    return [_patient(row) for row in rows]


def _trait_clauses(params: Params, ins: str, traits: Sequence[Any]) -> str:
    family, given, birth_date, gender, birth_insee = traits
    clauses = []
    if ins:
        value = params.add(ins)
        clauses.append(
            f"""EXISTS (SELECT 1 FROM patient_identifier i WHERE i.patient_id = p.id AND i.normalised = {value}
                AND i.system LIKE 'urn:oid:1.2.250.1.213.1.4.%')"""
        )
    if family:
        clauses.append(f"p.families_folded @> ARRAY[{params.add(family)}]")
    named = (("given_folded", given), ("birth_date", birth_date), ("gender", gender), ("birth_insee", birth_insee))
    clauses += [f"p.{column} = {params.add(value)}" for column, value in named if value]
    return " AND ".join(clauses)


async def match_candidates(tx: Transaction, visible: Visible, asked: Traits, limit: int = 200) -> list[Candidate]:
    """The active patients who share an INS with `asked`, or its name or birth date and three strict traits in all.

    Raises `Invalid("too-few-traits")`, as `find_patients` does.
    """
    answer = rules.may_look_up("".join(value for _, value in asked.ins), ["given"] * asked.named)
    if isinstance(answer, Refused):
        raise Invalid.one(answer.reason, "Patient", "give the INS, or three of: family, given, birth date, gender, commune of birth")
    params = Params([list(asked.families), asked.given, asked.birth_date, asked.gender, asked.birth_insee])
    ins = [params.add([part[place] for part in sorted(asked.ins)]) for place in (0, 1)]
    rows = await tx.fetch(
        f"""
        SELECT p.*, i.systems, i.numbers FROM patient p LEFT JOIN LATERAL (
            SELECT array_agg(n.system) AS systems, array_agg(n.normalised) AS numbers FROM patient_identifier n
            WHERE n.patient_id = p.id AND n.use <> 'old' AND n.system LIKE 'urn:oid:1.2.250.1.213.1.4.%') i ON true
        WHERE p.active AND {visible.sql("p", params)} AND (
            p.id IN (SELECT n.patient_id FROM patient_identifier n
                JOIN unnest({ins[0]}::text[], {ins[1]}::text[]) AS u (system, number) ON n.system = u.system AND n.normalised = u.number)
            OR ((p.families_folded && $1::text[] OR p.birth_date = $3::date)
                AND (p.families_folded && $1::text[])::int + ($2 <> '' AND p.given_folded = $2)::int
                    + coalesce(p.birth_date = $3::date, false)::int + ($4 <> '' AND p.gender = $4)::int
                    + ($5 <> '' AND p.birth_insee = $5)::int >= 3))
        ORDER BY p.id LIMIT {params.add(limit)}
        """,
        *params,
    )
    return [_candidate(row) for row in rows]


def _candidate(row: Any) -> Candidate:
    ins = frozenset(zip(row["systems"] or (), row["numbers"] or (), strict=True))
    families = frozenset(filter(None, row["families_folded"]))
    place = known_place(row["birth_insee"])
    traits = Traits(ins, families, row["given_folded"], row["birth_date"], known_gender(row["gender"]), place)
    return Candidate(row["id"], traits, row["qualified"])


async def communes(tx: Transaction) -> list[Commune]:
    """Every commune of the territory, by name."""
    rows = await tx.fetch("SELECT * FROM commune ORDER BY name, insee")
    return [
        Commune(row["insee"], row["name"], row["departement"], tuple(row["postal_codes"]), row["latitude"], row["longitude"])
        for row in rows
    ]


async def contours(tx: Transaction) -> tuple[list[Contour], tuple[str, ...]]:
    """The contours that were loaded, and where they come from."""
    rows = await tx.fetch("SELECT insee, polygons, source FROM commune_contour ORDER BY insee")
    found = [Contour(row["insee"], _polygons(row["polygons"])) for row in rows]
    return found, tuple(sorted({row["source"] for row in rows}))


def _polygons(text: str) -> tuple[tuple[tuple[tuple[float, float], ...], ...], ...]:
    return tuple(tuple(tuple((float(x), float(y)) for x, y in ring) for ring in polygon) for polygon in decode(text))


_GROUPS = {
    "cpts": "SELECT insee, part FROM cpts_commune WHERE cpts_id = $1 AND since <= $2 AND (until IS NULL OR until > $2)",
    "hospital": "SELECT insee, part FROM basin_commune WHERE hospital_id = $1 AND since <= $2 AND (until IS NULL OR until > $2)",
}


async def cpts_of(tx: Transaction, insee: str, on: date) -> list[Organization]:
    """The communities that cover a commune on a day: none, one or several."""
    rows = await tx.fetch(
        """
        SELECT o.* FROM cpts_commune m JOIN organization o ON o.id = m.cpts_id
        WHERE m.insee = $1 AND m.since <= $2 AND (m.until IS NULL OR m.until > $2) ORDER BY o.name, o.id
        """,
        insee,
        on,
    )
    return [_organization(row) for row in rows]


async def basins_of(tx: Transaction, insee: str, on: date) -> list[Organization]:
    """The hospitals to whose basin a commune belongs on a day."""
    rows = await tx.fetch(
        """
        SELECT o.* FROM basin_commune m JOIN organization o ON o.id = m.hospital_id
        WHERE m.insee = $1 AND m.since <= $2 AND (m.until IS NULL OR m.until > $2) ORDER BY o.name, o.id
        """,
        insee,
        on,
    )
    return [_organization(row) for row in rows]


async def cpts_of_basin(tx: Transaction, hospital_id: str, on: date) -> list[Organization]:
    """The communities of a hospital's basin on a day."""
    rows = await tx.fetch(
        """
        SELECT o.* FROM basin_cpts m JOIN organization o ON o.id = m.cpts_id
        WHERE m.hospital_id = $1 AND m.since <= $2 AND (m.until IS NULL OR m.until > $2) ORDER BY o.name, o.id
        """,
        hospital_id,
        on,
    )
    return [_organization(row) for row in rows]


async def population(tx: Transaction, groups: Sequence[tuple[str, str]], on: date, *, vintage: int | None = None) -> PopulationCount:
    """The population of the communes of several (`cpts` | `hospital`, id) groups, each commune once; the latest vintage unless given.

    `parts` names the communes that some group covers in part only: their whole population is counted, and said to be.
    """
    covered: dict[str, bool] = {}
    for kind, id in groups:
        for row in await tx.fetch(f"{_GROUPS[kind]} ORDER BY insee", id, on):
            covered[row["insee"]] = covered.get(row["insee"], False) or row["part"]
    if vintage is None:
        vintage = int(await tx.fetchval("SELECT coalesce(max(vintage), 0) FROM commune_population"))
    counted = await tx.fetch(
        "SELECT population, source FROM commune_population WHERE vintage = $1 AND insee = ANY ($2::text[]) ORDER BY insee",
        vintage,
        list(covered),
    )
    source = ", ".join(sorted({row["source"] for row in counted}))
    parts = tuple(sorted(insee for insee, part in covered.items() if part))
    return PopulationCount(sum(row["population"] for row in counted), tuple(sorted(covered)), vintage, source, parts)


_COVER = """
    SELECT m.insee, m.part, o.* FROM {table} m JOIN organization o ON o.id = m.{key}
    WHERE m.since <= $1 AND (m.until IS NULL OR m.until > $1) ORDER BY o.name, o.id
"""


async def coverage(tx: Transaction, on: date) -> list[Covered]:
    """Every commune by name, with who covers it on a day: many communities, one, or none; and its latest population with its source."""
    groups: list[dict[str, list[tuple[Organization, bool]]]] = []
    for table, key in (("cpts_commune", "cpts_id"), ("basin_commune", "hospital_id")):
        found: dict[str, list[tuple[Organization, bool]]] = {}
        for row in await tx.fetch(_COVER.format(table=table, key=key), on):
            found.setdefault(row["insee"], []).append((_organization(row), row["part"]))
        groups.append(found)
    counted = {
        row["insee"]: row for row in await tx.fetch("SELECT DISTINCT ON (insee) * FROM commune_population ORDER BY insee, vintage DESC")
    }
    covered = []
    for commune in await communes(tx):
        cpts, hospitals = (tuple(group.get(commune.insee, ())) for group in groups)
        count = counted.get(commune.insee, {"population": None, "vintage": None, "source": ""})
        covered.append(Covered(commune, cpts, hospitals, count["population"], count["vintage"], count["source"]))
    return covered
