"""What one answer of the SAS interface shows: the matches, and what comes with them drawn from our directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maillage import record
from maillage.codes.json import decode
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.interfaces import sas_resources as shown
from maillage.record import Stored


@dataclass(slots=True)
class Scene:
    """What one answer shows: the matches first, then what comes with them, each once; `known`: what they are drawn from."""

    known: dict[str, dict[str, Any]]
    entries: dict[str, tuple[dict[str, Any], str]]
    site: str

    def add(self, made: dict[str, Any], mode: str = "include") -> None:
        """Show a resource once."""
        self.entries.setdefault(f"{made['resourceType']}/{made['id']}", (made, mode))


async def scene_of(context: Context, matches: Sequence[Stored], included: Sequence[Stored]) -> Scene:
    """The resources of an answer, each once; places and structures that roles tell by content are read beside."""
    read = {f"{stored.type}/{stored.id}": decode(stored.content) for stored in [*matches, *included]}
    beside = await _beside(context, read)
    scene = Scene(read | beside, {}, context.registry.site)
    places = {key: shown.place_of(found) for key, found in read.items() if key.startswith("Schedule/")}
    for stored in matches:
        scene.add(_drawn(scene, f"{stored.type}/{stored.id}", places), "match")
    for stored in included:
        _include(scene, f"{stored.type}/{stored.id}", places)
    return scene


async def _beside(context: Context, read: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The places and structures of the roles, which they tell by content and not by reference."""
    wanted: dict[str, set[str]] = {"Location": set(), "Organization": set()}
    for found in read.values():
        if found["resourceType"] == "PractitionerRole" and not found.get("contained"):
            wanted["Location"] |= {one["reference"].rpartition("/")[2] for one in found.get("location", ()) if "reference" in one}
            wanted["Organization"] |= {found.get("organization", {}).get("reference", "").rpartition("/")[2]} - {""}
        elif found["resourceType"] == "Schedule" and (place := shown.place_of(found)):
            wanted["Location"].add(place)
    known = await _fetched(context, wanted, read)
    wholes = {
        one.get("partOf", {}).get("reference", "").rpartition("/")[2] for key, one in known.items() if key.startswith("Organization/")
    }
    return known | await _fetched(context, {"Organization": wholes - {""}}, read | known)


async def _fetched(context: Context, wanted: dict[str, set[str]], read: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for kind, ids in wanted.items():
        missing = sorted(id for id in ids if f"{kind}/{id}" not in read)
        if missing and context.allows(kind):
            for stored in await record.fetch_visible(context.tx, kind, missing, context.visible):
                found[f"{kind}/{stored.id}"] = decode(stored.content)
    return found


def _roles_in(scene: Scene, id: str, places: dict[str, str]) -> list[str]:
    """The places where a role is exercised among the schedules that are shown."""
    mine = [
        places[key] for key, found in scene.known.items() if key in places and {"reference": f"PractitionerRole/{id}"} in _references(found)
    ]
    return list(dict.fromkeys(mine)) or [""]


def _references(found: dict[str, Any]) -> list[dict[str, str]]:
    return [{"reference": one["reference"]} for one in found.get("actor", ()) if "reference" in one]


def _place_named(scene: Scene, role: str, place: str) -> str:
    """The place that the id of a role has to name: none while the role has one place only."""
    several = len(scene.known.get(f"PractitionerRole/{role}", {}).get("location", ())) > 1
    return place if several else ""


def _drawn(scene: Scene, key: str, places: dict[str, str]) -> dict[str, Any]:
    found = scene.known[key]
    if found["resourceType"] == "Slot":
        session = found["schedule"]["reference"].rpartition("/")[2]
        return shown.slot(found, f"{scene.site}/vacations/{session}")
    role = next((one["reference"].rpartition("/")[2] for one in _references(found) if one["reference"].startswith("PractitionerRole/")), "")
    return shown.schedule(found, _place_named(scene, role, places[key]))


def _include(scene: Scene, key: str, places: dict[str, str]) -> None:
    kind, _, id = key.partition("/")
    found = scene.known[key]
    if kind in ("Slot", "Schedule"):
        scene.add(_drawn(scene, key, places))
    elif kind == "Practitioner":
        scene.add(shown.practitioner(found))
    elif kind == "PractitionerRole":
        for place in _roles_in(scene, id, places):
            made = shown.role(found, place, scene.known)
            scene.add({**made, "id": shown.role_id(id, _place_named(scene, id, place))})
    elif _is_wanted(scene, key, kind):
        scene.add(found)


def _is_wanted(scene: Scene, key: str, kind: str) -> bool:
    """Whether a place, a service or a structure is told by itself, and not inside a role."""
    if kind == "Location":
        return not _is_held(scene, key)
    return _is_named_by_slots(scene, key) if kind == "HealthcareService" else kind == "Organization" and _is_named(scene, key)


def _is_held(scene: Scene, key: str) -> bool:
    """Whether a place belongs to a schedule that has a professional: it is then told inside the role."""
    return any(
        {"reference": key} in _references(one) and any(ref["reference"].startswith("Practitioner") for ref in _references(one))
        for one in scene.known.values()
        if one["resourceType"] == "Schedule"
    )


def _is_named_by_slots(scene: Scene, key: str) -> bool:
    """Whether a service is the community of a slot that is shown."""
    types = [one for found in scene.known.values() if found["resourceType"] == "Slot" for one in found.get("serviceType", ())]
    return any(extension.get("valueReference", {}).get("reference") == key for one in types for extension in one.get("extension", ()))


def _is_named(scene: Scene, key: str) -> bool:
    """Whether a structure is that of a service or of a place that is shown."""
    named = [found.get("providedBy", found.get("managingOrganization", {})) for found, _ in scene.entries.values()]
    return any(one.get("reference") == key for one in named)
