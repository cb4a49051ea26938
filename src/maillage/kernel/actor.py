"""Who acts: resolved once by `access`, carried everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a machine client or the scheduler, with the organisations for which it may act.

    `organizations[0]` is the active one; `roles` are role codes such as `medecin` or `secretaire`. A token brings `scopes`, which only take
    away; an app that acts for a person is named in `client`, and `patient` is the one for whom it was opened. `assurance` is what the sign-in
    proved (`eidas1` low, `eidas2` substantial, `eidas3` high; nothing by default), `purpose` why data is used (v3-PurposeOfUse).
    `only`: the resources that a patient's link opens; a patient sees no other one.
    """

    kind: str
    id: str
    organizations: tuple[str, ...]
    roles: frozenset[str] = frozenset()
    role_id: str | None = None
    scopes: tuple[str, ...] = ()
    display: str = ""
    assurance: str = ""
    purpose: str = "TREAT"
    client: str = ""
    patient: str = ""
    only: frozenset[tuple[str, str]] = frozenset()

    @property
    def organization(self) -> str:
        """The active organisation."""
        return self.organizations[0] if self.organizations else ""

    def is_one_of(self, *roles: str) -> bool:
        """Whether the actor holds one of these role codes."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class Origin:
    """From where an act came, as the audit trail tells it (IHE BALP, agents client and server): network addresses, and the software used."""

    address: str = ""
    server: str = ""
    software: str = ""


NOWHERE = Origin()
"""What nobody asked for from outside: the scheduler, a command."""

SYSTEM = Actor(kind="system", id="system", organizations=(), roles=frozenset({"systeme"}), display="maillage")
