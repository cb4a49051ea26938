"""The questions of sign-in and of factors."""

from __future__ import annotations

from maillage.access.identity import SHORTEST
from maillage.doors.web.forms import Field

LOGIN = Field("login", "Identifiant", required=True, maxlength=100, autocomplete="username")
PASSWORD = Field("password", "Mot de passe", "password", required=True, autocomplete="current-password")
CODE = Field(
    "code",
    "Code à six chiffres",
    required=True,
    hint="Celui que montre votre application d’authentification en ce moment.",
    maxlength=10,
    inputmode="numeric",
    autocomplete="one-time-code",
)
RECOVERY = Field("recovery", "Code de secours", required=True, hint="Chaque code de secours ne sert qu’une fois.", maxlength=40)
NEW_PASSWORD = Field(
    "password",
    "Mot de passe",
    "password",
    required=True,
    hint=f"{SHORTEST} caractères au moins. Une phrase de quatre mots sans rapport entre eux est plus sûre et plus facile à retenir que des signes.",
    maxlength=128,
    autocomplete="new-password",
)
KEY_NAME = Field("name", "Nom de la clé", hint="Pour la reconnaître, par exemple « clé du bureau ».", maxlength=80)
