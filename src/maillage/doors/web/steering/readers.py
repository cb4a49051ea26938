"""For whom the figures of the territory are."""

from __future__ import annotations

from maillage.kernel.actor import Actor

READERS = ("coordinateur", "gestionnaire", "planificateur", "referent", "medecin", "biologiste", "sage-femme", "dentiste", "administrateur")
"""Both sides of a referral and who coordinates them; never the patient, a machine, or who only studies."""


def may_steer(actor: Actor) -> bool:
    """Whether the figures of the territory are for this person."""
    return actor.kind == "person" and actor.is_one_of(*READERS)
