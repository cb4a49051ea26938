"""Preparing a request: who asks, for whom, with which form."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def patient(db: Database) -> str:
    return (await make.patients(db))[0]


async def prepare(db: Database, actor: object = make.GP, **values: object) -> str:
    asked = {"patient_id": await patient(db), "service_ids": [make.SERVICE], **values}
    made: str = await make.act(db, actor, referrals.create_request, **asked)
    return made


async def test_a_clinician_prepares_a_request(db: Database) -> None:
    request = await prepare(db)
    shown = await make.photograph(db, "ServiceRequest", request, make.GP)
    assert (shown["status"], shown["requester"]) == ("draft", {"reference": "PractitionerRole/clamart-mg-isambert"})
    assert shown["instantiatesCanonical"] == ["https://maillage.invalid/fhir/PlanDefinition/parcours-hge"]


@pytest.mark.parametrize(
    ("values", "family", "reason"),
    [
        ({"priority": "soon"}, Invalid, "unknown-priority"),
        ({"patient_id": "nobody"}, NotFound, "not-found"),
        ({"service_ids": ["nowhere"]}, NotFound, "not-found"),
        ({"service_ids": []}, Invalid, "service-unknown"),
        ({"requester_role_id": "percy-hge-castanier"}, NotAllowed, "not-for-this-party"),
        ({"requester_role_id": "clamart-infirmier-brossac"}, Invalid, "requester-not-clinician"),
    ],
)
async def test_what_is_refused(db: Database, values: dict[str, object], family: type[Exception], reason: str) -> None:
    with pytest.raises(family) as refused:
        await prepare(db, **values)
    assert refused.value.reason == reason


async def test_the_office_says_for_whom(db: Database) -> None:
    with pytest.raises(Invalid) as refused:
        await prepare(db, make.NURSE)
    assert refused.value.issues[0].expression == "ServiceRequest.requester"
    manager = make.person("ombredane-sylvaine", make.CENTRE, "gestionnaire", role_id="clamart-gestionnaire-ombredane")
    with pytest.raises(NotAllowed):
        await prepare(db, manager, requester_role_id="clamart-mg-isambert")


async def test_the_form_is_kept_until_the_request_leaves(db: Database) -> None:
    [task] = await make.draft(db, filled=False)
    request = (await make.request_of(db, task))["id"]
    first = await make.act(db, make.GP, referrals.save_form, request, items=[{"linkId": "question"}])
    second = await make.act(db, make.NURSE, referrals.save_form, request, items=[{"linkId": "problem"}])
    assert first == second
    async with db.transaction(make.GP) as tx:
        assert await referrals.form_of(tx, request) == [{"linkId": "problem"}]
    with pytest.raises(NotFound):
        await make.act(db, make.TRIAGER, referrals.save_form, request, items=[])
    sent = await make.sent(db, patient=1)
    with pytest.raises(Conflict):
        await make.act(db, make.GP, referrals.save_form, (await make.request_of(db, sent))["id"], items=[])
    with pytest.raises(NotAllowed):
        await make.act(db, make.TRIAGER, referrals.save_form, (await make.request_of(db, sent))["id"], items=[])


async def test_a_request_without_form_has_none(db: Database) -> None:
    [task] = await make.draft(db, filled=False)
    async with db.transaction(make.GP) as tx:
        assert await referrals.form_of(tx, (await make.request_of(db, task))["id"]) == []
