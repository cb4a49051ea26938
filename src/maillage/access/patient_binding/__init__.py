"""Which citizen reads which file: bound once by an opened link and the strict traits, looked at again at each sign-in (ADR 0027)."""

from __future__ import annotations

from maillage.access.patient_binding.actions import bind, end, sign_in, still_agrees
from maillage.access.patient_binding.queries import binding_of_patient
from maillage.access.patient_binding.types import Binding

__all__ = ["Binding", "bind", "binding_of_patient", "end", "sign_in", "still_agrees"]
