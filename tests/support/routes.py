"""Every address of both doors, made from their own lists: a route that is added is walked by the tests without anybody thinking of it."""

from __future__ import annotations

import re

from maillage.doors.fhir import routes as api
from maillage.doors.fhir.interfaces import INTERFACES
from maillage.doors.web.areas import PAGES
from maillage.doors.web.pages import Page

ABSENT = "absent-0"
OF_KIND = {"link": "A" * 24}
"""What stands for nothing where an id of that shape is not taken."""


def filled(path: str, **values: str) -> str:
    """An address with words in its places: those given, else an id of nothing."""
    return re.sub(r"\{(\w+)(?::(\w+))?\}", lambda found: values.get(found[1], OF_KIND.get(found[2], ABSENT)), path)


def pages(method: str) -> list[Page]:
    """The pages of one method."""
    return [page for page in PAGES if page.method == method]


API_SHAPES: dict[str, tuple[str, ...]] = {
    "ROOT": ("/fhir",),
    "SYSTEM_SEARCH": ("/fhir/_search",),
    "COMPARTMENT": ("/fhir/Patient/absent-0/Task",),
    "COMPARTMENT_SEARCH": ("/fhir/Patient/absent-0/Task/_search",),
    "TYPE": ("/fhir/Task",),
    "CONDITIONAL": ("/fhir/Task?identifier=absent",),
    "SEARCH": ("/fhir/Task/_search",),
    "INSTANCE": ("/fhir/Task/absent-0",),
    "BINARY": ("/fhir/Binary/absent-0",),
    "HISTORY": ("/fhir/_history", "/fhir/Task/_history", "/fhir/Task/absent-0/_history"),
    "VERSION": ("/fhir/Task/absent-0/_history/1",),
    "EXPORT": ("/fhir/exports/absent-0",),
    "EXPORT_FILE": ("/fhir/exports/absent-0/absent-0",),
    "OPERATION": ("/fhir/$versions", "/fhir/Task/$absent", "/fhir/Task/absent-0/$accept", "/fhir/StructureDefinition/$absent"),
}
"""An address of each shape that the FHIR door routes; a test compares with the door's own tables."""

API_DEFINITIONS = ("/fhir/StructureDefinition", "/fhir/StructureDefinition/Patient")
API_PUBLIC = ("/fhir/metadata", "/fhir/docs", "/fhir/openapi.json", "/fhir/.well-known/smart-configuration")
PROBES = ("/healthz", "/readyz")


def api_tables() -> dict[str, dict[str, object]]:
    """The method tables of the FHIR door, by their names."""
    return {name: value for name, value in vars(api).items() if name.isupper() and isinstance(value, dict) and name != "SYSTEM"}


def api_requests() -> list[tuple[str, str]]:
    """(method, address) of everything that the FHIR door routes."""
    found = [(method, path) for name, table in sorted(api_tables().items()) for path in API_SHAPES[name] for method in sorted(table)]
    return found + [("GET", path) for path in (*API_DEFINITIONS, *API_PUBLIC)] + french_requests()


def french_requests() -> list[tuple[str, str]]:
    """The same of the French interfaces."""
    found: list[tuple[str, str]] = []
    for name, interface in sorted(INTERFACES.items()):
        found += [(method, f"/fhir/{name}") for method in interface.root]
        for kind, served in interface.types.items():
            levels = {"": served.type, "?identifier=absent": served.where, "/absent-0": served.one, "/absent-0/_history": served.history}
            found += [(method, f"/fhir/{name}/{kind}{level}") for level, methods in levels.items() for method in methods]
    return found


def page_requests() -> list[tuple[str, str]]:
    """(method, address) of every page."""
    return [(page.method, filled(page.path)) for page in PAGES]
