"""Bind a citizen to a file, find the file again at each sign-in, and end it; every refusal is written down, and names the file it was about."""

from __future__ import annotations

from maillage import record
from maillage.access.identity.provider import ProvedPatient
from maillage.access.identity.secret import digest
from maillage.access.patient_binding import queries, rules
from maillage.access.patient_binding.types import Binding
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict, NotAllowed
from maillage.kernel.ids import new_id
from maillage.store import Transaction, register

register("patient_binding_one_file", lambda: Conflict("bound-elsewhere"))
register("patient_binding_one_citizen", lambda: Conflict("file-bound"))


def subject_hash(proved: ProvedPatient) -> bytes:
    """How a citizen is recognised: the provider's name of the person is random and ours alone, and is kept as a hash."""
    return digest(f"{proved.issuer} {proved.subject}")


async def bind(tx: Transaction, proved: ProvedPatient, patient: str) -> Binding:
    """Bind who came back to the file whose link is open in the same browser, or find that it is bound.

    Raises `NotAllowed` (traits-differ, several-files), `Conflict` (bound-elsewhere, file-bound).
    """
    known = await queries.binding_of_subject(tx, subject_hash(proved))
    if known is not None and known.patient_id != patient:
        raise Conflict("bound-elsewhere")
    if known is not None:
        return await sign_in(tx, proved)
    answer = rules.may_bind(proved.pivot, patient, await queries.files_like(tx, proved.pivot))
    if isinstance(answer, Refused):
        raise NotAllowed(answer.reason)
    made = Binding(new_id(), patient, proved.level, tx.now)
    await tx.execute(
        "INSERT INTO patient_binding (id, patient_id, subject_hash, level, bound_at, signed_at) VALUES ($1, $2, $3, $4, $5, $5)",
        *(made.id, patient, subject_hash(proved), proved.level, tx.now),
    )
    await record.audit(tx, "U", "Patient", patient, patient=patient, verb="patient-bound", act="administration")
    return made


async def sign_in(tx: Transaction, proved: ProvedPatient) -> Binding:
    """The file that who came back reads, looked at again. Raises `NotAllowed` (not-bound, identity-changed): the second ends the binding first."""
    known = await queries.binding_of_subject(tx, subject_hash(proved))
    if known is None:
        raise NotAllowed("not-bound")
    await tx.execute("UPDATE patient_binding SET signed_at = $2, level = $3 WHERE id = $1", known.id, tx.now, proved.level)
    return known


async def still_agrees(tx: Transaction, proved: ProvedPatient) -> bool:
    """Whether the file that who came back reads has the traits that the provider tells today; a binding whose file has others is ended."""
    known = await queries.binding_of_subject(tx, subject_hash(proved))
    if known is None:
        return True
    file = await queries.file_of(tx, known.patient_id)
    if file is not None and rules.agrees(proved.pivot, file):
        return True
    await end(tx, known.patient_id, "identity")
    return False


async def end(tx: Transaction, patient: str, by: str) -> bool:
    """End what binds a citizen to a file, and every page that stands on it. Whether there was one. `by`: patient, desk, identity."""
    eyes = tx.beyond()
    done = await eyes.execute(
        "UPDATE patient_binding SET ended_at = $2, ended_by = $3 WHERE patient_id = $1 AND ended_at IS NULL", patient, tx.now, by
    )
    await eyes.execute(
        "UPDATE patient_visit SET ended_at = $2 WHERE patient_id = $1 AND binding_id IS NOT NULL AND ended_at IS NULL", patient, tx.now
    )
    if done == "UPDATE 0":
        return False
    await record.audit(tx, "U", "Patient", patient, patient=patient, verb="patient-unbound", act="administration")
    return True
