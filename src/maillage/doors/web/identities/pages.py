"""« Identités » : files that look alike, compared side by side, merged or found to be of two persons; merges taken back (RNIV)."""

from __future__ import annotations

from starlette.responses import Response

from maillage import access, directory, journeys, record
from maillage.directory import merging
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.identities import presenters
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import NotAllowed

PLACE = "/patients/identites"
_CONFIRMED = Field("confirmed", "J’ai comparé les cinq traits : c’est la même personne.", "checkbox", True)
_COMMENT = Field("comment", "Pièce ou motif", hint="Ce qui a permis de conclure.")


def _require(view: View) -> None:
    """Raise `NotAllowed` for who is not in charge of identities."""
    if not merging.may_merge(view.actor):
        raise NotAllowed("role")


async def show_list(view: View) -> Response:
    """The files that look alike, and the merges that stand; each person shown is written in the trail."""
    _require(view)
    visible = access.visible_to(view.actor, "Patient", view.tx.now)
    pairs = await merging.suspects(view.tx, view.actor.organizations, visible)
    made = await merging.merges(view.tx, view.actor.organizations)
    shown = {id for one in pairs for id in (one.first, one.second)} | {id for one in made for id in (one.source, one.target)}
    files = await directory.get_patients(view.tx, shown, visible) if shown else {}
    await record.audit_many(view.tx, "R", [("Patient", id, id) for id in sorted(files)], verb="search", query="identites")
    return view.page(
        "identities/templates/list.html",
        "Identités",
        lines=presenters.lines(pairs, files),
        merged=[presenters.Done(files[m.source], files[m.target], m.merged_at) for m in made if {m.source, m.target} <= files.keys()],
    )


async def compare(view: View) -> Response:
    """Two files side by side, what each would bring, and the two answers."""
    _require(view)
    visible = access.visible_to(view.actor, "Patient", view.tx.now)
    first, second = [await presenters.side(view.tx, view.path(name), visible) for name in ("first", "second")]
    await record.audit_many(view.tx, "R", [("Patient", one.row.id, one.row.id) for one in (first, second)], verb="read")
    fields = redisplay(_fields(first, second), view.rejected)
    return view.page(
        "identities/templates/compare.html",
        "Comparer deux dossiers",
        first=first,
        second=second,
        traits=presenters.traits(first, second),
        moves=[await journeys.counted(view.tx, one.row.id) for one in (first, second)],
        fields=fields,
        errors=summary(view.rejected, fields),
        here=f"{PLACE}/{first.row.id}/{second.row.id}",
    )


def _fields(first: presenters.Side, second: presenters.Side) -> list[Field]:
    names = zip(("A", "B"), (first, second), strict=True)
    kept = tuple(Choice(one.row.id, say("identities.file", letter=letter, name=one.identity.name)) for letter, one in names)
    return [Field("kept", "Dossier à conserver", "radio", True, choices=kept), _COMMENT, _CONFIRMED]


async def merge(view: View) -> Response:
    """Merge the two files into the one that is kept."""
    _require(view)
    both = [view.path("first"), view.path("second")]
    visible = access.visible_to(view.actor, "Patient", view.tx.now)
    fields = _fields(*[await presenters.side(view.tx, id, visible) for id in both])
    reader = Reader(view.values)
    given = {field.name: reader.read(field) for field in fields}
    reader.done()
    kept = str(given["kept"])
    source = both[1] if kept == both[0] else both[0]
    await journeys.merge(
        view.tx, source_patient=source, target_patient=kept, identity_confirmed=given["confirmed"] is True, comment=given["comment"] or ""
    )
    return view.go(PLACE, "merge")


async def keep_apart(view: View) -> Response:
    """The two files are of two persons."""
    _require(view)
    await journeys.keep_apart(view.tx, view.path("first"), view.path("second"))
    return view.go(PLACE, "keep-apart")


async def unmerge(view: View) -> Response:
    """Take a merge back."""
    _require(view)
    await journeys.unmerge(view.tx, view.path("source"))
    return view.go(PLACE, "unmerge")


PAGES = (
    get(PLACE, show_list, on="Patient"),
    get(f"{PLACE}/{{first:id}}/{{second:id}}", compare, on="Patient"),
    post(f"{PLACE}/{{first:id}}/{{second:id}}/fusion", merge, again=compare, on="Patient", to="verb"),
    post(f"{PLACE}/{{first:id}}/{{second:id}}/distincts", keep_apart, again=compare, on="Patient", to="verb"),
    post(f"{PLACE}/{{source:id}}/annulation", unmerge, again=show_list, on="Patient", to="verb"),
)
