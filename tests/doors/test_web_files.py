"""Files on the pages: attached with a form, shown to who sees the request, given by links that are good once (vulnerability classes 9, 14, 15, 16, 29, 30)."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image
from tests.doors.test_web_compose import CONFIRMED, SERVICE, answers, task_of
from tests.support import hostile_files as files
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, patient_of, territory, visiting

from maillage.doors.web.referrals.files import disposition
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
PHOTO = ("genou.jpg", files.gps_photo(), "image/jpeg")
LETTER = files.pdf()
GP, TRIAGE, STRANGER = "medecin-clamart", "hge-percy", "secretaire-chic"


async def compose(visitor: Visitor, *sent: tuple[str, Any]) -> httpx.Response:
    """Fill the form of a new request, with files."""
    patient = patient_of("cms-clamart-soins")
    page = await visitor.get(f"/demandes/nouvelle?patient={patient}&service={SERVICE}")
    data = {**hidden(page), "patient": patient, "service": SERVICE, "then": "check", **answers()}
    return await visitor.client.post("/demandes/nouvelle", data=data, files=list(sent), headers=SAME_SITE)


async def sent_with(visitor: Visitor, *sent: tuple[str, Any]) -> str:
    task = task_of(await compose(visitor, *sent))
    await visitor.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")
    return task


def pieces(page: httpx.Response) -> list[str]:
    """The addresses of the files that a page shows."""
    return list(dict.fromkeys(re.findall(r'href="(/demandes/[^"]+/pieces/[^"]+)"', page.text)))


async def read_by(visitor: Visitor, task: str) -> httpx.Response:
    await visitor.post(f"/demandes/{task}/lire", shown=f"/demandes/{task}")
    return await visitor.get(f"/demandes/{task}")


def lying(folder: Path) -> list[tuple[str, bytes]]:
    """Every file under a folder: the first part of its path, and its bytes."""
    return [(path.relative_to(folder).parts[0], path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]


async def audited(db: Database, verb: str) -> list[str]:
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT actor_id FROM audit_event WHERE verb = $1 AND res_type = 'DocumentReference' ORDER BY at, id", verb)
    return [row["actor_id"] for row in rows]


async def test_class_30_a_photo_reaches_the_service_without_its_place(db: Database, tmp_path: Path) -> None:
    door = make_door(db, data=tmp_path)
    async with visiting(door, GP) as gp, visiting(door, TRIAGE) as specialist:
        task = await sent_with(gp, ("photo", PHOTO), ("pieces", ("lettre.pdf", LETTER, "application/pdf")))
        page = await read_by(specialist, task)
        photo, letter = pieces(page)
        assert "genou.jpg" in page.text
        assert f'src="{photo}/apercu"' in page.text
        link = await specialist.get(photo)
        assert link.status_code == 303
        given = await specialist.get(link.headers["location"])
        assert given.headers["content-type"] == "image/jpeg"
        assert files.SECRET not in given.content
        made = Image.open(io.BytesIO(given.content))
        assert (dict(made.getexif()), made.size) == ({}, (20, 40))
        given = await specialist.get((await specialist.get(letter)).headers["location"])
        assert given.content == LETTER
    assert await audited(db, "download") == ["castanier-leo"] * 2
    kept = [data for name, data in lying(tmp_path) if name == "documents"]
    assert len(kept) == 2
    assert not any(b"%PDF" in one or b"\xff\xd8\xff" in one for one in kept)


async def test_class_15_a_file_is_given_with_a_policy_under_which_nothing_runs(db: Database, tmp_path: Path) -> None:
    door = make_door(db, data=tmp_path)
    async with visiting(door, GP) as gp:
        task = task_of(await compose(gp, ("photo", PHOTO), ("pieces", ("x.xml", files.CDA, "text/xml"))))
        photo, cda = pieces(await gp.get(f"/demandes/{task}/verifier"))
        shown = await gp.get((await gp.get(f"{photo}/apercu")).headers["location"])
        given = await gp.get((await gp.get(cda)).headers["location"])
        for answer in (shown, given):
            assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "set-cookie" not in answer.headers
        assert shown.headers["content-disposition"].startswith("inline; filename=")
        assert given.headers["content-disposition"].startswith("attachment; filename=")
        assert (await gp.get(f"{cda}/apercu")).status_code == 404, "only an image that we drew is shown in a page"


@pytest_asyncio.fixture
async def linked(db: Database, tmp_path: Path) -> AsyncIterator[tuple[Visitor, str, str]]:
    """A doctor with a draft that has a photo: the address of the photo, and of the draft's task."""
    async with visiting(make_door(db, data=tmp_path), GP) as gp:
        task = task_of(await compose(gp, ("photo", PHOTO)))
        [photo] = pieces(await gp.get(f"/demandes/{task}/verifier"))
        yield gp, photo, task


async def test_class_09_a_link_is_good_once(db: Database, linked: tuple[Visitor, str, str]) -> None:
    gp, photo, _ = linked
    link = (await gp.get(photo)).headers["location"]
    assert [(await gp.get(link)).status_code for _ in range(3)] == [200, 404, 404]


async def test_class_09_one_of_two_who_use_a_link_at_once_gets_the_file(db: Database, linked: tuple[Visitor, str, str]) -> None:
    gp, photo, _ = linked
    link = (await gp.get(photo)).headers["location"]
    answers = await asyncio.gather(*(gp.get(link) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404, 404]


async def test_class_09_a_link_ends_after_a_minute(db: Database, clock: FixedClock, linked: tuple[Visitor, str, str]) -> None:
    gp, photo, _ = linked
    link = (await gp.get(photo)).headers["location"]
    clock.advance(timedelta(seconds=61))
    assert (await gp.get(link)).status_code == 404


async def test_class_09_a_link_ends_with_its_session(db: Database, linked: tuple[Visitor, str, str]) -> None:
    gp, photo, _ = linked
    link = (await gp.get(photo)).headers["location"]
    await gp.post("/deconnexion")
    assert (await gp.get(link)).status_code == 404


async def test_class_09_a_link_does_not_outlive_the_right(db: Database, linked: tuple[Visitor, str, str]) -> None:
    gp, photo, task = linked
    link = (await gp.get(photo)).headers["location"]
    await gp.post(f"{photo}/retirer", shown=f"/demandes/{task}/remplir")
    assert (await gp.get(link)).status_code == 404
    assert (await gp.get(photo)).status_code == 404


async def test_class_09_a_link_that_was_changed_opens_nothing(db: Database, linked: tuple[Visitor, str, str]) -> None:
    gp, photo, _ = linked
    link = (await gp.get(photo)).headers["location"]
    wrong = [
        f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}",
        f"{link[:60]}{'A' if link[60] != 'A' else 'B'}{link[61:]}",
        f"/pieces/{'A' * 80}",
    ]
    bodies = [await gp.get(one) for one in wrong]
    assert [one.status_code for one in bodies] == [404, 404, 404]
    assert (await gp.get(link)).status_code == 200


async def test_class_09_who_does_not_see_the_request_gets_no_link(db: Database, tmp_path: Path) -> None:
    door = make_door(db, data=tmp_path)
    async with visiting(door, GP) as gp, visiting(door, STRANGER) as stranger, visiting(door) as nobody:
        draft = task_of(await compose(gp, ("photo", PHOTO)))
        [photo] = pieces(await gp.get(f"/demandes/{draft}/verifier"))
        absent = re.sub(r"pieces/.*", "pieces/absent", photo)
        for path in (photo, f"{photo}/apercu", absent):
            assert (await stranger.get(path)).status_code == 404
        assert (await gp.get(absent)).status_code == 404
        assert (await nobody.get(photo)).headers["location"].startswith("/connexion")


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (("pieces", ("a.pdf", files.pdf_with_script(), "application/pdf")), "contient un programme"),
        (("pieces", ("a.pdf", files.HTML, "application/pdf")), "que son nom annonce"),
        (("pieces", ("a.zip", files.zip_bomb(), "application/zip")), "pas accepté"),
        (("photo", ("a.png", files.png_bomb(), "image/png")), "trop de points"),
        (("pieces", ("a.xml", files.XXE, "text/xml")), "contient un programme"),
    ],
    ids=["script", "html", "zip", "bomb", "xxe"],
)
async def test_class_29_a_file_that_is_refused_is_told_beside_its_field_and_nothing_is_kept(
    db: Database, tmp_path: Path, sent: tuple[str, Any], sentence: str
) -> None:
    async with visiting(make_door(db, data=tmp_path), GP) as gp:
        refused = await compose(gp, sent, ("pieces", ("bon.txt", b"Texte.", "text/plain")))
        assert refused.status_code == 422
        assert f'id="f-{sent[0]}-erreur"' in refused.text
        assert sentence in refused.text
        assert f'href="#f-{sent[0]}"' in refused.text
        assert "conduite à tenir" in refused.text, "what was written is still there"
    assert lying(tmp_path) == []
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM referral_task") == 0


async def test_class_14_a_body_of_two_gigabytes_is_given_up_early(db: Database, tmp_path: Path) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="pieces"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-'
        while read < 2 << 30:
            read += 1 << 16
            yield b"0" * (1 << 16)

    async with visiting(make_door(db, data=tmp_path, upload_limit=300_000), GP) as gp:
        headers = {**SAME_SITE, "content-type": "multipart/form-data; boundary=x"}
        answer = await gp.client.post("/demandes/nouvelle", content=endless(), headers=headers)
        announced = await gp.client.post("/demandes/nouvelle", content=b"--x", headers={**headers, "content-length": str(2 << 30)})
    assert (answer.status_code, announced.status_code) == (413, 413)
    assert "trop lourds" in answer.text


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.txt", "..\\..\\x.txt", "/etc/cron.d/x.txt", "a\u202etxt.exe", "<script>alert(1)</script>.txt"]
)
async def test_class_16_a_file_name_is_shown_as_text_and_is_no_path(db: Database, tmp_path: Path, name: str) -> None:
    async with visiting(make_door(db, data=tmp_path), GP) as gp:
        task = task_of(await compose(gp, ("pieces", (name, b"Texte.", "text/plain"))))
        page = await gp.get(f"/demandes/{task}/verifier")
        assert "<script>alert" not in page.text
        [piece] = pieces(page)
        given = await gp.get((await gp.get(piece)).headers["location"])
        assert not set("/\\<>\r\n\u202e") & set(given.headers["content-disposition"].partition("filename*")[0])
    assert {name for name, *_ in lying(tmp_path)} == {"documents", "documents.keys"}


async def test_class_15_the_name_of_a_file_cannot_add_a_header() -> None:
    assert (
        disposition('a"; x=\r\né.txt', inline=False)
        == "attachment; filename=\"a__ x____.txt\"; filename*=UTF-8''a%22%3B%20x%3D%0D%0A%C3%A9.txt"
    )


async def test_too_many_files_and_broken_forms_are_refused(db: Database, tmp_path: Path) -> None:
    async with visiting(make_door(db, data=tmp_path, most_files=2), GP) as gp:
        answer = await compose(gp, *[("pieces", (f"{n}.txt", b"Texte.", "text/plain")) for n in range(3)])
        assert answer.status_code == 413
        for content in (
            b"--x\r\n",
            b"",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv',
            b"--x\r\nContent-Type: a\r\n\r\nv\r\n--x--\r\n",
        ):
            headers = {**SAME_SITE, "content-type": "multipart/form-data; boundary=x"}
            assert (await gp.client.post("/demandes/nouvelle", content=content, headers=headers)).status_code == 400
    assert lying(tmp_path) == []


async def test_class_21_a_form_with_files_needs_its_token(db: Database, tmp_path: Path) -> None:
    async with visiting(make_door(db, data=tmp_path), GP) as gp:
        answer = await gp.client.post("/demandes/nouvelle", data={"_csrf": "x"}, files=[("photo", PHOTO)], headers=SAME_SITE)
        assert answer.status_code == 403
    assert lying(tmp_path) == []


async def test_a_form_with_files_sent_twice_keeps_them_once(db: Database, tmp_path: Path) -> None:
    async with visiting(make_door(db, data=tmp_path), GP) as gp:
        patient = patient_of("cms-clamart-soins")
        page = await gp.get(f"/demandes/nouvelle?patient={patient}&service={SERVICE}")
        data = {**hidden(page), "patient": patient, "service": SERVICE, "then": "check", **answers()}
        request = gp.client.build_request("POST", "/demandes/nouvelle", data=data, files=[("photo", PHOTO)], headers=SAME_SITE)
        body = await request.aread()
        both = [await gp.client.post("/demandes/nouvelle", content=body, headers=dict(request.headers)) for _ in range(2)]
        assert both[0].headers["location"] == both[1].headers["location"]
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM document") == 1


async def test_files_come_with_answers_and_letters_too(db: Database, tmp_path: Path) -> None:
    door = make_door(db, data=tmp_path)
    async with visiting(door, GP) as gp, visiting(door, TRIAGE) as specialist:
        task = await sent_with(gp)
        await read_by(specialist, task)
        asked = f"/demandes/{task}/actes/ask-info"
        await specialist.post(asked, {"items": "CRP"}, shown=f"/demandes/{task}")
        page = await gp.get(f"/demandes/{task}/actes/answer-info")
        assert 'enctype="multipart/form-data"' in page.text
        data = {**hidden(page), "answers-1-number": "1", "answers-1-answer": "12 mg/L"}
        answer = await gp.client.post(
            f"/demandes/{task}/actes/answer-info", data=data, files=[("pieces", ("crp.txt", b"CRP 12", "text/plain"))], headers=SAME_SITE
        )
        assert answer.status_code == 303, answer.text
        page = await specialist.get(f"/demandes/{task}")
        [piece] = pieces(page)
        assert "crp.txt" in page.text
        assert (await specialist.get((await specialist.get(piece)).headers["location"])).content == b"CRP 12"
