"""Every picture of the documentation, as `docs/pages.csv` declares it: whose page it is, which route it shows, its title, what it is for, what is seen."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture: `by` whom the page is made for, the `route` that it shows; none for an error of any page."""

    by: str
    picture: str
    route: str
    title: str
    says: str
    alt: str


@cache
def screens() -> tuple[Screen, ...]:
    """The rows of the file, in its order."""
    with (ROOT / "docs" / "pages.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Screen(**row) for row in csv.DictReader(file))


@cache
def by_picture() -> dict[str, Screen]:
    """The same by the name of the picture."""
    return {one.picture: one for one in screens()}


def plain(text: str) -> str:
    """A text as it is typed: any space is a space, an apostrophe is straight."""
    return " ".join(text.replace("’", "'").split())


NOT_SHOWN = {
    "/connexion/psc": "leads to Pro Santé Connect",
    "/connexion/psc/retour": "comes back from Pro Santé Connect, and leads on",
    "/mon-dossier/connexion": "leads to FranceConnect",
    "/mon-dossier/retour": "comes back from FranceConnect, and leads on",
    "/mon-dossier/cles": "keys for FranceConnect, as JSON",
    "/ouvrir/{handle:id}": "leads from the practice software to the form of a request",
    "/patients/{id:id}/adresser": "leads to the services, for that patient",
    "/.well-known/security.txt": "a text",
    "/rendez-vous/{id:id}/convocation.pdf": "a file",
    "/agenda/{token:seal}/vacations.ics": "a file",
    "/vacations/{id:id}/vacation.ics": "a file",
    "/demandes/{id:id}/pieces/{piece:id}": "a file",
    "/demandes/{id:id}/pieces/{piece:id}/apercu": "an image",
    "/pieces/{token:seal}": "a file",
    "/pilotage/pilotage.xlsx": "a file",
    "/pilotage/{name:id}/csv": "a file",
    "/simulation/{id:id}/resultats.csv": "a file",
    "/simulation/{id:id}/rapport.html": "a file",
    "/simulation/{id:id}/rapport.pdf": "a file",
    "/simulation/{id:id}/scenario/{side:id}": "a file",
    "/suivi/{visit:id}/dossier/{document:id}/fichier": "leads to the file",
    "/mes-documents/{token:seal}": "a file",
}
"""Routes that look and have no page of their own, with the reason."""
