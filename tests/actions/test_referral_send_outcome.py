"""The letter: signed, with recommendations that somebody owns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid, NotAllowed, TooLarge
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_a_letter_goes_back(db: Database, clock: FixedClock) -> None:
    task = await make.letter_sent(db, clock)
    row = await make.look(db, task)
    assert (row["state"], row["turn"], row["deadline"]) == ("letter-sent", "requester", "acknowledged")
    shown = await make.photograph(db, "DocumentReference", row["document_id"], make.GP)
    assert shown["type"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "11488-4",
        "display": "Compte rendu ou fiche de consultation",
    }
    assert (shown["status"], shown["docStatus"]) == ("current", "final")
    attachment = shown["content"][0]["attachment"]
    assert attachment["contentType"] == "text/plain"
    assert shown["author"] == [{"reference": "PractitionerRole/percy-hge-castanier"}]
    assert shown["context"]["encounter"] == [{"reference": f"Encounter/{row['encounter_id']}"}]


async def test_a_letter_has_a_content(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    error = await make.refused(db, make.TRIAGER, referrals.send_outcome, task, Invalid, text="  ")
    assert error.issues[0].reason == "letter-missing"
    await make.refused(db, make.PLANNER, referrals.send_outcome, task, NotAllowed, text="Vu")


async def test_a_pdf_is_a_pdf(db: Database, clock: FixedClock) -> None:
    import base64

    task = await make.seen(db, clock)
    for wrong in ("%%%", base64.b64encode(b"<html>").decode()):
        error = await make.refused(db, make.TRIAGER, referrals.send_outcome, task, Invalid, document=wrong)
        assert error.issues[0].reason == "attachment-unsafe"
    large = base64.b64encode(b"%PDF-" + bytes(5_000_000)).decode()
    await make.refused(db, make.TRIAGER, referrals.send_outcome, task, TooLarge, document=large)
    small = base64.b64encode(b"%PDF-1.7 ...").decode()
    await make.act(db, make.CLIENT, referrals.send_outcome, task, document=small, title=" ")
    row = await make.look(db, task)
    shown = await make.photograph(db, "DocumentReference", row["document_id"])
    assert shown["content"][0]["attachment"]["contentType"] == "application/pdf"
    assert shown["author"] == [{"display": "scenario"}]


async def test_recommendations_become_follow_ups(db: Database, clock: FixedClock) -> None:
    clock.set(make.SLOT["end"])
    due = make.SLOT["end"] + timedelta(days=90)
    wanted = [{"text": "Coloscopie", "due": due}, {"text": "Rappeler le patient", "due": due, "owner": "performer"}]
    clock.set(make.SLOT["start"] - timedelta(days=10))
    task = await make.letter_sent(db, clock, recommendations=wanted)
    first, second = sorted(await make.children(db, task, "follow-up"), key=lambda row: row["description"])
    assert (first["description"], first["state"], first["turn"], first["due_at"]) == ("Coloscopie", "due", "requester", due)
    assert (second["state"], second["turn"], second["holder"]) == ("handed-back", "performer", f"HealthcareService/{make.SERVICE}")


@pytest.mark.parametrize(
    ("recommendation", "reason"),
    [
        ({"due": make.SLOT["end"]}, "comment-missing"),
        ({"text": "Coloscopie"}, "date-missing"),
        ({"text": "Coloscopie", "due": make.SLOT["end"], "owner": "nobody"}, "unknown-owner"),
    ],
)
async def test_a_recommendation_has_a_text_a_date_and_an_owner(
    db: Database, clock: FixedClock, recommendation: dict[str, object], reason: str
) -> None:
    task = await make.seen(db, clock)
    error = await make.refused(db, make.TRIAGER, referrals.send_outcome, task, Invalid, text="Vu", recommendations=[recommendation])
    assert error.issues[0].reason == reason


async def test_a_cancellation_is_refused_by_finishing_the_work(db: Database, clock: FixedClock) -> None:
    task = await make.cancellation_requested(db)
    clock.set(make.SLOT["end"])
    await make.act(db, make.TRIAGER, referrals.send_outcome, task, text="Vu la veille de votre demande")
    [abort] = await make.children(db, task, "abort")
    assert (abort["state"], abort["turn"]) == ("cancelled", None)
    assert (await make.photograph(db, "Task", abort["id"]))["status"] == "rejected"
    assert (await make.last_status(db, task))["published_rows"] == "24"
