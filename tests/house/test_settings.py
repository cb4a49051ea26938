"""Every setting is documented, read from one variable, and never shown when it is a secret."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from maillage.settings import SettingError, Settings, reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m maillage.settings"


def test_every_setting_has_its_sentence() -> None:
    for section in fields(Settings):
        for item in fields(section.default_factory):
            assert item.metadata["doc"].endswith("."), item.name


def test_values_are_read_by_the_type_of_their_default(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "MAILLAGE_SERVER__PORT": "9000",
            "MAILLAGE_DEMO__ENABLED": "true",
            "MAILLAGE_SERVER__ALLOWED_HOSTS": "a.example, b.example",
            "MAILLAGE_DATABASE__STATEMENT_TIMEOUT": "2.5",
            "MAILLAGE_DATA__FOLDER": str(tmp_path),
            "MAILLAGE_CHROMIUM": "not a setting",
            "HOME": "/",
        }
    )
    assert (settings.server.port, settings.demo.enabled, settings.server.allowed_hosts) == (9000, True, ("a.example", "b.example"))
    assert (settings.database.statement_timeout, settings.data.folder) == (2.5, tmp_path)
    assert Settings.from_environment({}) == Settings()


def test_a_secret_may_lie_in_a_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://u:SECRET@h/d\n", encoding="utf-8")
    settings = Settings.from_environment({"MAILLAGE_DATABASE__URL_FILE": str(file)})
    assert settings.database.url == "postgresql://u:SECRET@h/d"
    assert "SECRET" not in repr(settings)


@pytest.mark.parametrize(
    "environ",
    [
        {"MAILLAGE_SERVER__PORTS": "1"},
        {"MAILLAGE_SERVER__PORT_FILE": "port.txt"},
        {"MAILLAGE_SERVER__PORT": "many"},
        {"MAILLAGE_DEMO__ENABLED": "perhaps"},
        {"MAILLAGE_DATABASE__URL_FILE": "/nonexistent/url"},
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(environ: dict[str, str]) -> None:
    [name] = environ
    with pytest.raises(SettingError, match=name):
        Settings.from_environment(environ)


@pytest.mark.parametrize(
    ("variable", "value", "refused"),
    [
        ("MAILLAGE_DATABASE__URL", ":postgres", True),
        ("MAILLAGE_DATABASE__URL", ":ChangeMe", True),
        ("MAILLAGE_DATABASE__URL", ":kT4-owl-river-91", False),
        ("MAILLAGE_DATABASE__URL", "", False),
    ],
)
def test_a_secret_that_everybody_knows_is_refused_and_never_shown(variable: str, value: str, refused: bool) -> None:
    value = f"postgresql://maillage{value}@db/maillage"
    settings = Settings.from_environment({variable: value})
    if not refused:
        settings.refuse_default_secrets()
        return
    with pytest.raises(SettingError, match=variable) as caught:
        settings.refuse_default_secrets()
    assert value not in str(caught.value)
    Settings.from_environment({variable: value, "MAILLAGE_DEMO__ENABLED": "true"}).refuse_default_secrets()
