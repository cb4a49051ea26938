"""The territory and the invented patients, loaded: whole, valid, and the same twice."""

from __future__ import annotations

from datetime import date

import pytest

from maillage import directory
from maillage.codes import r4
from maillage.directory import territory
from maillage.directory.actions import resources
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.store import Database

TODAY = date(2026, 11, 16)


async def load(db: Database) -> dict[str, int]:
    async with db.transaction(SYSTEM) as tx:
        return await directory.load_territory(tx)


@pytest.mark.asyncio
async def test_loading_twice_makes_no_new_version(db: Database) -> None:
    first, second = await load(db), await load(db)
    assert first == second
    async with db.transaction(SYSTEM) as tx:
        kept = await tx.fetchval("SELECT count(*) FROM resource_version WHERE res_type <> 'Provenance'")
    async with db.trail.transaction(SYSTEM) as tx:
        audited = await tx.fetchval("SELECT count(*) FROM audit_event")
    assert kept == audited == sum(first.values())


@pytest.mark.asyncio
async def test_a_service_says_how_to_ask(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        service = await directory.get_service(tx, "percy-hge")
        form = await directory.get_questionnaire(tx, service.questionnaire)
        plan = await directory.get_plan_definition(tx, service.plan_definition_url)
        steps = await directory.deadlines(tx, service.deadlines)
    assert (service.organization_id, service.specialty, service.intake) == ("hia-percy", "SM24", "triage")
    assert service.site_ids == ("site-percy", "site-clamart-soins")
    assert len(service.triager_role_ids) == 2
    assert {"question", "antithrombotic", "allergies", "red-flags"} <= set(directory.required_items(form))
    assert plan["title"] == "Hépato-gastro-entérologie"
    assert steps["decided", "routine"] == (5, "wd")


@pytest.mark.asyncio
async def test_services_are_filtered(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        of_percy = await directory.services(tx, organization_id="hia-percy")
        cardiology = await directory.services(tx, specialty="SM04")
        in_clamart = await directory.services(tx, site_id="site-clamart-soins", intake="bookable")
    assert len(of_percy) == 6
    assert [service.id for service in cardiology] == ["chic-cardiologie", "chiv-cardiologie"]
    assert [service.id for service in in_clamart] == ["percy-dermatologie"]


@pytest.mark.asyncio
async def test_a_hospital_doctor_has_a_role_in_the_centre_too(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        roles = await directory.roles_of(tx, "castanier-leo")
        assert [(role.id, role.organization_id) for role in roles] == [
            ("clamart-hge-castanier", "cms-clamart-soins"),
            ("percy-hge-castanier", "hia-percy"),
        ]
        assert (await directory.get_role(tx, "percy-hge-castanier")).display == "Dr Léo Castanier"
        secretaries = await directory.roles_in(tx, "cms-clamart-soins", code="secretaire")
        planners = await directory.roles_of_service(tx, "percy-hge", code="planificateur")
    assert len(secretaries) == 2
    assert [role.id for role in planners] == ["percy-planification-aumontel"]


@pytest.mark.asyncio
async def test_places_and_structures(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        assert len(await directory.organizations(tx, "cpts")) == 7
        assert {"chic", "chiv", "hia-percy", "cds-montgeron"} <= set(await directory.establishments(tx))
        assert (await directory.organization(tx, "percy-dept-hge")).part_of == "hia-percy"
        assert [room.type for room in await directory.rooms(tx, "site-clamart-soins")] == ["SL_EXM", "SL_CONS", "SL_CONS"]
        assert [site.id for site in await directory.sites(tx, organization_id="chic")] == ["site-chic"]
        assert (await directory.place(tx, "site-percy")).insee == "92023"
        assert await directory.identified(tx, "Organization", "https://finess.esante.gouv.fr", "94 0000573") == ["chic"]


@pytest.mark.asyncio
async def test_populations_count_each_commune_once(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        marne = await directory.population(tx, [("cpts", "cpts-boucles-de-marne")], TODAY)
        maur = await directory.population(tx, [("cpts", "cpts-saint-maur")], TODAY)
        both = await directory.population(tx, [("cpts", "cpts-boucles-de-marne"), ("cpts", "cpts-saint-maur")], TODAY)
        before = await directory.population(tx, [("cpts", "cpts-saint-maur")], date(2020, 1, 1))
        older = await directory.population(tx, [("hospital", "hia-percy")], TODAY, vintage=2020)
    assert both.population == marne.population < marne.population + maur.population
    assert both.parts == ("94068",)
    assert (both.vintage, both.source) == (2023, "Insee populations légales")
    assert (before.population, before.communes) == (0, ())
    assert older.population == 53179


@pytest.mark.asyncio
async def test_the_coverage_of_every_commune(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        found = {one.commune.insee: one for one in await directory.coverage(tx, TODAY)}
        before = await directory.coverage(tx, date(2020, 1, 1))
    assert len(found) == 25
    named = {insee: [(organization.id, part) for organization, part in one.cpts] for insee, one in found.items()}
    assert sorted(named["94068"]) == [("cpts-boucles-de-marne", True), ("cpts-saint-maur", True)]
    assert named["94078"] == named["92023"] == []
    assert [(organization.id, part) for organization, part in found["94078"].hospitals] == [("chiv", False)]
    assert all(one.population and one.vintage and one.source for one in found.values())
    assert all(one.cpts == one.hospitals == () for one in before)


@pytest.mark.asyncio
async def test_a_commune_is_no_place_where_somebody_is_received(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        assert [site.id for site in await directory.sites(tx) if site.id.startswith("commune-")] == []
        assert await directory.drift(tx, "test") == []


@pytest.mark.asyncio
async def test_a_commune_may_have_none_or_several_communities(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        assert await directory.cpts_of(tx, "94078", TODAY) == []
        assert [item.id for item in await directory.basins_of(tx, "94078", TODAY)] == ["chiv"]
        assert sorted(item.id for item in await directory.cpts_of(tx, "94068", TODAY)) == ["cpts-boucles-de-marne", "cpts-saint-maur"]
        assert len(await directory.cpts_of_basin(tx, "chic", TODAY)) == 4
        assert len(await directory.communes(tx)) == 25


@pytest.mark.parametrize(
    ("call", "id"),
    [
        (directory.get_service, "nowhere"),
        (directory.get_role, "nobody"),
        (directory.organization, "nothing"),
        (directory.place, "nowhere"),
        (directory.get_questionnaire, "https://x.invalid/Questionnaire/a|1"),
        (directory.get_plan_definition, "https://x.invalid/PlanDefinition/a"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_not_there_is_not_found(db: Database, call: object, id: str) -> None:
    async with db.transaction(SYSTEM) as tx:
        with pytest.raises(NotFound):
            await call(tx, id)


def service(**changes: object) -> dict[str, object]:
    found = next(item for item in resources() if item["resourceType"] == "HealthcareService")
    return {**found, **changes}


@pytest.mark.asyncio
async def test_a_service_opens_only_with_two_triagers(db: Database) -> None:
    await load(db)
    alone = service()
    alone["extension"] = [item for item in alone["extension"] if "Montaignac".lower() not in str(item)]
    with pytest.raises(Invalid, match="two-triagers-needed"):
        async with db.transaction(SYSTEM) as tx:
            await directory.save(tx, alone)
    async with db.transaction(SYSTEM) as tx:
        assert await directory.save(tx, {**alone, "active": False}) == 2
        assert not (await directory.get_service(tx, "percy-medecine-interne")).active


@pytest.mark.asyncio
async def test_the_named_senior_does_not_triage(db: Database) -> None:
    await load(db)
    lead = {"reference": "PractitionerRole/percy-medecine-interne-ferrandiere"}
    mixed = service()
    triager = next(item for item in mixed["extension"] if item["url"].endswith("triager"))
    mixed["extension"] = [*mixed["extension"], {**triager, "valueReference": lead}]
    with pytest.raises(Invalid, match="lead-triages"):
        async with db.transaction(SYSTEM) as tx:
            await directory.save(tx, mixed)


@pytest.mark.asyncio
async def test_the_same_triager_twice_counts_once(db: Database) -> None:
    await load(db)
    same = service()
    first, second = [item for item in same["extension"] if item["url"].endswith("triager")]
    same["extension"] = [first if item == second else item for item in same["extension"]]
    with pytest.raises(Invalid, match="two-triagers-needed"):
        async with db.transaction(SYSTEM) as tx:
            await directory.save(tx, same)


@pytest.mark.asyncio
async def test_an_unknown_triager_is_refused(db: Database) -> None:
    await load(db)
    text = {"reference": "PractitionerRole/nobody"}
    mixed = service()
    mixed["extension"] = [{**item, "valueReference": text} if item["url"].endswith("triager") else item for item in mixed["extension"]]
    with pytest.raises(Invalid, match="unknown-role"):
        async with db.transaction(SYSTEM) as tx:
            await directory.save(tx, mixed)


@pytest.mark.asyncio
async def test_a_published_form_never_changes(db: Database) -> None:
    await load(db)
    form = next(item for item in resources() if item["resourceType"] == "Questionnaire")
    with pytest.raises(Conflict, match="form-version-published"):
        async with db.transaction(SYSTEM) as tx:
            await directory.save(tx, {**form, "title": "Autre"})


@pytest.mark.asyncio
async def test_a_draft_form_may_change_and_one_without_canonical_is_only_kept(db: Database) -> None:
    draft = {"resourceType": "Questionnaire", "id": "d", "url": "https://x.invalid/q", "version": "1", "status": "draft"}
    async with db.transaction(SYSTEM) as tx:
        assert [await directory.save(tx, {**draft, "title": title}) for title in ("a", "b")] == [1, 2]
        assert (await directory.get_questionnaire(tx, "https://x.invalid/q|1"))["title"] == "b"
        await directory.save(tx, {"resourceType": "Questionnaire", "id": "bare", "status": "draft"})
        await directory.save(tx, {"resourceType": "PlanDefinition", "id": "bare", "status": "draft"})
        await directory.save(tx, {"resourceType": "Endpoint", "id": "bare", "status": "active"})
        assert await tx.fetchval("SELECT (SELECT count(*) FROM questionnaire) + (SELECT count(*) FROM plan_definition)") == 1


@pytest.mark.asyncio
async def test_labels_of_what_screens_show(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        assert (await directory.organization(tx, "chic")).label == "CHIC"
        assert (await directory.organization(tx, "ville-clamart")).label == "Ville de Clamart"
        assert (await directory.get_service(tx, "percy-mpr")).questionnaire.endswith("/parcours-mpr|1.1.0")


@pytest.mark.asyncio
async def test_a_service_of_another_directory_is_kept_and_takes_no_request(db: Database) -> None:
    other = {"resourceType": "HealthcareService", "id": "elsewhere", "name": "Ailleurs", "active": True}
    async with db.transaction(SYSTEM) as tx:
        assert await directory.save(tx, other) == 1
        with pytest.raises(NotFound):
            await directory.get_service(tx, "elsewhere")


@pytest.mark.asyncio
async def test_our_own_false_identifier_is_an_error_in_production(db: Database) -> None:
    wrong = {
        "resourceType": "Organization",
        "id": "o",
        "name": "O",
        "identifier": [{"system": "https://finess.esante.gouv.fr", "value": "940000574"}],
    }
    with pytest.raises(Invalid, match="finess-key"):
        async with db.transaction(SYSTEM) as tx:
            await directory.save(tx, wrong, own=True)
    async with db.transaction(SYSTEM) as tx:
        assert await directory.save(tx, wrong) == 1
        assert await directory.save(tx, wrong, own=True, mode="test") == 1


@pytest.mark.asyncio
async def test_invented_patients_load_once(db: Database) -> None:
    await load(db)
    async with db.transaction(SYSTEM) as tx:
        made = await directory.load_patients(tx, 2026, 60)
        again = await directory.load_patients(tx, 2026, 70)
    assert len(made) == 60
    assert len(again) == 10


def test_every_entry_is_valid_fhir() -> None:
    for resource in resources():
        assert [issue for issue in r4.validate(resource) if issue.severity == "error"] == [], resource["id"]


def test_demo_logins_are_unique_and_known() -> None:
    logins = [person.login for person in directory.demo_people()]
    assert len(set(logins)) == len(logins)
    roles = {role.id: role for role in territory.role_entries()}
    assert all(roles[person.role_id].organization == person.organization_id for person in directory.demo_people())
