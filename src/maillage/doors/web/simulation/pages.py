"""Scenarios, experiments and their results. The work is done by the worker: these pages ask, show how far it is, and show what is known."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from maillage import experiments
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, redisplay_at, summary
from maillage.doors.web.language import language, spoken
from maillage.doors.web.pages import get, post
from maillage.doors.web.simulation import editor, presenters
from maillage.doors.web.view import View
from maillage.experiments import Experiment, Text
from maillage.kernel.errors import Invalid, Malformed, NotFound
from maillage.simulation import Scenario, Wrong, shipped, shipped_names, text_of
from maillage.simulation import read as read_scenario
from maillage.simulation.spreadsheet import table

AGAIN: Final = 1
"""Seconds after which a page that waits looks again; the reader may stop it."""
ON: Final = "Simulation"
FILE: Final = Field(
    "file",
    "Fichier de scénario",
    "textarea",
    True,
    hint="Le texte d’un fichier .toml, par exemple celui qu’écrit « maillage calibrate » à partir de vos RPU.",
    maxlength=50_000,
)


COUNTS: Final = Field(
    "counts",
    "Comptes horaires",
    "textarea",
    True,
    hint="Le fichier qu’écrit « maillage forecast » à partir de vos RPU : des nombres par heure, aucun passage, aucune identité.",
    maxlength=50_000,
)


async def show_list(view: View) -> Response:
    """The scenarios that ship, those of the house, and what was asked."""
    kept = await experiments.scenarios(view.tx)
    asked = await experiments.experiments(view.tx)
    choices = _choices(kept)
    first = Field("scenario", "Organisation de départ", "select", True, choices=choices, chosen=("percy-35000-rebuilt",))
    second = Field("against", "Comparée à", "select", choices=choices, empty="Rien", chosen=("percy-35000-overflow",))
    forms = {"/simulation": (first, second), "/simulation/fichier": (FILE,), "/simulation/prevision": (COUNTS,)}
    shown = {path: redisplay_at(view, path, asked) for path, asked in forms.items()}
    return view.page(
        "simulation/templates/list.html",
        "Simulation des urgences",
        fields=shown["/simulation"],
        file=shown["/simulation/fichier"][0],
        counts=shown["/simulation/prevision"][0],
        errors=summary(view.rejected, shown[view.request.url.path]),
        shipped=[shipped(name) for name in shipped_names()],
        kept=kept,
        lines=[presenters.line(one, _titles(one)) for one in asked],
    )


def _choices(kept: list[experiments.Kept]) -> tuple[Choice, ...]:
    return (*(Choice(name, spoken(shipped(name).title)) for name in shipped_names()), *(Choice(one.id, one.title) for one in kept))


def _titles(experiment: Experiment) -> list[str]:
    """The titles of what an experiment plays; its name where the file can no longer be read."""
    found = []
    if experiment.kind == "forecast":
        return [word("experiment-kind", "forecast")]
    for text in (experiment.scenario, experiment.against):
        if text is not None:
            try:
                found.append(spoken(read_scenario(text.content, text.name).title))
            except Wrong:
                found.append(text.name)
    return found


async def _text(view: View, name: str) -> Text:
    """A scenario by the name under which it ships, or by the id under which the house keeps it."""
    if name in shipped_names():
        return Text(name, text_of(shipped(name)))
    kept = await experiments.scenario(view.tx, name)
    return Text(editor.name_of(kept.title), kept.content)


async def start(view: View) -> Response:
    """Play one scenario, or two on the same people."""
    reader = Reader(view.values)
    choices = _choices(await experiments.scenarios(view.tx))
    first = reader.read(Field("scenario", "", "select", True, choices=choices))
    second = reader.read(Field("against", "", "select", choices=choices))
    reader.done()
    against = await _text(view, second) if second and second != first else None
    return view.go(f"/simulation/{await experiments.ask(view.tx, await _text(view, first), against)}")


# --- the editor ------------------------------------------------------------------------------
async def _based_on(view: View) -> tuple[Scenario, str]:
    """The scenario from which the editor starts, and the name under which it is found again."""
    name = view.query("depuis") or view.given("depuis") or "percy-35000-overflow"
    experiment, _, side = name.partition(".")
    if side in ("a", "b"):
        found = await experiments.experiment(view.tx, experiment)
        text = found.against if side == "b" else found.scenario
        if text is None:
            raise NotFound("scenario", name)
    else:
        text = await _text(view, name)
    return read_scenario(text.content, text.name), name


async def show_editor(view: View) -> Response:
    """Every number of a scenario; what differs from the model is open."""
    base, name = await _based_on(view)
    own = name not in shipped_names() and "." not in name
    heads = (
        editor.TITLE.started(base.title if own else say("simulation.changed", title=spoken(base.title))[:120]),
        editor.QUESTION.started(base.question),
        Field(
            "against",
            "Comparer à",
            "select",
            choices=_choices(await experiments.scenarios(view.tx)),
            empty="Rien",
            chosen=(name,),
            marked=False,
        ),
        editor.SEED,
        editor.RUNS,
    )
    asked = [*heads, *editor.all_fields(base)]
    shown = {field.name: field for field in redisplay(asked, view.rejected)}
    return view.page(
        "simulation/templates/editor.html",
        "Modifier un scénario",
        base=base,
        name=name,
        heads=[shown[field.name] for field in heads],
        decided=editor.sections(base, editor.DECIDED, shown),
        supposed=editor.sections(base, editor.SUPPOSED, shown),
        errors=summary(view.rejected, list(shown.values())),
        own=own,
        changed=frozenset(base.changed),
    )


async def save(view: View) -> Response:
    """Play the scenario of the form, or keep it."""
    base, name = await _based_on(view)
    reader = Reader(view.values)
    title, question = reader.read(editor.TITLE), reader.read(editor.QUESTION) or ""
    against = reader.read(Field("against", "", "select", choices=_choices(await experiments.scenarios(view.tx))))
    seed, runs = reader.read(editor.SEED), reader.read(editor.RUNS)
    if runs is not None and not 2 <= runs <= 1000:
        reader.fail("runs", f"simulation-range:{say('simulation.range', low=2, high=1000)}")
    numbers = editor.read(base, view.values, reader)
    reader.done()
    made = base.changing(numbers, editor.name_of(title), title, question)
    text = Text(made.name, text_of(made))
    how = view.given("how")
    if how == "play":
        other = await _text(view, against) if against else None
        return view.go(f"/simulation/{await experiments.ask(view.tx, text, other, seed=2026 if seed is None else seed, replications=runs)}")
    if how not in ("keep", "replace"):
        raise Malformed.one("not-a-form")
    await experiments.keep(view.tx, Text(title, text.content), name if how == "replace" else "")
    return view.go("/simulation", "simulation-kept")


async def take(view: View) -> Response:
    """Keep a scenario that was written elsewhere: by the calibration, or by another house."""
    reader = Reader(view.values)
    content = reader.read(FILE) or ""
    reader.done()
    try:
        title = read_scenario(content, "scenario").title
    except Wrong as wrong:
        reader.fail("file", f"simulation-file:{wrong.key}, {wrong.detail}")
        reader.done()
    await experiments.keep(view.tx, Text(title, content))
    return view.go("/simulation", "simulation-kept")


async def foresee(view: View) -> Response:
    """Foretell arrivals, eligible flow and bed demand from hourly counts."""
    reader = Reader(view.values)
    content = reader.read(COUNTS) or ""
    reader.done()
    try:
        id = await experiments.ask(view.tx, Text("comptes", content), kind="forecast")
    except Invalid:
        reader.fail("counts", "simulation-counts")
        reader.done()
        raise
    return view.go(f"/simulation/{id}")


async def drop(view: View) -> Response:
    """Keep a scenario no longer."""
    await experiments.drop(view.tx, view.path("id"))
    return view.go("/simulation", "simulation-dropped")


# --- one experiment --------------------------------------------------------------------------
async def show(view: View) -> Response:
    """How far it is, then what is known: figures, difference, curves, limits, and by what each figure is found again."""
    found = await experiments.experiment(view.tx, view.path("id"))
    waits = found.status in experiments.LIVE
    follows = waits and view.query("suivre") != "0"
    if found.kind == "forecast":
        response = view.page("simulation/templates/forecast.html", "Prévisions", **_foreseen(found), follows=follows, waits=waits)
    else:
        response = view.page("simulation/templates/experiment.html", "Simulation", **_shown(found), follows=follows, waits=waits)
    if follows:
        response.headers["Refresh"] = str(AGAIN)
    return response


def _shown(found: Experiment) -> dict[str, Any]:
    answer = found.answer
    figures = answer is not None and found.kind == "figures"
    return {
        "found": found,
        "line": presenters.line(found, _titles(found)),
        "titles": _titles(found),
        "answer": answer,
        "conclusion": presenters.conclusion(answer) if answer and figures else [],
        "limits": presenters.limits_of(answer),
        "sides": presenters.sides(answer) if answer and figures else [],
        "rows": presenters.main_rows(answer) if answer and figures else [],
        "plots": presenters.plots(answer) if answer and figures else [],
        "trace": presenters.trace(answer) if answer else [],
        "weights": presenters.weights(answer) if answer and found.kind == "sensitivity" else [],
        "tried": presenters.tried(answer) if answer and found.kind == "staffing" else [],
        "team": presenters.team(answer["staffing"]["found"] or {}) if answer and found.kind == "staffing" else [],
        "by_class": presenters.by_class,
        "by_exit": presenters.by_exit,
        "by_resource": presenters.by_resource,
        "by_zone": presenters.by_zone,
    }


def _foreseen(found: Experiment) -> dict[str, Any]:
    answer = found.answer
    return {
        "found": found,
        "line": presenters.line(found, _titles(found)),
        "answer": answer,
        "outlook": presenters.outlook(answer) if answer else None,
        "trace": presenters.outlook_trace(answer) if answer else [],
    }


async def stop(view: View) -> Response:
    """Want the answer no longer."""
    id = view.path("id")
    await experiments.cancel(view.tx, id)
    return view.go(f"/simulation/{id}", "simulation-cancelled")


async def ask_more(view: View) -> Response:
    """Which assumptions weigh most, or which team is the cheapest, for the last scenario of an experiment."""
    found = await experiments.experiment(view.tx, view.path("id"))
    kind = view.given("kind")
    if kind not in ("sensitivity", "staffing"):
        raise Malformed.one("not-a-form")
    id = await experiments.ask(view.tx, found.against or found.scenario, kind=kind, seed=found.seed)
    return view.go(f"/simulation/{id}")


# --- files -----------------------------------------------------------------------------------
def _file(content: str | bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


async def give_table(view: View) -> Response:
    """The figures for a spreadsheet, each with what it was played with."""
    found = await experiments.experiment(view.tx, view.path("id"))
    if found.answer is None or found.kind != "figures":
        raise NotFound("experiment", found.id)
    return _file(table(found.answer, language()), "text/csv; charset=utf-8", f"simulation-{found.id}.csv")


async def give_report(view: View) -> Response:
    """The report after STRESS-DES, as a page that stands alone."""
    id = view.path("id")
    return _file(await experiments.report(view.tx, id, language()), "text/html; charset=utf-8", f"simulation-{id}.html")


async def give_paper(view: View) -> Response:
    """The report on paper."""
    id = view.path("id")
    return _file(await experiments.paper(view.tx, id, language()), "application/pdf", f"simulation-{id}.pdf")


async def give_scenario(view: View) -> Response:
    """A scenario as it was played, for `maillage simulate`."""
    found = await experiments.experiment(view.tx, view.path("id"))
    text = {"a": found.scenario, "b": found.against}.get(view.path("side"))
    if text is None:
        raise NotFound("scenario", found.id)
    if found.kind == "forecast":
        return _file(text.content, "application/json", f"{text.name}.json")
    return _file(text.content, "application/toml; charset=utf-8", f"{text.name}.toml")


PAGES = (
    get("/simulation", show_list, on=ON),
    post("/simulation", start, again=show_list, on=ON),
    get("/simulation/scenario", show_editor, on=ON),
    post("/simulation/scenario", save, again=show_editor, on=ON),
    post("/simulation/fichier", take, again=show_list, on=ON),
    post("/simulation/prevision", foresee, again=show_list, on=ON),
    post("/simulation/scenario/{id:id}/retirer", drop, on=ON),
    get("/simulation/{id:id}", show, on=ON),
    post("/simulation/{id:id}/arreter", stop, on=ON),
    post("/simulation/{id:id}/encore", ask_more, on=ON),
    get("/simulation/{id:id}/resultats.csv", give_table, on=ON),
    get("/simulation/{id:id}/rapport.html", give_report, on=ON),
    get("/simulation/{id:id}/rapport.pdf", give_paper, on=ON),
    get("/simulation/{id:id}/scenario/{side:id}", give_scenario, on=ON),
)
