"""Files of a request: the questions that ask for them, what is shown of them, and the links by which they leave (ADR 0016)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from maillage import documents, record, referrals
from maillage.access import policy
from maillage.access.identity import session_of_id, spend
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Field
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound
from maillage.kernel.ids import new_id

PURPOSE: Final = "document-link"
PART_OF_VERB: Final = {"answer-info": "answer", "send-outcome": "letter"}
"""The verbs whose form may carry files, and what these belong to."""


def fields(view: View) -> list[Field]:
    """The two questions: files that one has, and a photo that is taken now."""
    known = view.door.settings.documents
    hint = say("files.hint", size=known.upload_limit // 1_000_000, count=known.most_files)
    return [
        Field("pieces", say("files.label"), "files", hint=hint),
        Field("photo", say("files.photo"), "photo", hint=say("files.photo.hint")),
    ]


async def keep(view: View, task: str, part: str) -> None:
    """Attach the files that came with a form."""
    if view.files:
        await referrals.attach(view.tx, view.door.vault, task, view.files, part)


def by_place(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Files by what they belong to: `request`, the number of a round of questions, the id of a letter."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        place = str(row["round"]) if row["part"] == "answer" else row["letter_id"] if row["part"] == "letter" else "request"
        found.setdefault(place, []).append(row)
    return found


async def of_request(view: View, request: str) -> dict[str, list[Any]]:
    """The files of a request that the actor may see, by what they belong to."""
    if not policy.sees_whole(view.actor, "DocumentReference"):
        return {}
    return by_place(await referrals.shown_attachments(view.tx, request))


async def link(view: View) -> Response:
    """On to a file, by an address that is good once, for this session, for a minute."""
    return await _go(view, shown=False)


async def preview(view: View) -> Response:
    """The same for an image that the page shows."""
    return await _go(view, shown=True)


async def _go(view: View, *, shown: bool) -> Response:
    piece, session = await _piece(view), view.session
    if session is None or (shown and piece["content_type"] not in documents.IMAGES):
        raise NotFound("DocumentReference", piece["id"])
    seconds = timedelta(seconds=view.door.settings.documents.link_seconds)
    token = view.door.sealer.pack([session.id, piece["id"], shown, new_id()], PURPOSE, view.tx.now + seconds)
    return view.go(f"/pieces/{token}")


async def _piece(view: View) -> Any:
    """The attachment that an address names, on the request that it names. Raises `NotFound`."""
    task, wanted = await referrals.visible_task(view.tx, view.path("id")), view.path("piece")
    rows: Sequence[Any] = await referrals.shown_attachments(view.tx, task["request_id"])
    for row in rows:
        if row["id"] == wanted:
            return row
    raise NotFound("DocumentReference", wanted)


async def serve(view: View) -> Response:
    """The bytes: the link is used up, its session still lives, its user still sees the document, and the look is written down, all or nothing.

    Whatever fails is answered alike: no such page.
    """
    token = view.path("token")
    session_id, id, shown, _ = view.door.sealer.unpack(token, PURPOSE, view.tx.now)
    session = await session_of_id(view.tx, session_id, view.door.site.limits)
    await spend(view.tx, token.encode(), timedelta(seconds=view.door.settings.documents.link_seconds))
    tx = view.tx.acting_as(session.actor)
    document, data = await documents.load(tx, view.door.vault, id)
    await record.audit(tx, "R", "DocumentReference", id, patient=document.patient_id, verb="preview" if shown else "download")
    inline = shown and document.is_image
    charset = "; charset=utf-8" if document.content_type.startswith("text/") else ""
    headers = {"Content-Disposition": disposition(document.title, inline=inline), "Content-Type": document.content_type + charset}
    return Response(data, headers=headers)


def disposition(title: str, *, inline: bool) -> str:
    """How a browser is to take a file, and its name for the disk, in ASCII and as it is (RFC 6266)."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in " .-_") else "_" for char in title)
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(title, safe='')}"


async def remove(view: View) -> Response:
    """Take a file off a draft."""
    id = view.path("id")
    await referrals.detach(view.tx, id, view.path("piece"))
    return view.go(f"/demandes/{id}/remplir", "detached")


PAGES = (
    get("/demandes/{id:id}/pieces/{piece:id}", link, on="DocumentReference"),
    get("/demandes/{id:id}/pieces/{piece:id}/apercu", preview, on="DocumentReference"),
    post("/demandes/{id:id}/pieces/{piece:id}/retirer", remove, on="Task", to="verb"),
    get("/pieces/{token:seal}", serve, public=True, bare=True),
)
