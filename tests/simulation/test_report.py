"""The report: every figure can be traced, and the same study gives the same bytes."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from maillage.cli.simulate import simulate
from maillage.simulation import answers, parameters, printed, report
from maillage.simulation.sensitivity import Bar, assumed, moved, tornado
from maillage.simulation.study import Study, estimate, study


@cache
def two() -> tuple[Study, Study]:
    a, b = (study(parameters.shipped(f"percy-35000-{name}"), replications=4, days=60, warm_up=10) for name in ("rebuilt", "overflow"))
    return a, b


def test_the_report_names_every_parameter_its_source_and_the_word_assumption() -> None:
    text = report.html(*two())
    for parameter in parameters.load().parameters.values():
        assert f"<td>{parameter.key}</td>" in text
    assert "HYPOTHÈSE" in text
    assert "Taboulet et al. 2019" in text
    assert "ne prédit ni une journée, ni un patient" in text


def test_every_figure_can_be_traced() -> None:
    a, b = two()
    text = report.html(a, b)
    assert a.scenario.digest in text
    assert b.scenario.digest in text
    assert "--seed 2026" in text
    assert text.index("Durée de séjour, moyenne") < text.index("Partis sans être vus") < text.index("<h2>3.")


def test_each_plot_has_its_table_and_the_page_is_well_formed() -> None:
    text = report.html(*two(), [Bar("contact1.mean", estimate([-3.0, -4.0]), estimate([6.0, 5.0]))])
    assert text.count("<svg") == text.count("<details>") + 3  # the tornado's values stand beside its bars, Welch's two plots are looked at

    class Checked(HTMLParser):
        open: list[str] = []  # noqa: RUF012  # of this parser alone

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in {"meta", "line", "polyline", "polygon", "rect"}:
                self.open.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    Checked().feed(text)
    ids = re.findall(r'id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert "<script" not in text


def test_a_report_can_be_made_again_to_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = []
    for name in ("one.html", "two.html"):
        simulate("percy-20000", replications=2, seed=3, report=tmp_path / name)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert b"Percy aujourd" in made[0]


def test_the_paper_report_says_the_same() -> None:
    text = printed.source(*two())
    assert "Délai porte-médecin" in text
    assert all(each.scenario.digest in text for each in two())


FRENCH = re.compile(r"[àâéèêëîïôùûç«»]|\b(?:le|la|les|des|une|aucune|pour|avec|dans|sont|sans|par|et|ou|du|de|moyenne)\b", re.IGNORECASE)


def our_words(page: str) -> str:
    """The words of a report but sources, which are quoted, and the pathway, which is code."""
    told = re.sub(r"<style>.*?</style>|<pre>.*?</pre>|<td>[^<]*(?:et al|HAS|DREES|SFMU|Percy)[^<]*</td>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", told))


def test_a_report_in_english_holds_no_french_and_the_same_figures() -> None:
    bars = [Bar("contact1.mean", estimate([-3.0, -4.0]), estimate([6.0, 5.0]))]
    french, english = (report.html(*two(), bars, lang) for lang in ("fr", "en"))
    data = english.index("<h2>4.")
    assert '<html lang="en">' in english
    assert FRENCH.findall(our_words(english[:data])) == []
    assert "ASSUMPTION" in english
    assert "HYPOTHÈSE" not in english
    assert "--lang en" in english
    figures = re.compile(r"<td class=n>([^<]*)</td>")
    numbers = [re.findall(r"[\d,.−–]+", " ".join(figures.findall(page))) for page in (french, english)]
    assert [found.replace(",", ".") for found in numbers[0]] == [found.replace(",", ".") for found in numbers[1]]


def test_what_assumptions_weigh_is_told_by_their_names() -> None:
    bars = [Bar("contact1.mean", estimate([-3.0, -4.0]), estimate([6.0, 5.0]))]
    named = {"contact1.mean": "First medical contact"}.__getitem__
    assert answers.weight_lines(bars, "en", named)[1] == "  First medical contact: −3.5 min for a fifth less, 5.5 for a fifth more"


def test_the_paper_report_in_english_holds_no_french() -> None:
    text = printed.source(*two(), "en")
    assert 'lang: "en"' in text
    assert FRENCH.findall(re.sub(r"viewBox.*?</svg>", " ", text)) == []


def test_the_command_tells_in_english_and_makes_the_english_report_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = []
    for name in ("one.html", "two.html", "one.csv"):
        simulate("percy-20000", against="percy-35000", replications=2, seed=3, report=tmp_path / name, lang="en")
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert FRENCH.findall(capsys.readouterr().out) == []
    assert made[2].decode("utf-8-sig").startswith("indicator;unit;scenario;mean;low;high;seed;hash;code;replications")
    assert not re.search(r"\d,\d", made[2].decode())


def test_the_paper_report_is_a_pdf() -> None:
    made = printed.pdf(*two())
    assert made.startswith(b"%PDF")
    assert printed.pdf(*two()) == made


def test_assumptions_move_by_a_fifth_and_facts_do_not() -> None:
    base = parameters.shipped("percy-35000-overflow")
    keys = assumed(base)
    assert "contact1.mean" in keys
    assert "doctor.base" not in keys
    assert "arrivals.share" not in keys
    more = moved(base, "contact1.mean", 1.2)
    assert more is not None
    assert more.numbers("contact1.mean") == pytest.approx([v * 1.2 for v in base.numbers("contact1.mean")])
    assert all(moved(base, key, 0.8) is None or moved(base, key, 0.8).digest != base.digest for key in keys)  # type: ignore[union-attr]  # not None


def test_the_tornado_puts_the_heaviest_first() -> None:
    keys = ["contact1.mean", "cleaning.minutes", "triage.cv"]
    bars = tornado(parameters.shipped("percy-35000-overflow"), keys=keys, replications=3, days=60, warm_up=10)
    assert bars[0].key == "contact1.mean"
    assert bars[0].low.mean < 0 < bars[0].high.mean
    assert [bar.weight for bar in bars] == sorted((bar.weight for bar in bars), reverse=True)


def test_the_departments_of_a_territory_are_shown_apart_and_together(capsys: pytest.CaptureFixture[str]) -> None:
    simulate("confluence-190000", replications=2, json=True)
    figures = {name: found["mean"] for name, found in json.loads(capsys.readouterr().out)["figures"].items()}
    assert figures["arrivals"] == pytest.approx(190_000 / 365.25, rel=0.02)
    assert figures["arrivals@nord"] + figures["arrivals@sud"] == pytest.approx(figures["arrivals"])
    assert (
        min(figures["door_mean@nord"], figures["door_mean@sud"])
        < figures["door_mean"]
        < max(figures["door_mean@nord"], figures["door_mean@sud"])
    )
