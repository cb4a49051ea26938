"""What a password must be, and how long a door stays shut after failures. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

SHORTEST, LONGEST = 12, 128
_GOOD_ENOUGH = 3
"""Of zxcvbn's scale: safely out of reach of a guesser who may try ten billion times."""
_TOO_SHORT_A_WORD = 2
_READ = 72
"""Characters that the estimate looks at: what comes after makes a password no weaker."""

# What French speakers write where the published lists, mostly of English origin, have `password` and `qwerty`; and the words of this house.
_FRENCH = (
    *("azerty", "azertyuiop", "qsdfgh", "qsdfghjklm", "wxcvbn", "motdepasse", "mdp", "bonjour", "soleil", "chouchou", "doudou", "loulou"),
    *("marseille", "paris", "france", "allezlesbleus", "jetaime", "amour", "coucou", "chocolat", "nounours", "princesse", "camille"),
    *("printemps", "automne", "hiver", "janvier", "fevrier", "avril", "juillet", "aout", "septembre", "octobre", "novembre", "decembre"),
    *("hopital", "clinique", "docteur", "medecin", "infirmier", "infirmiere", "secretaire", "sante", "urgences", "patient", "bienvenue"),
    *("maillage", "clamart", "percy", "creteil", "montgeron", "villeneuve", "changeme", "administrateur", "connexion", "identifiant"),
)
_ORNAMENTS = "0123456789 !?.,;:_-+*#@&$€%/()'\""
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "€": "e"})


def normal(password: str) -> str:
    """One form for what keyboards write in several (NFKC), so that the same password is the same on every machine."""
    return unicodedata.normalize("NFKC", password)


@cache
def _breached() -> frozenset[str]:
    """The thirty thousand most used passwords of published breaches, of the package zxcvbn (MIT), and their French sisters."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  # a large list, wanted only when a password is set

    return frozenset(FREQUENCY_LISTS["passwords"]) | frozenset(_FRENCH)


def password_problem(password: str, about: Iterable[str] = ()) -> str | None:
    """Why this password is refused, or None: too short or long, known from breaches once its ornaments are taken off, or easy to guess.

    `about` is what others know of its owner: login, names, organisation. No rule on kinds of characters (ASVS 5.0, 6.2.5), any character is
    allowed; the list and the length are CNIL recommendation 2022-100 and ASVS 5.0, 6.2.1, 6.2.4, 6.2.11 and 6.2.12.
    """
    password = normal(password)
    if len(password) < SHORTEST:
        return f"password-too-short:{SHORTEST}"
    if len(password) > LONGEST:
        return f"password-too-long:{LONGEST}"
    if _is_known(password):
        return "password-known"
    return None if _is_strong(password, [word for word in about if word]) else "password-weak"


def _is_known(password: str) -> bool:
    """Whether it is a known one, as it stands or under the usual ornaments: capitals, digits for letters, a year or a mark at the end."""
    plain = _without_accents(password.casefold())
    forms = {plain, plain.strip(_ORNAMENTS)}
    forms |= {form.translate(_LEET) for form in tuple(forms)}
    return any(form in _breached() or _repeats(form) for form in forms)


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def _repeats(text: str) -> bool:
    """Whether it is one piece again and again: `abcabcabcabc`."""
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 2 + 1))


def _is_strong(password: str, about: list[str]) -> bool:
    from zxcvbn import zxcvbn  # noqa: PLC0415  # see _breached

    words = [part for text in about for part in (text, *text.replace("-", " ").replace("@", " ").replace(".", " ").split())]
    plain = _without_accents(password)
    left = plain.casefold()
    for word in sorted({_without_accents(word.casefold()) for word in words if len(word) > _TOO_SHORT_A_WORD}, key=len, reverse=True):
        left = left.replace(word, "")
    if left != plain.casefold() and len(left.strip(_ORNAMENTS)) < min(len(plain), SHORTEST) // 2:
        return False
    return int(zxcvbn(plain[:_READ], user_inputs=[*_FRENCH, *words])["score"]) >= _GOOD_ENOUGH


_FREE = {"pair": 5, "account": 20, "address": 100}
"""Failures before the first wait. A name from one address: five. A name from everywhere, an address for every name: more, since a guesser must not be
able to shut out a user, nor a colleague the whole hospital behind one address."""
_LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=24)
"""After this long without a failure the count starts again."""


def wait_after(kind: str, failures: int) -> timedelta:
    """How long the next attempt must wait: nothing at first, then twice as long each time, a quarter of an hour at most (ASVS 5.0, 6.3.1)."""
    over = failures - _FREE[kind]
    return min(timedelta(seconds=2.0 ** min(over + 1, 20)), _LONGEST_WAIT) if over >= 0 else timedelta()
