"""The primitive types: what each accepts and refuses."""

from decimal import Decimal
from typing import Any

import pytest

from maillage.codes.r4.primitives import CHECKS, MAX_STRING

RIGHT: dict[str, list[Any]] = {
    "string": ["x", " x ", "Élodie\nLefèvre\t!", "a\u00a0b", "x" * MAX_STRING],
    "markdown": ["# x\n\n- y"],
    "uri": ["http://a", "urn:oid:1.2", "1.2.250.1.71.4.2.2+.n°FINESS", "#a"],
    "url": ["https://a/b?c=d"],
    "canonical": ["http://a|1.0#b"],
    "code": ["a", "a b", "é"],
    "boolean": [True, False],
    "integer": [0, -1, 2**31 - 1, -(2**31)],
    "positiveInt": [1, 2**31 - 1],
    "unsignedInt": [0, 7],
    "decimal": [1, -2, Decimal("4.20"), Decimal("1E+20"), 0.5],
    "date": ["2026", "2026-11", "2026-11-22", "2024-02-29"],
    "dateTime": ["2026", "2026-11-22", "2026-11-22T09:30:00Z", "2026-11-22T09:30:00.123456+14:00", "2016-12-31T23:59:60Z"],
    "instant": ["2026-11-22T09:30:00Z", "2026-11-22T09:30:00.1-03:30"],
    "time": ["09:30:00", "23:59:60", "00:00:00.5"],
    "id": ["a", "A-1.b", "x" * 64],
    "oid": ["urn:oid:1.2.250.1", "urn:oid:2.0"],
    "uuid": ["urn:uuid:019a2b3c-7d00-7abc-8def-0123456789ab"],
    "base64Binary": ["SGVsbG8=", "SGVs bG8=\n", "+/+/"],
}
WRONG: dict[str, list[Any]] = {
    "string": ["", " ", "\n", "a\x00b", "a\x0bb", "\ud800", 1, True, None, ["x"], "x" * (MAX_STRING + 1)],
    "markdown": ["", 3],
    "uri": ["", "a b", "a\nb", 1, "http://a\u2003b"],
    "url": ["", "a b"],
    "canonical": ["", " x"],
    "code": ["", " a", "a ", "a  b", "a\tb", 1],
    "boolean": ["true", 1, 0, None],
    "integer": [2**31, 1.0, Decimal("1.0"), "1", True, None],
    "positiveInt": [0, -1, "1", True],
    "unsignedInt": [-1, True],
    "decimal": [
        "4.2",
        True,
        None,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1E+400"),
        Decimal("1E-999"),
        10**400,
        float("nan"),
        float("inf"),
    ],
    "date": ["", "26", "2026-13", "2026-02-30", "2026-11-22T09:30:00Z", "0000", "22/11/2026", "2026-1-1", 2026, "２０２６"],
    "dateTime": [
        "2026-11-22T09:30:00",
        "2026-11-22T09:30Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22 09:30:00Z",
        "2023-02-29T00:00:00Z",
        "2026-11-22T09:30:00+14:30",
    ],
    "instant": ["2026-11-22", "2026", "2026-11-22T09:30:00"],
    "time": ["9:30:00", "24:00:00", "09:30"],
    "id": ["", "a_b", "x" * 65, "é", 1],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02"],
    "uuid": ["019a2b3c-7d00-7abc-8def-0123456789ab", "urn:uuid:019A2B3C-7D00-7ABC-8DEF-0123456789AB"],
    "base64Binary": ["", "SGVsbG8", "S$==", "=", 1, "é"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_a_right_value_passes(name: str, value: Any) -> None:
    assert CHECKS[name](value) is None


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_gets_a_sentence(name: str, value: Any) -> None:
    assert CHECKS[name](value)


def test_every_primitive_type_has_its_cases() -> None:
    assert set(RIGHT) == set(WRONG) == set(CHECKS) - {"xhtml"}
