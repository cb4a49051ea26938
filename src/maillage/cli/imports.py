"""`maillage import`: what an installation takes from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage.cli.contours import import_contours
from maillage.cli.output import Failure
from maillage.cli.resources import import_resources
from maillage.cli.status import USAGE


def import_(
    what: Literal["fhir", "geo"],
    file: Path,
    *,
    organization: str = "",
    workers: Annotated[int, Parameter(validator=Number(gte=1, lte=64))] = 2,
    batch: Annotated[int, Parameter(validator=Number(gte=1, lte=1000))] = 200,
    source: str = "",
    dry_run: bool = False,
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Take in a file: `fhir` takes resources, one a line (NDJSON), by the same checks as the interface; `geo` draws the contours of the communes.

    `fhir` answers 1 when a line was refused. Killed, the same command goes on where it was; a file that was taken in already changes nothing. Refused
    lines are written to FILE.refused, each with its reason. An id in the file is kept; an id that another organisation uses is refused.

    `geo` reads GeoJSON (RFC 7946). Give its `--source` with its year: the map prints it. Communes beside the territory are left out; 1 when communes
    of the territory are not in the file.

    Example: maillage import fhir Observation.ndjson --organization cms-clamart-soins --data ./data;
    maillage import geo communes.geojson --source "IGN Admin Express 2026" --data ./data

    Parameters
    ----------
    what
        `fhir` or `geo`.
    file
        The file.
    organization
        With `fhir`: the organisation that keeps what is new.
    workers
        With `fhir`: how many processes check and write.
    batch
        With `fhir`: how many lines are committed together.
    source
        With `geo`: who drew the contours, and when.
    dry_run
        With `geo`: say what would be kept.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    if what == "geo":
        return import_contours(file, source, dry_run=dry_run, data=data, json=json)
    if not organization:
        raise Failure("--organization says who keeps what is new", USAGE)
    return import_resources(file, organization, workers=workers, batch=batch, data=data, json=json)
