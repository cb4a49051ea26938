"""What this installation knows beside R4 itself: profiles and terminology of the packages that were added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.codes.packages import Package
from maillage.codes.profiles import Profiles
from maillage.codes.terminology import Terminology


class Definitions:
    """Terminology and profiles of the given packages; R4 and our own code systems are always there."""

    def __init__(self, packages: Iterable[Package] = ()) -> None:
        self.packages = tuple(packages)
        resources: list[dict[str, Any]] = [resource for package in self.packages for resource in package.resources]
        self.terminology = Terminology(r for r in resources if r["resourceType"] != "StructureDefinition")
        self.profiles = Profiles((r for r in resources if r["resourceType"] == "StructureDefinition"), self.terminology)
