"""Pro Santé Connect, the national OpenID provider of health professionals."""

from __future__ import annotations

from maillage.doors.connectors.pro_sante_connect.client import ProSanteConnect

__all__ = ["ProSanteConnect"]
