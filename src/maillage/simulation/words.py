"""The words of results, without the weight of what computes them: pages import this file alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

MAIN: Final = {
    "door_mean": ("Délai porte-médecin, moyenne", "min"),
    "door_p90": ("Délai porte-médecin, 9e décile", "min"),
    "door_within": ("Vus dans le délai FRENCH", "%"),
    "stay_mean": ("Durée de séjour, moyenne", "min"),
    "stay_p90": ("Durée de séjour, 9e décile", "min"),
    "stay_over_8h": ("Séjours de plus de 8 h", "%"),
    "unseen": ("Partis sans être vus", "%"),
    "boarding_hours": ("Attente d'un lit, dans le service", "h/jour"),
    "boarders_8h": ("Attendent un lit à 8 h", "personnes"),
    "og_taken": ("Pris par le médecin de ville", "%"),
    "og_missed": ("Éligibles non pris", "% des éligibles"),
    "idle:og": ("Médecin de ville sans patient", "h/jour"),
    "use:doctor": ("Occupation des médecins", "%"),
    "use:nurse": ("Occupation des infirmiers", "%"),
    "use:box": ("Occupation des boxes", "%"),
    "use:bed": ("Occupation des lits d'aval", "%"),
}
HOLD: Final[Mapping[str, float]] = {"door_p90": 60.0, "unseen": 3.0}
"""What the teams that are searched must hold."""
STOPPED: Final = {
    "precise": "précision atteinte",
    "asked": "nombre demandé",
    "most": "nombre maximal",
    "time": "temps écoulé",
    "": "en cours",
}

LABELS: Final = {
    "census": "Présents dans le service",
    "boarders": "Attendent un lit, box occupé",
    "queue:box": "Attendent un box",
    "queue:doctor": "En box, attendent un médecin",
    "queue:nurse": "En box, attendent un infirmier",
    "busy:box": "Boxes occupés",
    "busy:doctor": "Médecins occupés",
    "busy:nurse": "Infirmiers occupés",
    "busy:og": "Médecin de ville occupé",
    "busy:bed": "Lits d'aval occupés",
    "zone:stretchers": "Zone brancards",
    "zone:near": "Zone d'attente proche",
    "zone:remote": "Zone d'attente à distance",
}
FACTORS: Final = {
    "contact": "Contacts médicaux",
    "care": "Soins et tri",
    "tests": "Examens et observation",
    "transfer": "Transferts",
    "patience": "Patience",
    "ward_stay": "Séjours en service",
}
"""What a fit multiplies."""
WAYS_OUT: Final = {"home": "Retour à domicile", "ward": "Hospitalisés", "uhcd": "UHCD"}
"""Those of which a fit compares the stays."""
JUDGED: Final = {"median_stay": "Séjour médian", "census": "Présents dans le service"}
"""What a fit foretells of the weeks that it was not shown."""
FORETOLD: Final = {"arrivals": "Arrivées", "eligible": "Éligibles au médecin de ville"}
"""What is foretold from hourly counts."""
HEAVIER: Final = {"equity": "plus longue attente", "patients_travel": "trajets des patients", "fewer_sites": "ouvertures de sites"}
"""What weighs three times as much in another plan of sessions."""
CHARGED: Final = ("doctor", "nurse", "ioa", "box", "imaging", "uhcd", "bed")
"""What may be the most loaded."""


def number(value: float, lang: str = "fr") -> str:
    """A number as a page of this language writes it."""
    if not math.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    return written(f"{value:.{digits}f}", lang)


def written(digits: str, lang: str) -> str:
    """The digits of a number with the signs of this language."""
    text = digits.replace("-", "−")
    return text.replace(".", ",") if lang == "fr" else text
