"""The documentation site, built without a network: the pages of `docs/`, the glossary, the hazards and the list of every page, made from their CSV."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAGE, SITE = ROOT / ".setup" / "site" / "docs", ROOT / "site"
COPIED = ("index.md", "guide", "en", "screenshots", "reference/settings.md")
ROLES = {
    "tous": "Tout le monde",
    "medecin-de-ville": "Médecin de ville",
    "secretariat": "Secrétariat, infirmier",
    "specialiste": "Spécialiste, référent",
    "planification": "Planification",
    "centre-hote": "Centre qui accueille",
    "coordination": "Coordination, direction",
    "administrateur": "Administrateur d’une structure",
    "patient": "Patient",
}
PAGES_LEAD = """Chaque page du produit, sous le métier pour lequel elle est faite, dans la démonstration : personnes et chiffres inventés.
Les images sont prises par les tests dans un vrai navigateur (`make sweep`), et leurs titres comparés à chaque fois.
Une heure saisie y paraît comme l’écrit la langue de ce navigateur ; une date vide y est laissée en blanc.

*Every page of the product, by role, as the tests photograph it. The pages speak English too: « Affichage et clavier », then English.*"""
HAZARDS = {
    "guide/dangers.md": (
        *("# Dangers", "Chaque danger, ce qui le tient, et les tests qui le prouvent (`docs/hazards.csv`, en anglais)."),
        "| danger | cause | effet | maîtrise | état | tests |",
        {"holds": "tenu", "partly": "en partie", "not-built": "pas construit"},
    ),
    "en/hazards.md": (
        *("# Hazards", "Each hazard, what holds it, and the tests that prove it (`docs/hazards.csv`)."),
        "| hazard | cause | effect | control | state | tests |",
        {"holds": "holds", "partly": "in part", "not-built": "not built"},
    ),
}
"""The same rows in both languages: title, lead, head of the table, words of the states."""


def stage() -> None:
    """Put the sources of the site together, the generated ones with the written ones."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for name in COPIED:
        source, target = ROOT / "docs" / name, STAGE / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    glossary = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    (STAGE / "glossaire.md").write_text(glossary.replace("# Glossary", "# Glossaire", 1), encoding="utf-8")
    for page in HAZARDS:
        (STAGE / page).write_text(hazards(page), encoding="utf-8")
    (STAGE / "guide" / "toutes-les-pages.md").write_text(every_page(), encoding="utf-8")


def hazards(page: str) -> str:
    """The hazards with what holds them, as a page."""
    title, lead, head, states = HAZARDS[page]
    with (ROOT / "docs" / "hazards.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [title, "", lead, "", head, "|---|---|---|---|---|---|"]
    for row in rows:
        cells = (
            row["hazard"],
            row["cause"],
            row["effect"],
            row["control"],
            states.get(row["status"], row["status"]),
            len(row["tests"].split()),
        )
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def every_page() -> str:
    """Every page of the product by who it is made for: its title, one sentence, its picture."""
    with (ROOT / "docs" / "pages.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ["# Toutes les pages", "", PAGES_LEAD, ""]
    for by, heading in ROLES.items():
        lines += [f"## {heading}", ""]
        for row in rows:
            if row["by"] == by:
                lines += [f"### {row['title']}", "", row["says"], "", f"![{row['alt']}](../screenshots/{row['picture']}.png)", ""]
    return "\n".join(lines)


def build() -> None:
    """Build the site; a warning ends it. Raises `CalledProcessError`."""
    shutil.rmtree(SITE, ignore_errors=True)
    tool = Path(sys.executable).with_name("zensical")
    subprocess.run(
        [str(tool), "build", "--strict", "--clean", "--config-file", str(ROOT / "zensical.toml")], check=True, cwd=ROOT
    )  # our own tool
    mark_english()
    load_late()


def load_late() -> None:
    """A picture is fetched when its reader comes near it: one page shows more than a hundred."""
    page = SITE / "guide" / "toutes-les-pages.html"
    page.write_text(page.read_text(encoding="utf-8").replace("<img ", '<img loading="lazy" '), encoding="utf-8")


def mark_english() -> None:
    """The English pages say that they are English."""
    for page in (SITE / "en").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r'<html lang="fr"', '<html lang="en"', text, count=1), encoding="utf-8")


class _Loads(HTMLParser):
    """What a browser would fetch by itself to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the addresses of scripts, sheets, images and frames."""
        told = dict(attrs)
        loaded = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}.get(tag)
        if tag == "link" and not {"canonical", "alternate", "prev", "next"} & set((told.get("rel") or "").split()):
            loaded = "href"
        if loaded and told.get(loaded):
            self.found.append(str(told[loaded]))


def problems() -> list[str]:
    """What a reader without a network would miss: each page's loads, and where they lead."""
    found = []
    for page in sorted(SITE.rglob("*.html")):
        loads = _Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        for address in loads.found:
            if re.match(r"(https?:)?//", address):
                found.append(f"{page.relative_to(SITE)} loads {address}")
            elif (
                not address.startswith("data:")
                and page.name != "404.html"
                and not (page.parent / address.split("#")[0].split("?")[0]).is_file()
            ):
                found.append(f"{page.relative_to(SITE)}: {address} is not there")
    return found


def main() -> int:
    """Stage, build, check."""
    stage()
    build()
    found = problems()
    print("\n".join(found) or f"{len(list(SITE.rglob('*.html')))} pages in {SITE.relative_to(ROOT)}/")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
