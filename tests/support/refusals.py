"""What a page must say of a form that it refuses: a focused summary that leads to each field, a sentence beside it, and everything that was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx
from tests.support.form_pages import Answers, Node, controls, form_of, lost, names, tree, written
from tests.support.web import SAME_SITE, Visitor, make_door, visiting

from maillage.store import Database


@dataclass(frozen=True, slots=True)
class Refused:
    """A form with a bad answer: the page where it stands, where it is sent, what is written, at which fields it is refused; at any when none
    is named.

    `forgets`: what is not written again, being a secret that is asked for anew.
    """

    page: str
    action: str
    answers: Answers
    at: tuple[str, ...]
    forgets: frozenset[str] = field(default=frozenset())


async def all_refused(db: Database, rows: Iterable[tuple[str, Refused]]) -> dict[str, list[str]]:
    """What lacks, by the form; each is sent by whoever holds this login. The door is made once for all of them."""
    door, found = make_door(db), dict[str, list[str]]()
    for who, asked in rows:
        async with visiting(door, who) as visitor:
            if lacking := await refused(visitor, asked):
                found.setdefault(asked.action, []).extend(lacking)
    return found


async def refused(visitor: Visitor, asked: Refused) -> list[str]:
    """Open the page, write, send; answers what the answer lacks."""
    shown = await visitor.get(asked.page)
    form = form_of(tree(shown.text), asked.action, next(iter(asked.answers), ""))
    if form is None:
        return [f"no such form on {asked.page} ({shown.status_code})"]
    if unknown := asked.answers.keys() - names(form):
        return [f"the form does not ask for {sorted(unknown)}"]
    pairs = written(form, asked.answers)
    return lacks(await send(visitor, form, asked.action, pairs), asked, pairs)


async def send(visitor: Visitor, form: Node, action: str, pairs: list[tuple[str, str]]) -> httpx.Response:
    """Send as the form says: its fields alone, or as a form that may carry files."""
    data: dict[str, list[str]] = {}
    for name, text in pairs:
        data.setdefault(name, []).append(text)
    if form.attrs.get("enctype") == "multipart/form-data":
        parts = [(name, (None, text.encode())) for name, text in pairs]
        return await visitor.client.post(action, files=parts, headers=SAME_SITE)
    return await visitor.client.post(action, data=data, headers=SAME_SITE)


def lacks(answer: httpx.Response, asked: Refused, pairs: list[tuple[str, str]]) -> list[str]:
    """What the answer to a bad form lacks; nothing when it holds."""
    if answer.status_code != 422:
        return [f"answered {answer.status_code} {answer.headers.get('location', '')}"]
    page = tree(answer.text)
    form = form_of(page, asked.action, next(iter(asked.answers), ""))
    if form is None:
        return ["the form is not on the page"]
    gone = [pair for pair in lost(form, pairs) if pair[0] not in asked.forgets]
    return [*_summary(page, form), *_fields(page, form, asked.at), *(f"lost: {name}={text[:40]!r}" for name, text in gone)]


def _by_id(page: Node) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for one in page.all():
        if "id" in one.attrs:
            found.setdefault(one.attrs["id"], []).append(one)
    return found


def _summary(page: Node, form: Node) -> list[str]:
    """One summary, focused, whose every line leads to a field of the form that was sent, which says so itself and is open to be read."""
    found = [one for one in page.all() if one.attrs.get("role") == "alert"]
    if len(found) != 1:
        return [f"{len(found)} summaries"]
    [shown], ids, wrong = found, _by_id(page), list[str]()
    wrong += [f"the summary lacks {name}" for name in ("tabindex", "autofocus", "aria-labelledby") if name not in shown.attrs]
    for line in shown.all("li"):
        to = next((link.attrs.get("href", "")[1:] for link in line.all("a")), "")
        field_ = ids.get(to, [])
        if len(field_) != 1 or form not in field_[0].above():
            wrong.append(f"a line leads to {len(field_)} fields of the form: {line.text!r}")
        elif not _marked(field_[0]):
            wrong.append(f"the summary names a field that says nothing: {line.text!r}")
        elif closed := [one for one in field_[0].above() if one.tag == "details" and "open" not in one.attrs]:
            wrong.append(f"the field is folded away: {to}, {len(closed)}")
    return wrong or ([] if list(shown.all("li")) else ["an empty summary"])


def _marked(control: Node) -> Node | None:
    """The element of a field that says that it is wrong: itself, or the group in which it stands."""
    return next((one for one in (control, *control.above()) if one.attrs.get("aria-invalid") == "true"), None)


def _fields(page: Node, form: Node, at: tuple[str, ...]) -> list[str]:
    """The fields that are wrong are those that were expected; each has its sentence beside it, and a line of the summary."""
    ids, wrong, bad = _by_id(page), list[str](), dict[str, Node]()
    links = {one.attrs.get("href", "")[1:] for one in page.all("a")}
    for one in controls(form):
        if (marked := _marked(one)) is not None:
            bad.setdefault(one.name.removesuffix("-jour").removesuffix("-heure").removesuffix("-fold"), marked)
    if at and set(bad) != set(at):
        wrong.append(f"wrong at {sorted(bad)}, expected {sorted(at)}")
    for name, marked in bad.items():
        beside = [id for id in marked.attrs.get("aria-describedby", "").split() if id.endswith("-erreur")]
        if len(beside) != 1 or len(ids.get(beside[0], [])) != 1 or not ids[beside[0]][0].text.strip():
            wrong.append(f"no sentence beside {name}")
        own = {marked.attrs.get("id", "")} | {one.attrs.get("id", "") for one in marked.all("input")}
        if not own & links:
            wrong.append(f"the summary does not lead to {name}")
    others = [one for one in page.all() if one.attrs.get("aria-invalid") == "true" and form not in one.above()]
    return wrong + [f"another form is said to be wrong: {one.attrs.get('id')}" for one in others]
