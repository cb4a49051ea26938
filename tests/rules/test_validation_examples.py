"""The published French examples are accepted. They lie beside the project; without them this file says so and steps aside."""

import os
from pathlib import Path
from typing import Any

from maillage.codes.json import decode, encode
from maillage.codes.r4 import Token, search_parameters, validate

EXAMPLES = Path(os.environ.get("MAILLAGE_EXAMPLES", Path(__file__).resolve().parents[2].parent / "shared" / "data"))


def examples(pattern: str = "*/examples/*.json") -> list[tuple[str, dict[str, Any]]]:
    found = sorted(EXAMPLES.glob(pattern)) if EXAMPLES.is_dir() else []
    if not found:
        print(f"no published examples under {EXAMPLES}: set MAILLAGE_EXAMPLES to check them")  # noqa: T201 - the one line that says why nothing is compared
    return [(path.name, decode(path.read_bytes())) for path in found]


def test_every_published_example_is_accepted() -> None:
    refused = {name: validate(resource) for name, resource in examples()}
    assert {name: issues for name, issues in refused.items() if issues} == {}


def test_every_published_example_is_read_back_equal() -> None:
    for _, resource in examples():
        assert decode(encode(resource)) == resource


def test_every_identifier_of_the_fr_core_examples_is_found() -> None:
    for name, resource in examples("fr-core-*/examples/*.json"):
        if "identifier" not in resource:
            continue
        parameter = next(p for p in search_parameters(resource["resourceType"]) if p.code == "identifier")
        values = {(t.system, t.code) for t in parameter.values(resource) if isinstance(t, Token)}
        listed = resource["identifier"] if isinstance(resource["identifier"], list) else [resource["identifier"]]
        assert values == {(i.get("system", ""), i["value"]) for i in listed if "value" in i}, name


def test_a_definition_that_breaks_an_invariant_is_refused() -> None:
    """The care-circle 2.0.1 definitions hold translations whose content is missing (a known fault of theirs)."""
    for name, resource in examples("cds-*/definitions/SearchParameter-*.json"):
        assert {issue.reason for issue in validate(resource)} == {"ext-1"}, name
