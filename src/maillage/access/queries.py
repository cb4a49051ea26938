"""What an actor may see, and who is behind a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maillage.access.policy.rules import NOTHING, closing_labels, view
from maillage.access.types import DIRECTORY_TYPES, LINKED_TYPES, SHARED_RECORD_BASES, STRONG
from maillage.kernel.actor import Actor
from maillage.store import Params


@dataclass(frozen=True, slots=True)
class VisibleTo:
    """What one actor may see of one resource type, as SQL."""

    actor: Actor
    resource_type: str
    now: datetime | None = None

    def sql(self, alias: str, params: Params) -> str:
        """Boolean SQL over `id` and the three visibility columns of `alias`; adds its values to `params`.

        What the patient refuses is asked last and beats everything (CSP L1110-4 IV).

        No organisation means no row, never "no filter" (security.md 13, item 6). `now` decides which links live; without it, the
        transaction's own instant. `OFFSET 0`: refusals are looked up row by row, never gathered all at once because a plan expects many rows.
        `CASE`: links only where parties do not say it, and the same estimate whoever asks, so that a plan may be kept.
        """
        if self.actor.kind == "system":
            return "true"
        if view(self.actor, self.resource_type) == NOTHING:
            return "false"
        if self.resource_type in DIRECTORY_TYPES:
            return "true"
        if self.actor.kind == "patient":
            return self._own(alias, params)
        organizations, person = params.add(list(self.actor.organizations)), params.add(self.actor.id)
        kind, now = params.add(self.resource_type), "app_now()" if self.now is None else f"{params.add(self.now)}::timestamptz"
        bases = "NULL" if self.resource_type in LINKED_TYPES else f"{params.add(list(SHARED_RECORD_BASES))}::text[]"
        closed = f"{params.add(list(closing_labels(self.actor.roles)))}::text[]"
        asked = {
            "alias": alias,
            "organizations": f"{organizations}::text[]",
            "person": f"{person}::text",
            "kind": f"{kind}::text",
            "now": now,
        }
        return f"""CASE WHEN CASE WHEN {alias}.parties && {organizations}::text[] THEN true ELSE {_LINKED.format(bases=bases, **asked)} END
            THEN NOT {_LABELLED.format(closed=closed, **asked)} AND NOT {_OPPOSED.format(**asked)} ELSE false END"""

    def _own(self, alias: str, params: Params) -> str:
        """A patient sees the own record after a strong sign-in, else what the link opens of it; never what is held back until announced (CSP L1111-2).

        Neither care links nor oppositions are asked: these say what others see. Labels that close to professionals do not close to the patient.
        """
        ids = sorted(id for kind, id in self.actor.only if kind == self.resource_type)
        held_back = [code for code in closing_labels(self.actor.roles) if code.startswith("INVISIBLE")]
        person, now = params.add(self.actor.id), "app_now()" if self.now is None else f"{params.add(self.now)}::timestamptz"
        asked = {
            "alias": alias,
            "organizations": "'{}'::text[]",
            "person": f"{person}::text",
            "kind": f"{params.add(self.resource_type)}::text",
            "now": now,
        }
        labelled = _LABELLED.format(closed=f"{params.add(held_back)}::text[]", **asked)
        opened = "true" if self.actor.assurance in STRONG and not self.actor.only else f"{alias}.id = ANY ({params.add(ids)}::text[])"
        return f"({alias}.patient_id = {person}::text AND {opened} AND NOT {labelled})"


_LINKED = "linked({alias}.patient_id, {kind}, {alias}.id, {bases}, {organizations}, {person}, {now})"
"""What a live link opens: to the organisation or to one person there, the record or one resource of it."""

_OPPOSED = """EXISTS (SELECT 1 FROM opposition o WHERE o.patient_id = {alias}.patient_id
    AND opposes(o, {kind}, {alias}.id, {alias}.owner_org, {organizations}, {person}, {now}) OFFSET 0)"""
"""An index says that most patients refuse nothing; only where there is a row does the function judge it."""

_LABELLED = """EXISTS (SELECT 1 FROM security_label s WHERE s.patient_id = {alias}.patient_id
    AND closes(s, {kind}, {alias}.id, {alias}.owner_org, {organizations}, {person}, {closed}, {now}) OFFSET 0)"""
"""The same for labels: few resources have one."""
