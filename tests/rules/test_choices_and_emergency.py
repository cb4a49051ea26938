"""What a patient's choice must be, and who may break the glass and judge it: every answer with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maillage.access.choices import rules as choices
from maillage.access.choices.fhir import render
from maillage.access.choices.types import ACTS, SPEAKERS, Choice, Target
from maillage.access.emergency import rules as emergency
from maillage.access.emergency.types import DECISIONS, REASONS, Glass
from maillage.kernel.actor import Actor
from maillage.kernel.answers import Allowed, Refused

NOW = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ONE, PERSON, PAPER = Target(organization="o"), Target(practitioner="p"), Target(document=("Basic", "1"))


# --- choices -------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "scope"), [(Target(), "general"), (ONE, "organization"), (PERSON, "practitioner"), (PAPER, "document")])
def test_a_target_has_one_scope(target: Target, scope: str) -> None:
    assert target.scope == scope
    assert target.document_columns == (("Basic", "1") if scope == "document" else (None, None))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("target", [Target(), ONE, PERSON, PAPER])
def test_reading_and_feeding_are_refused_to_somebody_the_rest_to_all(act: str, target: Target) -> None:
    fits = act in ("reading", "feeding") or target == Target()
    assert choices.check_target(act, target) == (Allowed() if fits else Refused("general-only"))


@pytest.mark.parametrize(
    "target", [Target("o", "p"), Target("o", None, ("B", "1")), Target(None, "p", ("B", "1")), Target("o", "p", ("B", "1"))]
)
def test_an_opposition_names_one_thing(target: Target) -> None:
    assert choices.check_target("reading", target) == Refused("one-target")


def test_an_unknown_act_is_told_first() -> None:
    assert choices.check_target("listening", Target("o", "p")) == Refused("act-unknown")


@pytest.mark.parametrize("speaker", [*SPEAKERS, "", "neighbour"])
def test_a_choice_has_a_speaker(speaker: str) -> None:
    assert choices.check_speaker(speaker) == (Allowed() if speaker in SPEAKERS else Refused("speaker-unknown"))


@pytest.mark.parametrize(
    ("starts", "ends", "answer"),
    [
        (NOW, None, Allowed()),
        (NOW, NOW + DAY, Allowed()),
        (NOW + DAY, None, Allowed()),
        (NOW - timedelta(microseconds=1), None, Refused("starts-in-past")),
        (NOW, NOW, Refused("ends-before-start")),
        (NOW + DAY, NOW, Refused("ends-before-start")),
    ],
)
def test_a_choice_looks_forward(starts: datetime, ends: datetime | None, answer: object) -> None:
    assert choices.check_period(NOW, starts, ends) == answer


@pytest.mark.parametrize(
    ("ends", "target", "answer"),
    [
        (NOW + DAY, ONE, Allowed()),
        (NOW + timedelta(days=3653), ONE, Allowed()),
        (NOW + timedelta(days=3653, seconds=1), ONE, Refused("consent-too-long")),
        (NOW, ONE, Refused("ends-before-start")),
        (NOW + DAY, PERSON, Refused("recipient-missing")),
        (NOW + DAY, Target(organization="mine"), Refused("own-organization")),
        (NOW + DAY, Target("o", "p"), Allowed()),
    ],
)
def test_a_consent_says_to_whom_and_until_when(ends: datetime, target: Target, answer: object) -> None:
    assert choices.check_consent(NOW, ends, target, ("mine", "too")) == answer


CHOICE = Choice("1", "p", "reading", Target(), "patient", NOW, NOW + DAY, NOW, "desk")


@pytest.mark.parametrize(
    ("change", "at", "counts"),
    [
        ({}, NOW, True),
        ({}, NOW - timedelta(microseconds=1), False),
        ({}, NOW + DAY, False),
        ({"ends": None}, NOW + 1000 * DAY, True),
        ({"ended_at": NOW + timedelta(hours=1)}, NOW + timedelta(hours=1), False),
        ({"ended_at": NOW + timedelta(hours=1)}, NOW, True),
    ],
)
def test_a_choice_counts_from_its_start_to_its_end(change: dict[str, object], at: datetime, counts: bool) -> None:
    assert replace(CHOICE, **change).in_force(at) is counts  # type: ignore[arg-type]  # the fields of the dataclass


@pytest.mark.parametrize(
    ("act", "action", "rule", "kind", "purpose"),
    [
        ("reading", "access", "OPTOUT", "deny", "TREAT"),
        ("feeding", "disclose", "OPTOUT", "deny", "TREAT"),
        ("messages", "use", "OPTOUT", "deny", "TREAT"),
        ("emergency", "access", "OPTOUT", "deny", "ETREAT"),
        ("consent", "access", "OPTIN", "permit", "TREAT"),
    ],
)
def test_a_choice_is_drawn_as_a_consent(act: str, action: str, rule: str, kind: str, purpose: str) -> None:
    drawn = render(replace(CHOICE, act=act, target=Target("o", "p", ("Basic", "1"))))
    provision = drawn["provision"]
    assert (drawn["status"], drawn["policyRule"]["coding"][0]["code"], provision["type"]) == ("active", rule, kind)
    assert (provision["action"][0]["coding"][0]["code"], provision["purpose"][0]["code"]) == (action, purpose)
    assert [actor["reference"]["reference"] for actor in provision["actor"]] == ["Organization/o", "Practitioner/p"]
    assert provision["data"] == [{"meaning": "instance", "reference": {"reference": "Basic/1"}}]
    assert drawn["performer"] == [{"reference": "Patient/p"}]
    bare = render(replace(CHOICE, act=act, ends=None, said_by="representant", ended_at=NOW))
    assert (bare["status"], bare["performer"], bare["provision"]["period"]["end"]) == (
        "inactive",
        [{"display": "representant"}],
        NOW.isoformat(),
    )
    assert "actor" not in bare["provision"]
    assert "data" not in bare["provision"]


# --- emergency -----------------------------------------------------------------------


def doctor(*roles: str, assurance: str = "eidas2", id: str = "d") -> Actor:
    return Actor("person", id, ("o",), frozenset(roles or ("medecin",)), assurance=assurance)


WHY = "quinze lettres."


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("reason", REASONS)
def test_only_a_vital_emergency_goes_past_a_refusal(reason: str, refused: bool) -> None:
    answer = emergency.check_opening(doctor(), reason, WHY, refused=refused)
    assert answer == (Refused("emergency-refused") if refused and reason != "vital" else Allowed())


@pytest.mark.parametrize(
    ("actor", "reason", "explanation", "answer"),
    [
        (doctor("secretaire"), "vital", WHY, "role"),
        (doctor(assurance="eidas1"), "vital", WHY, "assurance"),
        (doctor(assurance=""), "vital", WHY, "assurance"),
        (doctor(), "curious", WHY, "reason-unknown"),
        (doctor(), "vital", WHY[:-1], "explanation-short"),
        (doctor(), "vital", f"  {WHY[:-1]}  ", "explanation-short"),
    ],
)
def test_what_an_opening_must_be(actor: Actor, reason: str, explanation: str, answer: str) -> None:
    assert emergency.check_opening(actor, reason, explanation, refused=False) == Refused(answer)
    assert len(WHY) == 15


GLASS = Glass("g", "p", "d", "r", "o", "emergency", WHY, False, NOW, NOW + timedelta(hours=4), NOW + 7 * DAY)


@pytest.mark.parametrize("decision", [*DECISIONS, "fine"])
@pytest.mark.parametrize("role", ["dpo", "referent", "medecin"])
def test_a_review_is_by_a_watcher_with_a_coded_decision(role: str, decision: str) -> None:
    expected = Refused("role") if role == "medecin" else Allowed() if decision in DECISIONS else Refused("decision-unknown")
    assert emergency.check_review(doctor(role, id="other"), GLASS, decision) == expected


def test_nobody_judges_themselves_and_nobody_judges_twice() -> None:
    assert emergency.check_review(doctor("referent"), GLASS, "justified") == Refused("own-access")
    assert emergency.check_review(doctor("dpo", id="x"), replace(GLASS, decision="justified"), "justified") == Refused("reviewed-already")
    assert (GLASS.vital, replace(GLASS, reason="vital").vital) == (False, True)
