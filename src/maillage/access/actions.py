"""Care links made by events, tokens of machine clients."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from maillage.access.identity.secret import digest
from maillage.access.scopes import unreadable_scopes
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.kernel.ids import new_id
from maillage.store import Transaction, register

register("api_client_id_prefix", lambda: Conflict("id-prefix-taken"))
register("api_client_id_prefix_form", lambda: Invalid.one("id-prefix-form"))


async def link(
    tx: Transaction,
    patient_id: str,
    organization_id: str,
    basis: str,
    source: str,
    *,
    ends: datetime | None = None,
    person: str | None = None,
    only: tuple[str, str] | None = None,
) -> None:
    """Open or extend the link of `basis` that the event `source` (such as `Task/1`) creates; nobody types one (CSP L1110-4).

    `person` narrows it to one practitioner of the organisation, `only` to one resource (type, id).
    """
    narrowed = (person, *(only or (None, None)))
    values = (new_id(), patient_id, organization_id, basis, source, tx.now, ends, *narrowed)
    await tx.write(("care_link", f"{patient_id} {organization_id} {basis} {source}"), (_LINK,), values)


_LINK = """INSERT INTO care_link (id, patient_id, organization_id, basis, source, starts, ends, practitioner_id, res_type, res_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT ON CONSTRAINT care_link_once DO UPDATE SET ends = excluded.ends"""


async def end_links(tx: Transaction, source: str, at: datetime) -> None:
    """Let the links made by `source` end at `at`."""
    await tx.execute("UPDATE care_link SET ends = greatest($2, starts) WHERE source = $1 AND (ends IS NULL OR ends > $2)", source, at)


async def has_link(tx: Transaction, patient_id: str, organizations: Sequence[str]) -> bool:
    """Whether one of these organisations, as a whole, has a live link to the patient."""
    return bool(
        await tx.fetchval(
            """
            SELECT EXISTS (SELECT 1 FROM care_link WHERE patient_id = $1 AND organization_id = ANY ($2::text[]) AND practitioner_id IS NULL
                AND res_id IS NULL AND starts <= $3 AND (ends IS NULL OR ends > $3))
            """,
            patient_id,
            list(organizations),
            tx.now,
        )
    )


async def let_choose_ids(tx: Transaction, client: str, prefix: str | None) -> None:
    """Let a machine client choose the ids that begin with its own prefix (`labo-`), or, with None, no more.

    Raises `Conflict("id-prefix-taken")`, `Invalid` for a prefix that is not letters and digits and a dash.
    """
    await tx.execute("UPDATE api_client SET id_prefix = $2 WHERE name = $1", client, prefix)


async def issue_token(tx: Transaction, client: str, scopes: Sequence[str], organizations: Sequence[str], lifetime: timedelta) -> str:
    """Register or update a machine client pinned to `organizations`, and give it a bearer token.

    Raises `NotAllowed` when no organisation is named: a missing claim never means "no filter"; `Invalid` for a scope that grants nothing.
    """
    if not organizations:
        raise NotAllowed("no-organization")
    if unreadable := unreadable_scopes(scopes):
        raise Invalid.one("scope-unknown", "scope", " ".join(unreadable)[:200])
    await tx.execute(
        """
        INSERT INTO api_client (name, organizations, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET organizations = excluded.organizations
        """,
        client,
        list(organizations),
        tx.now,
    )
    secret = secrets.token_urlsafe(32)
    await tx.execute(
        "INSERT INTO api_token (token_hash, client, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        digest(secret),
        client,
        list(scopes),
        tx.now,
        tx.now + lifetime,
    )
    return secret
