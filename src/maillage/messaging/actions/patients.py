"""Telling a patient on the patient's own channel: whether, by what, when; a link and no word of why (workflow rule book 0.8 and 15)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from maillage import directory, record
from maillage.access import choices, labels, patient_link, visible_to
from maillage.codes.json import decode
from maillage.directory import Patient
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, NotFound
from maillage.messaging import rules
from maillage.messaging.actions.inapp import NO_CHANNEL, notify
from maillage.messaging.types import CALL, CODE, LINK, PATIENT_QUIET, TOO_OLD, Contact, Message, Post
from maillage.store import Transaction, outbox

SEND = "patient-message"
"""Outbox topic: one message that leaves, on its own so that a mail server that is away keeps nothing else waiting."""
ASKED = "patient-link-asked"
"""The event of a patient who asks for a new link: answered whatever the patient chose about other messages."""
NOT_REACHED = "patient-not-reached"
"""In-app event: nothing reaches this patient but a voice."""
OFFICE = ("planificateur", "secretaire")


async def route(tx: Transaction, payload: dict[str, Any], post: Post) -> str | None:
    """Outbox handler of `patient-notification`: decide by which channel and when; held while the house has no channel at all."""
    if not post.channels:
        return NO_CHANNEL
    if tx.now - await outbox.written_at(tx) > TOO_OLD and "due" not in payload:
        return "too-old"
    id, focus, asked = await directory.merging.survivor_of(tx, payload["patient"]), _focus(payload), payload["event"] == ASKED
    patient = await _reachable(tx, id, asked=asked)
    if patient is None:
        return None
    contact = await contact_of(tx, patient)
    channel = CALL if await labels.keeps_a_secret(tx, id) else rules.channel_for(contact, post.channels)
    if channel == CALL:
        await ask_for_a_call(tx, id, focus)
        return None
    answer_by = datetime.fromisoformat(payload["answer_by"]) if payload.get("answer_by") else None
    due = tx.now if asked else rules.send_at(tx.now, PATIENT_QUIET, answer_by)
    about = {"patient": id, "focus": payload["focus"], "asked": asked}
    await outbox.enqueue(tx, SEND, {**about, "kind": LINK, "channel": channel}, due_at=due)
    other = rules.other_channel(contact, channel, post.channels)
    if other and not await patient_link.has_code(tx, id):
        await outbox.enqueue(tx, SEND, {**about, "kind": CODE, "channel": other}, due_at=due)
    return None


async def send(tx: Transaction, payload: dict[str, Any], post: Post) -> str | None:
    """Outbox handler of `patient-message`: make the link or the code, and give the message to its channel, which may refuse or be away."""
    id, focus, kind = await directory.merging.survivor_of(tx, payload["patient"]), _focus(payload), payload["kind"]
    channel = post.channels.get(payload["channel"])
    if channel is None:
        return NO_CHANNEL
    patient = await _reachable(tx, id, asked=payload["asked"])
    if patient is None:
        return None
    to = (await contact_of(tx, patient)).address(payload["channel"])
    if kind == CODE:
        if await patient_link.has_code(tx, id):
            return None  # another message brought one meanwhile: a second would put it out of use
        values = {"code": patient_link.spelt(await patient_link.give_code(tx, id))}
    else:
        values = {"address": f"{post.address}/p/{await patient_link.give_link(tx, id, focus)}"}
    try:
        if to:
            await channel.send(Message(tx.message_id, kind, to, values))
    except Conflict as refusal:
        await ask_for_a_call(tx, id, focus)
        return refusal.reason
    return None


async def given_up(tx: Transaction, payload: dict[str, Any]) -> None:
    """Three failures: somebody telephones."""
    await ask_for_a_call(tx, await directory.merging.survivor_of(tx, payload["patient"]), _focus(payload))


async def ask_for_a_call(tx: Transaction, patient: str, focus: patient_link.Focus) -> None:
    """Tell the office of whoever holds the thing that nothing but a voice reaches this patient."""
    owner = await record.owner_of(tx, *focus) or (await directory.get_patient(tx, patient, visible_to(SYSTEM, "Patient"))).owner_org
    if owner:
        await notify(tx, NOT_REACHED, focus=focus, organizations=[owner], roles=OFFICE, patient=patient)


async def contact_of(tx: Transaction, patient: Patient) -> Contact:
    """How a patient can be reached: the mobile number and the e-mail address of the file, and what the patient chose."""
    known = decode(await record.current(tx, "Patient", patient.id))
    emails = [str(one.get("value", "")) for one in known.get("telecom", []) if one.get("system") == "email" and one.get("use") != "old"]
    email = next((one for one in emails if rules.is_email(one)), "")
    return Contact(rules.mobile(patient.phone), email, await chosen_channel(tx, patient.id))


async def chosen_channel(tx: Transaction, patient: str) -> str:
    """What the patient chose, or nothing."""
    return str(await tx.beyond().fetchval("SELECT channel FROM patient_channel WHERE patient_id = $1", patient) or "")


async def choose_channel(tx: Transaction, patient: str, channel: str) -> None:
    """The patient says how to be told."""
    await tx.beyond().execute(
        """
        INSERT INTO patient_channel (patient_id, channel, chosen_at) VALUES ($1, $2, $3)
        ON CONFLICT (patient_id) DO UPDATE SET channel = excluded.channel, chosen_at = excluded.chosen_at
        """,
        patient,
        channel,
        tx.now,
    )
    await record.audit(tx, "U", "Patient", patient, patient=patient, verb="patient-channel")


async def _reachable(tx: Transaction, id: str, *, asked: bool) -> Patient | None:
    """The patient, unless dead, merged away, or not wanting messages: looked at when a message is about to leave (hazard H20)."""
    try:
        patient = await directory.get_patient(tx, id, visible_to(SYSTEM, "Patient"))
    except NotFound:
        return None
    if patient.deceased or not patient.active:
        return None
    return None if not asked and await choices.refuses(tx, id, choices.MESSAGES) else patient


def _focus(payload: dict[str, Any]) -> patient_link.Focus:
    kind, _, id = payload["focus"].partition("/")
    return kind, id
