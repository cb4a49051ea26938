"""Who may merge which two files, and how two files are compared. Pure."""

from __future__ import annotations

from maillage.directory.matching import STRICT, Traits, compare
from maillage.directory.merging.types import File, Merge, Suspects
from maillage.kernel.actor import Actor
from maillage.kernel.answers import Allowed, Answer, Refused

KEEPERS = frozenset({"identitovigilance", "logiciel", "systeme"})
"""Who is in charge of identities: a person named for it, the organisation's own identity server, the system."""

NAMES = ("family", "given", "birth_date", "gender", "birth_insee")


def may_merge(actor: Actor) -> bool:
    """Whether the actor is in charge of identities somewhere; an app opened for one person or one patient never is."""
    opened = actor.patient or (actor.client and actor.kind == "person")
    return actor.is_one_of(*KEEPERS) and not opened


def check_merge(actor: Actor, source: File, target: File) -> Answer:
    """Whether this actor may let `target` replace `source`.

    Both files belong to the actor's organisation. Two qualified identities with different INS are two persons until INSi says otherwise, and the surer
    file survives (RNIV: a qualified identity is never lost in a less sure one).
    """
    if not may_merge(actor):
        return Refused("role")
    if actor.kind != "system" and not {source.owner_org, target.owner_org} <= set(actor.organizations):
        return Refused("not-the-owner")
    if source.id == target.id:
        return Refused("same-file")
    if source.replaced_by or target.replaced_by:
        return Refused("patient-replaced")
    if source.qualified and target.qualified and source.ins != target.ins:
        return Refused("ins-conflict")
    return Refused("survivor-less-sure") if source.qualified and not target.qualified else Allowed()


def check_unmerge(actor: Actor, merge: Merge | None, survivor: File | None) -> Answer:
    """Whether this actor may take a merge back: the last one of the two first, since its rows went on with the survivor."""
    if not may_merge(actor):
        return Refused("role")
    if merge is None or survivor is None:
        return Refused("not-merged")
    if actor.kind != "system" and merge.owner_org not in actor.organizations:
        return Refused("not-the-owner")
    return Refused("survivor-replaced") if merge.stands and survivor.replaced_by else Allowed()


def differences(first: Traits, second: Traits) -> frozenset[str]:
    """The strict traits that both files give and that do not agree, and `ins` when both give one and share none."""
    pairs = (
        ("given", first.given, second.given),
        ("birth_date", first.birth_date, second.birth_date),
        ("gender", first.gender, second.gender),
        ("birth_insee", first.birth_insee, second.birth_insee),
    )
    found = {name for name, mine, yours in pairs if mine and yours and mine != yours}
    found |= {"family"} if first.families and second.families and not first.families & second.families else set()
    return frozenset(found | ({"ins"} if first.ins and second.ins and not first.ins & second.ins else set()))


def suspect(first: str, second: str, mine: Traits, yours: Traits) -> Suspects | None:
    """Two files as suspects: they share an INS, or four strict traits agree and one at most does not; another INS of the same kind clears them."""
    agree, disagree = compare(mine, yours)
    same = bool(mine.ins & yours.ins)
    if not same and ({system for system, _ in mine.ins} & {system for system, _ in yours.ins}):
        return None
    return Suspects(first, second, same, agree, disagree) if same or (agree >= STRICT - 1 and disagree <= 1) else None
