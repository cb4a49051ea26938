"""Who and where: structures, places, professionals and their roles, services and pathways, patients, the territory."""

from __future__ import annotations

from maillage.directory.actions import KEPT_TYPES, create_patient, drift, load_patients, load_territory, save, update_patient
from maillage.directory.generator import generate_patients
from maillage.directory.identifiers import Mode, normalise
from maillage.directory.identifiers import check as check_identifier
from maillage.directory.matching import GRADES, Match, matches, traits_of
from maillage.directory.pathways import call_instead_items, required_items
from maillage.directory.queries import (
    basins_of,
    communes,
    cpts_of,
    cpts_of_basin,
    deadlines,
    establishments,
    find_patients,
    get_patient,
    get_plan_definition,
    get_questionnaire,
    get_role,
    get_service,
    identified,
    match_candidates,
    organization,
    organizations,
    place,
    population,
    roles_in,
    roles_of,
    roles_of_service,
    rooms,
    services,
    sites,
)
from maillage.directory.rules import check_identifiers, check_patient
from maillage.directory.territory import demo_people
from maillage.directory.types import Commune, DemoPerson, Organization, Patient, Place, PopulationCount, Role, Service

__all__ = [
    "GRADES",
    "KEPT_TYPES",
    "Commune",
    "DemoPerson",
    "Match",
    "Mode",
    "Organization",
    "Patient",
    "Place",
    "PopulationCount",
    "Role",
    "Service",
    "basins_of",
    "call_instead_items",
    "check_identifier",
    "check_identifiers",
    "check_patient",
    "communes",
    "cpts_of",
    "cpts_of_basin",
    "create_patient",
    "deadlines",
    "demo_people",
    "drift",
    "establishments",
    "find_patients",
    "generate_patients",
    "get_patient",
    "get_plan_definition",
    "get_questionnaire",
    "get_role",
    "get_service",
    "identified",
    "load_patients",
    "load_territory",
    "match_candidates",
    "matches",
    "normalise",
    "organization",
    "organizations",
    "place",
    "population",
    "required_items",
    "roles_in",
    "roles_of",
    "roles_of_service",
    "rooms",
    "save",
    "services",
    "sites",
    "traits_of",
    "update_patient",
]
