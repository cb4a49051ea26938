"""`python -m maillage.settings`: write the page of the settings."""

from pathlib import Path

from maillage.settings import reference

target = Path(__file__).resolve().parents[3] / "docs" / "reference" / "settings.md"
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(reference(), encoding="utf-8")
