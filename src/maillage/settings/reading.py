"""From the environment to values: what is a secret, what is a number, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from maillage.settings.declaring import PREFIX, SettingError

DEFAULT_SECRETS = frozenset(
    {"password", "passwd", "postgres", "maillage", "secret", "changeme", "change-me", "admin", "default", "example", "test"}
)
FEWEST_CHARACTERS = 12


def check_secret(variable: str, value: str) -> None:
    """A secret that stands in every manual is none. Raises `SettingError`."""
    secret = urlsplit(value).password if "://" in value else value
    if not secret:
        return  # none was given: another way of proving who we are, or a feature that is not used
    if secret.lower() in DEFAULT_SECRETS:
        raise SettingError(f"{variable} holds a secret that everybody knows: choose another one")
    if "://" not in value and len(secret) < FEWEST_CHARACTERS:
        raise SettingError(f"{variable} holds a secret of less than {FEWEST_CHARACTERS} characters: choose a longer one")


def read_section(section: str, factory: Any, environ: Mapping[str, str], left: set[str]) -> Any:
    """The values of a section that the environment holds, taken out of `left`; the others keep their defaults. Raises `SettingError`."""
    values: dict[str, Any] = {}
    for item in fields(factory):
        variable = f"{PREFIX}{section}__{item.name}".upper()
        text = _value(variable, environ, left, secret=item.metadata["secret"])
        if text is not None:
            values[item.name] = _convert(variable, text, item.default)
    return factory(**values)


def _value(variable: str, environ: Mapping[str, str], left: set[str], *, secret: bool) -> str | None:
    file = f"{variable}_FILE"
    if secret and file in environ:
        left.discard(file)
        try:
            return Path(environ[file]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{file}: {error.strerror}") from error
    left.discard(variable)
    return environ.get(variable)


def _convert(variable: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() not in {"true", "false", "1", "0"}:
            raise SettingError(f"{variable} must be true or false")
        return text.lower() in {"true", "1"}
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return type(default)(text)
    except ValueError as error:
        raise SettingError(f"{variable} must be a {type(default).__name__}") from error
