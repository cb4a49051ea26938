"""Rows to FHIR: how each resource of this room is drawn. Used by the actions for photographs, and again by `maillage rerender`."""

from maillage.referrals.render.cases import IDENTITY_CONFIRMED, OUTSIDE_CRITERIA, PATIENT_INFORMED, PREPARED_BY
from maillage.referrals.render.drawing import RENDERERS, draw
from maillage.referrals.render.elements import Resource

__all__ = ["IDENTITY_CONFIRMED", "OUTSIDE_CRITERIA", "PATIENT_INFORMED", "PREPARED_BY", "RENDERERS", "Resource", "draw"]
