"""Whatever markup people and other systems write, pages show it as text: nothing of it runs, nothing of it asks for anything (security rule book 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from playwright.sync_api import Page, expect
from tests.factories import referrals as make
from tests.journeys.conftest import Running
from tests.journeys.people import Person
from tests.journeys.test_pages_that_follow import elsewhere
from tests.support import postgres
from tests.support.hostile_markup import MARK, forms

from maillage import directory, referrals
from maillage.documents import Checked
from maillage.store import Database
from maillage.store.blobs import Folder, Ring, Vault

pytestmark = pytest.mark.browser
FORMS = forms()
CHUNK = 10
HOME = "Organization/cms-clamart-soins"
PATIENTS = [one["id"] for one in directory.generate_patients(2026, 40) if one["managingOrganization"]["reference"] == HOME]


def chunks(size: int) -> Iterator[str]:
    for at in range(0, len(FORMS), size):
        yield "\n".join(FORMS[at : at + size])


async def write_everywhere(db: Database, folder: Path) -> list[str]:
    """Requests whose questions, answers, reasons, letters and files hold every form."""
    vault, tasks = Vault(Folder(folder / "objects"), Ring(folder / "keys")), []
    for rank, text in enumerate(chunks(CHUNK)):
        async with db.transaction(make.GP) as tx:
            patient = PATIENTS[rank % len(PATIENTS)]
            request = await referrals.create_request(
                tx, patient_id=patient, service_ids=[make.SERVICE], requester_role_id="clamart-mg-isambert"
            )
            items = await make.form(tx, make.SERVICE)
            for item in ("question", "problem", "treatments", "usual-doctor", "last-endoscopy"):
                items = make.with_answer(
                    items, item, {"valueString": text[:190] if item in ("usual-doctor", "last-endoscopy") else text[:1900]}
                )
            await referrals.save_form(tx, request, items=items, status="completed")
            [task] = await referrals.tasks_of(tx, request)
            await referrals.attach(tx, vault, task["id"], [Checked("pieces", f"{rank}.txt", "text/plain", text.encode())], "request")
            await referrals.send(tx, task["id"], **make.SEND, duplicate_reason="other-problem")
        tasks.append(str(task["id"]))
        await make.act(db, make.TRIAGER, referrals.open_, tasks[-1])
    await make.act(db, make.TRIAGER, referrals.ask_info, tasks[0], items=FORMS[:5])
    await make.act(db, make.TRIAGER, referrals.decline, tasks[1], reason="no-indication", comment="\n".join(FORMS[5:14]))
    await make.act(db, make.TRIAGER, referrals.advise, tasks[2], recommendation="treat-and-watch", text="\n".join(FORMS[14:26]))
    return tasks


async def rename(dsn: str) -> None:
    """What a partner's system may have sent: names, titles and places that hold every form."""
    conn = await asyncpg.connect(postgres.owner(dsn))
    try:
        await conn.execute("SET session_replication_role = replica")
        half = -(-len(FORMS) // len(PATIENTS))
        for at, id in enumerate(PATIENTS):
            mine = FORMS[at * half : (at + 1) * half]
            await conn.execute(
                "UPDATE patient SET family = $2, given = $3 WHERE id = $1", id, " ".join(mine[: half // 2]), " ".join(mine[half // 2 :])
            )
        for number, row in enumerate(await conn.fetch("SELECT id FROM referral_attachment ORDER BY id")):
            await conn.execute(
                "UPDATE referral_attachment SET title = $2, author_display = $2 WHERE id = $1", row["id"], FORMS[number * 9 % len(FORMS)]
            )
        await conn.execute("UPDATE healthcare_service SET name = $1, criteria = $2 WHERE id = $3", FORMS[37], FORMS[:30], make.SERVICE)
        await conn.execute("UPDATE organization SET name = $1, short_name = $1 WHERE id = 'cms-clamart-soins'", FORMS[5])
        await conn.execute("UPDATE location SET name = $1 WHERE id = 'site-clamart-soins'", FORMS[8])
        await conn.execute("UPDATE commune SET name = $1 WHERE insee = '92023'", FORMS[38])
    finally:
        await conn.close()


def watched(person: Person) -> list[str]:
    """What must never happen in front of somebody: a request of the markup's, a dialog."""
    seen: list[str] = []
    person.page.on("request", lambda request: seen.append(request.url) if MARK in request.url else None)
    person.page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    return seen


FOREIGN = """() => [...document.querySelectorAll('main *, title')].filter(one => {
  const names = one.getAttributeNames();
  return names.some(name => name.startsWith('on') || name === 'style' || name === 'srcdoc' || name === 'ping'
      || (/^(data-)?hx-/.test(name) && name !== 'hx-morph-skip'))
    || ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'STYLE', 'LINK', 'META', 'BASE', 'VIDEO', 'AUDIO', 'MARQUEE', 'FOREIGNOBJECT'].includes(one.tagName.toUpperCase())
    || ['src', 'href', 'action', 'formaction', 'data', 'poster', 'srcset'].some(name => (one.getAttribute(name) || '').includes('/touche'));
}).map(one => one.outerHTML.slice(0, 200))"""


def is_clean(page: Page, seen: list[str]) -> None:
    assert page.evaluate(FOREIGN) == [], page.url
    assert page.evaluate("window.hit === undefined"), page.url
    assert seen == [], page.url


def test_what_people_write_never_runs_nor_asks(person: Callable[..., Person], server: Running, tmp_path: Path) -> None:
    assert len(FORMS) >= 100
    assert len(set(FORMS)) == len(FORMS)
    specialist, doctor = person("hge-percy"), person("medecin-clamart")
    tasks = elsewhere(server, lambda db: write_everywhere(db, tmp_path))
    elsewhere(server, lambda _db: rename(server.dsn))
    shown = ""
    for one, paths in (
        (specialist, ["/", "/listes/to-triage", *(f"/demandes/{task}" for task in tasks), f"/demandes/{tasks[3]}/actes/send-outcome"]),
        (
            doctor,
            ["/", "/listes/my-turn", f"/demandes/{tasks[0]}/actes/answer-info", f"/demandes/{tasks[2]}/actes/acknowledge", "/services"],
        ),
        (
            doctor,
            [
                f"/services/{make.SERVICE}",
                "/territoire",
                "/pilotage",
                "/vacations",
                f"/patients/{PATIENTS[1]}",
            ],
        ),
    ):
        seen = watched(one)
        for path in paths:
            one.goes_to(path)
            is_clean(one.page, seen)
            shown += one.page.locator("main").inner_text()
        if one is specialist:
            # A page that follows swaps the same texts in: what comes by a swap is held to the same
            one.goes_to("/listes/to-triage")
            last = tasks[4]
            elsewhere(server, lambda db, id=last: make.act(db, make.TRIAGER, referrals.accept, id))
            expect(one.page.locator(f'form[action="/demandes/{last}/lire"]')).to_have_count(0)
            is_clean(one.page, seen)
        assert [text for text in one.messages if "status of 4" not in text] == []
    unseen = [form for form in FORMS if " ".join(form.split())[:24] not in " ".join(shown.split())]
    assert unseen == [], "each form stood on a page, as text"
