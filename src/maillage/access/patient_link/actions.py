"""Give a link and a code, open a page with them once, and close it; guesses are counted before they are looked at."""

from __future__ import annotations

import secrets

from maillage import record
from maillage.access.identity.passwords import hash_password
from maillage.access.identity.secret import digest, new_secret
from maillage.access.patient_binding import Binding
from maillage.access.patient_link import queries
from maillage.access.patient_link.types import (
    BETWEEN_LINKS,
    CODE_DIGITS,
    KEPT,
    OPEN,
    RECORD_OPEN,
    VALID,
    WRONG_CODES,
    Focus,
    Link,
    PatientVisit,
)
from maillage.kernel.actor import Actor
from maillage.kernel.errors import Unauthenticated
from maillage.kernel.ids import new_id
from maillage.store import Transaction

_PATIENT = "INSERT INTO patient_code (patient_id) VALUES ($1) ON CONFLICT DO NOTHING"


def new_token() -> str:
    """144 random bits: short enough for an SMS, far out of reach of guessers."""
    return secrets.token_urlsafe(18)


def new_code() -> str:
    """Six digits, to be read aloud and typed on a telephone."""
    return "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))


async def give_link(tx: Transaction, patient: str, focus: Focus) -> str:
    """A new link about `focus` for its patient; answers its secret, which is kept nowhere."""
    eyes, token = tx.beyond(), new_token()
    await eyes.execute(_PATIENT, patient)
    await eyes.execute(
        "INSERT INTO patient_link (token_hash, patient_id, res_type, res_id, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        *(digest(token), patient, *focus, tx.now, tx.now + VALID),
    )
    await record.audit(tx, "C", *focus, patient=patient, verb="patient-link")
    return token


async def give_code(tx: Transaction, patient: str) -> str:
    """A new code for a patient, the one before counts no more. Answers the six digits, which are kept as a hash."""
    eyes, code = tx.beyond(), new_code()
    kept = await hash_password(code)
    await eyes.execute(_PATIENT, patient)
    await eyes.execute("UPDATE patient_code SET code_hash = $2, failures = 0 WHERE patient_id = $1", patient, kept)
    await record.audit(tx, "U", "Patient", patient, patient=patient, verb="patient-code")
    return code


async def open_page(tx: Transaction, secret: str, link: Link) -> tuple[str, PatientVisit]:
    """Use the link, once, and open its page; answers the secret of the browser's cookie and the page.

    Raises `Unauthenticated("link-ended")` when somebody else used it meanwhile.
    """
    used = await tx.execute("UPDATE patient_link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL", digest(secret), tx.now)
    if used == "UPDATE 0":
        raise Unauthenticated("link-ended")
    await tx.execute("UPDATE patient_code SET failures = 0 WHERE patient_id = $1", link.patient_id)
    held = new_secret()
    visit = PatientVisit(new_id(), link.patient_id, link.focus, new_secret(), tx.now, tx.now + OPEN)
    await tx.execute(
        """
        INSERT INTO patient_visit (id, secret_hash, patient_id, res_type, res_id, csrf, began_at, seen_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
        """,
        *(visit.id, digest(held), visit.patient_id, *link.focus, visit.csrf, visit.began_at, visit.ends_at),
    )
    patient = tx.acting_as(visit.actor(frozenset()))
    await record.audit(patient, "E", *link.focus, patient=link.patient_id, verb="patient-link-opened", act="login")
    return held, visit


async def open_record(tx: Transaction, binding: Binding, provider_token: bytes, *, before: str = "") -> tuple[str, PatientVisit]:
    """Open the own record of who just signed in, under a new id and a new secret; the page `before`, from which it was asked, is closed.

    Answers the secret of the browser's cookie and the page.
    """
    held = new_secret()
    visit = PatientVisit(new_id(), binding.patient_id, None, new_secret(), tx.now, tx.now + RECORD_OPEN, binding.level)
    await tx.execute(
        """
        INSERT INTO patient_visit (id, secret_hash, patient_id, binding_id, assurance, csrf, began_at, seen_at, ends_at, provider_token)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
        """,
        *(visit.id, digest(held), visit.patient_id, binding.id, visit.assurance, visit.csrf, tx.now, visit.ends_at, provider_token),
    )
    if before:
        await close_page(tx, before)
    patient = tx.acting_as(visit.actor(frozenset()))
    await record.audit(patient, "E", "Patient", visit.patient_id, patient=visit.patient_id, verb="patient-signed-in", act="login")
    return held, visit


async def note_wrong_code(tx: Transaction, link: Link) -> None:
    """A code or a birth date was wrong: told to the trail, and after ten of them the code is taken away."""
    await tx.execute(
        """
        UPDATE patient_code SET failures = failures + 1, code_hash = CASE WHEN failures + 1 >= $2 THEN NULL ELSE code_hash END
        WHERE patient_id = $1
        """,
        link.patient_id,
        WRONG_CODES,
    )
    nobody = tx.acting_as(Actor("visitor", "", ()))
    await record.audit(nobody, "E", *link.focus, patient=link.patient_id, verb="patient-link-refused", outcome="4", act="login")


async def ask_again(tx: Transaction, secret: str) -> tuple[str, Focus] | None:
    """Whose and about what a new link is to be sent, for one that was used or grew old; None when it is unknown or was asked just now."""
    known = await queries.old_link(tx, secret)
    if known is None:
        return None
    asked = await tx.execute(
        "UPDATE patient_code SET asked_at = $2 WHERE patient_id = $1 AND (asked_at IS NULL OR asked_at <= $3)",
        *(known[0], tx.now, tx.now - BETWEEN_LINKS),
    )
    return known if asked == "UPDATE 1" else None


async def close_page(tx: Transaction, id: str) -> None:
    """The patient has finished: the page is closed at once."""
    await tx.beyond().execute("UPDATE patient_visit SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id, tx.now)


async def take_back(tx: Transaction, patient: str) -> None:
    """Every link of a patient, the code, and every page that is open end now: the number was somebody else's (hazard H20)."""
    eyes = tx.beyond()
    await eyes.execute("UPDATE patient_code SET code_hash = NULL WHERE patient_id = $1", patient)
    await eyes.execute(
        "UPDATE patient_link SET revoked_at = $2 WHERE patient_id = $1 AND used_at IS NULL AND revoked_at IS NULL", patient, tx.now
    )
    await eyes.execute("UPDATE patient_visit SET ended_at = $2 WHERE patient_id = $1 AND ended_at IS NULL", patient, tx.now)
    await record.audit(tx, "U", "Patient", patient, patient=patient, verb="patient-link-revoked")


async def purge(tx: Transaction) -> None:
    """Forget pages that were closed and links that can do nothing any more."""
    await tx.execute("DELETE FROM patient_visit WHERE ends_at < $1", tx.now - KEPT)
    await tx.execute("DELETE FROM patient_link WHERE made_at < $1", tx.now - KEPT)
