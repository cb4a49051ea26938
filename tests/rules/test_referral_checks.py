"""Parties, preconditions, reasons: who may, what is missing, and the one answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maillage.directory import Member
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.answers import Allowed, Refused
from maillage.referrals.queries import WORKLISTS
from maillage.referrals.rules import (
    NEEDS,
    TABLE,
    available,
    axis_of,
    check,
    explained,
    find_line,
    parties,
    reasons_for,
    request_status,
    speaking_for_patient,
)
from maillage.referrals.rules.checks import CAPACITY_CODES, speaks_of_capacity
from maillage.referrals.types import AXES, LISTS_OF_VERB, REASONS, Act, TaskFacts

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TEAM = (
    Member("doctor", "hospital-doctor", "hospital"),
    Member("senior", "hospital-senior", "hospital"),
    Member("on-call", "hospital-cover", "hospital", cover=True, starts=NOW - DAY, ends=NOW + DAY),
    Member("was-on-call", "hospital-cover-2", "hospital", cover=True, starts=NOW - DAY, ends=NOW),
    Member("will-be-on-call", "hospital-cover-3", "hospital", cover=True, starts=NOW + DAY, ends=NOW + 2 * DAY),
    Member("endless", "hospital-cover-4", "hospital", cover=True, starts=NOW - DAY),
    Member("left", "hospital-left", "hospital", ends=NOW),
)
FACTS = TaskFacts(
    state="sent",
    now=NOW,
    requester_org="centre",
    requester_id="asker",
    performer_org="hospital",
    lead_id="senior",
    team=TEAM,
    patient_id="patient",
)


def person(id: str, organization: str, *roles: str) -> Actor:
    return Actor("person", id, (organization,), frozenset(roles))


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        (person("asker", "centre", "medecin"), {"RC"}),
        (person("other", "centre", "medecin"), {"RC"}),
        (person("nurse", "centre", "infirmier"), {"RO"}),
        (person("secretary", "centre", "secretaire"), {"RO"}),
        (person("manager", "centre", "gestionnaire"), set()),
        (person("doctor", "hospital", "medecin"), {"PC"}),
        (person("planner", "hospital", "planificateur", "secretaire"), {"PO"}),
        (person("nurse", "hospital", "infirmier"), set()),
        (person("senior", "hospital", "medecin", "referent"), {"PC", "LD"}),
        (person("senior", "elsewhere", "medecin", "referent"), set()),
        (person("other-senior", "hospital", "medecin", "referent"), set()),
        (person("colleague", "hospital", "medecin"), set()),
        (person("on-call", "hospital", "medecin"), {"PC"}),
        (person("on-call", "hospital", "infirmier"), set()),
        (person("on-call", "elsewhere", "medecin"), set()),
        (person("was-on-call", "hospital", "medecin"), set()),
        (person("will-be-on-call", "hospital", "medecin"), set()),
        (person("endless", "hospital", "medecin"), set()),
        (person("left", "hospital", "medecin"), set()),
        (person("other-planner", "hospital", "secretaire", "medecin"), {"PO"}),
        (person("stranger", "elsewhere", "medecin"), set()),
        (person("patient", "", "patient"), {"PT"}),
        (person("another", "", "patient"), set()),
        (SYSTEM, {"SY"}),
        (Actor("client", "software", ("centre", "hospital")), {"RC", "RO", "PC", "PO"}),
        (Actor("client", "software", ("x", "hospital")), {"PC", "PO"}),
        (Actor("client", "software", ("x",)), set()),
        (Actor("person", "asker", ("x", "centre"), frozenset({"medecin"})), set()),
    ],
)
def test_parties(actor: Actor, expected: set[str]) -> None:
    assert parties(actor, FACTS) == expected


@pytest.mark.parametrize(
    ("actor", "state", "verb", "reason"),
    [
        (person("colleague", "hospital", "medecin"), "opened", "accept", "not-of-this-service"),
        (person("was-on-call", "hospital", "medecin"), "seen", "send-outcome", "not-of-this-service"),
        (person("on-call", "hospital", "medecin"), "info-requested", "answer-info", "not-for-this-party"),
        (person("colleague", "hospital", "medecin"), "opened", "withdraw", "not-for-this-party"),
        (person("colleague", "hospital", "medecin"), "closed", "accept", "not-in-table"),
        (person("planner", "hospital", "planificateur"), "opened", "accept", "not-for-this-party"),
        (person("asker", "centre", "medecin"), "opened", "accept", "not-for-this-party"),
        (Actor("client", "software", ("centre",), frozenset({"medecin"})), "opened", "accept", "not-for-this-party"),
    ],
)
def test_a_clinician_of_another_service_is_told_so(actor: Actor, state: str, verb: str, reason: str) -> None:
    facts = replace(FACTS, state=state)
    line = find_line(state, verb, parties(actor, facts))
    assert isinstance(line, Refused)
    assert explained(line, TABLE, state, verb, actor, facts).reason == reason


def test_a_request_inside_one_organisation_gives_both_sides() -> None:
    inside = replace(FACTS, requester_org="hospital")
    assert parties(person("doctor", "hospital", "medecin"), inside) == {"RC", "PC"}


@pytest.mark.parametrize(
    ("id", "roles", "decided_by", "is_senior"),
    [
        ("senior", ("medecin", "referent"), None, True),
        ("senior", ("medecin", "referent"), "somebody", True),
        ("senior", ("medecin", "referent"), "senior", False),
        ("other", ("medecin", "referent"), "senior", True),
        ("other", ("medecin", "referent"), "somebody", False),
        ("other", ("medecin",), "senior", False),
    ],
)
def test_the_senior_is_never_the_author_of_the_decision(id: str, roles: tuple[str, ...], decided_by: str | None, is_senior: bool) -> None:
    facts = replace(FACTS, decided_by=decided_by)
    assert ("LD" in parties(person(id, "hospital", *roles), facts)) is is_senior


def test_a_service_without_senior_is_reviewed_by_another_referent() -> None:
    facts = replace(FACTS, lead_id=None, decided_by="doctor")
    assert "LD" in parties(person("other", "hospital", "medecin", "referent"), facts)


def test_an_office_speaks_for_the_patient_and_a_stranger_does_not() -> None:
    assert speaking_for_patient(frozenset({"PO"})) == {"PO", "PT"}
    assert speaking_for_patient(frozenset()) == frozenset()


GOOD = Act(
    reason="no-indication",
    comment="Un commentaire qui a plus de trente caractères.",
    side="patient",
    items=("CRP",),
    recommendation="to-be-seen",
    recommendation_due=NOW,
    target_open=True,
    slot=(NOW, NOW + timedelta(minutes=20)),
    encounter=True,
    letter=True,
    done_otherwise=True,
    contacts=2,
    record_reviewed=True,
)
LATE = {"late": True, "bookable": True}

# need: verb, state, party, facts that break it, act that breaks it, facts that hold
CASES: list[tuple[str, str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("call-instead", "send", "to-complete", "RC", {"priority": "stat"}, {}),
    ("call-instead", "change-priority", "sent", "RC", {}, {"priority": "stat", "reason": "worsened"}),
    ("no-care-link", "send", "to-complete", "RC", {"sending": frozenset({"no-care-link"})}, {}),
    ("identity-unconfirmed", "send", "to-complete", "RC", {"sending": frozenset({"identity-unconfirmed"})}, {}),
    ("patient-not-informed", "send", "to-complete", "RO", {"sending": frozenset({"patient-not-informed"})}, {}),
    ("patient-opposed", "send", "to-complete", "RC", {"sending": frozenset({"patient-opposed"})}, {}),
    ("service-closed", "send", "to-complete", "RC", {"sending": frozenset({"service-closed"})}, {}),
    ("own-request", "send", "to-complete", "RC", {"sending": frozenset({"own-request"})}, {}),
    ("duplicate-open", "send", "to-complete", "RC", {"sending": frozenset({"duplicate-open"})}, {}),
    ("item-missing", "send", "to-complete", "RC", {"sending": frozenset({"item-missing"})}, {}),
    ("own-request", "accept", "opened", "PC", {"requester_id": "me"}, {}),
    ("priority-reason", "accept", "opened", "PC", {}, {"priority": "urgent", "reason": None}),
    ("priority-reason", "accept", "opened", "PC", {}, {"priority": "urgent", "reason": "other", "comment": "court"}),
    ("priority-reason", "accept", "opened", "PC", {}, {"priority": "soon", "reason": "worsened"}),
    ("priority-unchanged", "change-priority", "sent", "RC", {}, {"priority": "routine", "reason": "worsened"}),
    ("no-item", "ask-info", "opened", "PC", {}, {"items": (" ",)}),
    ("completeness-only", "ask-info", "opened", "PO", {}, {"clinical_items": True}),
    ("call-the-requester", "ask-info", "opened", "PC", {"rounds": 2}, {}),
    ("item-unanswered", "answer-info", "info-requested", "RC", {}, {"unanswered": ("1",)}),
    ("unknown-recommendation", "advise", "opened", "PC", {}, {"recommendation": "think"}),
    ("comment-missing", "advise", "opened", "PC", {}, {"comment": " "}),
    ("date-missing", "advise", "opened", "PC", {}, {"recommendation_due": None}),
    ("redirect-not-allowed", "redirect", "opened", "PC", {"redirect_allowed": False}, {"reason": "age"}),
    ("target-missing", "redirect", "opened", "PC", {}, {"reason": "age", "target_open": None}),
    ("target-closed", "redirect", "opened", "PC", {}, {"reason": "age", "target_open": False}),
    ("reason-missing", "decline", "opened", "PC", {}, {"reason": None}),
    ("capacity-is-not-refusal", "decline", "opened", "PC", {}, {"reason": "no-slot-in-target"}),
    ("capacity-is-not-refusal", "decline", "opened", "PC", {}, {"reason": "other", "comment": "Pas de place avant mars"}),
    ("unknown-reason", "decline", "opened", "PC", {}, {"reason": "whim"}),
    ("comment-missing", "decline", "opened", "PC", {}, {"comment": ""}),
    ("comment-too-short", "decline", "opened", "PC", {}, {"reason": "other", "comment": "trop court"}),
    ("no-unanswered-round", "decline", "opened", "PC", {}, {"reason": "prerequisites-missing"}),
    ("only-if-impossible", "decline", "to-book", "PC", {}, {}),
    ("slot-missing", "offer", "to-book", "PO", {}, {"slot": None}),
    ("slot-missing", "book", "to-book", "PO", {}, {"slot": (NOW, NOW)}),
    ("not-bookable", "book", "sent", "RO", {"bookable": False}, {}),
    ("side-missing", "cancel-appointment", "booked", "PO", {}, {"side": "nobody", "reason": "ill"}),
    ("too-early", "mark-not-attended", "booked", "PO", {"slot_start": NOW + timedelta(hours=1)}, {"reason": "forgot"}),
    ("record-not-reviewed", "return-after-absence", "not-attended", "PC", {}, {"record_reviewed": False, "reason": "after-absence"}),
    ("no-contact", "return-after-absence", "not-attended", "PC", {}, {"contacts": 1, "reason": "after-absence"}),
    ("encounter-missing", "mark-seen", "booked", "PC", {}, {"encounter": False}),
    ("before-its-day", "mark-seen", "booked", "PC", {"slot_start": NOW + timedelta(days=1)}, {}),
    ("seen-before-its-day", "send-outcome", "booked", "PC", {"slot_start": NOW + timedelta(days=1)}, {"done_otherwise": False}),
    ("letter-missing", "send-outcome", "seen", "PC", {}, {"letter": False}),
    ("done-otherwise", "send-outcome", "not-attended", "PC", {}, {"done_otherwise": False}),
    ("follow-ups-unsettled", "acknowledge", "letter-sent", "RC", {"unsettled_follow_ups": 1}, {}),
    ("too-early-to-file", "acknowledge", "letter-sent", "RO", {"entered_state_at": NOW - timedelta(days=59)}, {}),
    ("not-late", "send-elsewhere", "sent", "RC", {"late": False}, {"reason": "too-late"}),
    ("already-insisted", "insist", "declined", "RC", {"already_insisted": True}, {}),
    ("text-too-short", "insist", "declined", "RC", {}, {"comment": "trop court"}),
    ("period-missing", "declare-unavailable", "sent", "RO", {}, {"slot": None}),
    ("not-opposed", "close-opposed", "booked", "PO", {"opposed": False}, {}),
    ("not-opposed", "close-opposed", "letter-sent", "RO", {"asker_opposed": False}, {}),
    ("already-said", "say-no-news", "sent", "PT", {"no_news": True}, {}),
]


def usual_reason(verb: str) -> str | None:
    listed = "cancel-by-patient" if verb == "cancel-appointment" else LISTS_OF_VERB.get(verb)
    return REASONS[listed][0].code if listed else GOOD.reason


@pytest.mark.parametrize(("need", "verb", "state", "party", "facts", "act"), CASES)
def test_a_need_refuses_alone_and_is_met(need: str, verb: str, state: str, party: str, facts: dict[str, Any], act: dict[str, Any]) -> None:
    base = replace(FACTS, state=state, opposed=True, asker_opposed=True, **LATE, entered_state_at=NOW - timedelta(days=60))
    reason = {"reason": "contraindication"} if (verb, state) == ("decline", "to-book") else {"reason": usual_reason(verb)}
    fit = replace(GOOD, **{"priority": "asap"} if verb == "change-priority" else {}, **reason)
    if (verb, need) == ("decline", "only-if-impossible"):
        act = {"reason": "no-indication"}
    assert check(base, verb, frozenset({party}), fit, "me") == Allowed()
    answer = check(replace(base, **facts), verb, frozenset({party}), replace(fit, **act), "me")
    assert isinstance(answer, Refused)
    assert answer.reason == need


def test_every_need_of_the_table_has_a_case_and_a_rule() -> None:
    needed = {need for line in TABLE.transitions for need in line.needs}
    assert needed == set(NEEDS)
    assert needed == {case[0] for case in CASES}


def test_the_table_answers_before_the_needs() -> None:
    assert check(replace(FACTS, state="closed"), "accept", frozenset({"PC"}), Act()) == Refused("not-in-table", ())
    refused = check(FACTS, "accept", frozenset({"RC"}), Act())
    assert isinstance(refused, Refused)
    assert refused.reason == "not-for-this-party"
    assert "withdraw" in refused.legal


def test_available_says_what_is_missing() -> None:
    found = {one.verb: one.missing for one in available(replace(FACTS, state="opened"), frozenset({"PC"}), "doctor")}
    assert found["accept"] == ()
    assert found["decline"] == ("reason-missing", "comment-missing")
    assert "send" not in found
    assert {one.verb for one in available(replace(FACTS, state="closed"), frozenset({"RC"}))} == set()


def test_available_is_the_table_for_each_state_and_party() -> None:
    for state in TABLE.states:
        for party in ("RC", "RO", "PC", "PO", "LD", "PT", "SY"):
            legal = {line.verb for line in TABLE.legal(state, {party})}
            for opposed in (True, False):
                verbs = {
                    one.verb for one in available(replace(FACTS, state=state, opposed=opposed, asker_opposed=opposed), frozenset({party}))
                }
                assert verbs == legal - ({"close-opposed"} if not opposed else set()), (
                    "what a refusal has shut is the only thing that it lets end"
                )


@pytest.mark.parametrize("name", REASONS)
def test_a_list_of_reasons_is_short_distinct_and_ends_with_other(name: str) -> None:
    codes = [reason.code for reason in REASONS[name]]
    assert len(codes) == len(set(codes)) <= 12
    assert codes[-1] == "other"
    assert {reason.axis for reason in REASONS[name]} <= set(AXES)


def test_capacity_never_declines() -> None:
    assert "capacity" not in {reason.axis for reason in REASONS["decline"]}
    assert CAPACITY_CODES.isdisjoint(reason.code for reason in REASONS["decline"])
    assert axis_of("capacity", "no-slot-in-target") == "capacity"


@pytest.mark.parametrize(
    ("comment", "speaks"),
    [
        ("Pas de place avant mars", True),
        ("Plus aucun créneau ce trimestre", True),
        ("Il n'y a plus de créneaux disponibles", True),
        ("Faute de disponibilité du praticien", True),
        ("Pas de rendez-vous avant juin, désolé", True),
        ("Aucun RDV possible cette année", True),
        ("Notre service est saturé", True),
        ("Planning complet jusqu'à l'été", True),
        ("Le service est actuellement débordé", True),
        ("Délai d’attente de huit mois", True),
        ("Trop de monde en liste d'attente", True),
        ("Sous-effectif médical", True),
        ("Manque de médecins", True),
        ("Saturation à 92 %, à revoir en pneumologie", False),
        ("Surcharge pondérale sans indication opératoire", False),
        ("Dossier complet, aucune indication retenue", False),
        ("Pas de rendez-vous nécessaire, avis rendu par écrit", False),
        ("Patient suivi depuis longtemps par un confrère", False),
    ],
)
def test_lack_of_capacity_does_not_refuse_in_words(comment: str, speaks: bool) -> None:
    assert speaks_of_capacity(Act(reason="other", comment=comment)) is speaks
    assert not speaks_of_capacity(Act(reason="no-indication", comment=comment))  # a code says its axis


def test_the_day_of_the_visit_is_a_day_of_paris() -> None:
    late = replace(
        FACTS, state="booked", now=datetime(2026, 11, 30, 22, 30, tzinfo=UTC), slot_start=datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    )
    assert NEEDS["before-its-day"].met("mark-seen", late, GOOD, "me") is False
    soon = replace(late, now=datetime(2026, 11, 30, 23, 0, tzinfo=UTC))
    assert NEEDS["before-its-day"].met("mark-seen", soon, GOOD, "me") is True


def test_an_appointment_is_cancelled_with_the_reasons_of_its_side() -> None:
    by_patient = {reason.code for reason in reasons_for("cancel-appointment", Act(side="patient"))}
    assert "forgot" in by_patient
    assert "strike" not in by_patient
    assert "strike" in {reason.code for reason in reasons_for("cancel-appointment", Act(side="host"))}
    assert reasons_for("accept", Act()) == ()


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([], "draft"),
        (["to-complete", "to-complete"], "draft"),
        (["to-complete", "sent"], "active"),
        (["declined"], "active"),
        (["redirected", "sent"], "active"),
        (["closed", "offered"], "active"),
        (["closed", "cancelled"], "completed"),
        (["cancelled", "entered-in-error"], "revoked"),
        (["entered-in-error"], "entered-in-error"),
    ],
)
def test_the_request_lives_on_when_one_service_says_no(states: list[str], status: str) -> None:
    assert request_status(states) == status


def test_every_open_state_is_on_a_worklist_of_the_side_that_holds_the_turn() -> None:
    side_of = {"requester": "requester"}
    for code, state in TABLE.states.items():
        if state.turn:
            side = side_of.get(state.turn, "performer")
            assert any(code in spec.states for spec in WORKLISTS.values() if spec.side == side), code


def test_a_code_has_one_axis_in_every_list() -> None:
    """`ill` alone has two, told apart by the side: the patient in an absence, the practitioner in a cancelled session."""
    axes: dict[str, set[str]] = {}
    for reasons in REASONS.values():
        for reason in reasons:
            axes.setdefault(reason.code, set()).add(reason.axis)
    assert {code for code, found in axes.items() if len(found) > 1} == {"ill"}
