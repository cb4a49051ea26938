"""Every SELECT of the directory. Structures, people and services are public to authenticated users; patients start from what the actor may see."""

from maillage.directory.queries.patients import find_patients, get_patient, get_patients, match_candidates
from maillage.directory.queries.people import (
    covers,
    get_role,
    get_roles,
    roles_beside,
    roles_in,
    roles_of,
    roles_of_service,
    team,
    usual_doctor,
)
from maillage.directory.queries.places import establishments, organization, organizations, place, rooms, sites
from maillage.directory.queries.services import (
    deadlines,
    get_plan_definition,
    get_questionnaire,
    get_service,
    has_service,
    identified,
    services,
)
from maillage.directory.queries.territory import basins_of, communes, contours, coverage, cpts_of, cpts_of_basin, population

__all__ = [
    "basins_of",
    "communes",
    "contours",
    "coverage",
    "covers",
    "cpts_of",
    "cpts_of_basin",
    "deadlines",
    "establishments",
    "find_patients",
    "get_patient",
    "get_patients",
    "get_plan_definition",
    "get_questionnaire",
    "get_role",
    "get_roles",
    "get_service",
    "has_service",
    "identified",
    "match_candidates",
    "organization",
    "organizations",
    "place",
    "population",
    "roles_beside",
    "roles_in",
    "roles_of",
    "roles_of_service",
    "rooms",
    "services",
    "sites",
    "team",
    "usual_doctor",
]
