"""One thing, one word: every code of every transition table has its glossary line and both labels."""

from maillage import journeys
from maillage.codes import labels


def test_each_word_has_both_labels_and_a_definition() -> None:
    poor = [f"{w.room}:{w.kind}:{w.code}" for w in labels.entries() if not (w.screen_fr and w.screen_en and w.definition)]
    assert poor == []


def test_no_word_is_given_twice_with_another_label() -> None:
    seen: dict[tuple[str, str], labels.Entry] = {}
    clashes = []
    for word in labels.entries():
        first = seen.setdefault((word.kind, word.code), word)
        if (first.screen_fr, first.screen_en) != (word.screen_fr, word.screen_en):
            clashes.append(f"{word.kind}:{word.code} {first.room}/{word.room}")
    assert clashes == []


def test_every_state_verb_and_refusal_has_its_word() -> None:
    missing = []
    for table in journeys.TABLES:
        missing += [("state", code) for code in table.states if not labels.entry("state", code)]
        missing += [("verb", verb) for verb in table.verbs if not labels.entry("verb", verb)]
        missing += [
            ("error", need)
            for t in table.transitions
            for need in t.needs
            if not (labels.entry("error", need) or labels.entry("reason", need))
        ]
    assert sorted(set(missing)) == []


def test_every_code_that_a_verb_offers_has_its_word() -> None:
    offered = {value for op in journeys.OPERATIONS for p in op.parameters for q in (p, *p.parts) for value in q.values}
    known = {word.code for word in labels.entries()}
    assert sorted(offered - known) == []
