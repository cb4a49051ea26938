"""Read the product's own fact tables (`data/*.csv`)."""

from __future__ import annotations

import csv
from importlib.resources import files


def rows(name: str) -> list[dict[str, str]]:
    """Every row of `data/<name>.csv`, as text."""
    return list(csv.DictReader(files("maillage.codes").joinpath("data", f"{name}.csv").read_text("utf-8").splitlines()))
