"""FHIR JSON: digits are kept, faults have a place, nothing nested without end gets in."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.codes.json import MAX_DEPTH, decode, encode, encode_text
from maillage.kernel.errors import Malformed

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.decimals(-1000, 1000, places=3) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_a_decimal_keeps_its_digits() -> None:
    text = b'{"value":4.20,"zero":0.0,"small":1E-7,"whole":12}'
    value = decode(text)
    assert value["value"] == Decimal("4.20")
    assert encode(value) == text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"a": 01}', "line 1, column 8"),
        (b'{\n "a": x\n}', "line 2, column 7"),
        (b'{"a": [1,', "ends too early"),
        (b"", "ends too early"),
        (b'{"a": NaN}', "byte 6"),
        (b"\xef\xbb\xbf{}", "byte 0"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": 1e99999999999999999999}', "out of range"),
        (b"1" * 5000, "out of range"),
        (b'{"a": "\x01"}', "byte 7"),
        (b"{'a': 1}", "byte 1"),
    ],
)
def test_broken_json_says_where(text: bytes, place: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(text)
    assert place in caught.value.issues[0].details


def test_the_last_of_two_equal_keys_wins() -> None:
    assert decode(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 100_000])
def test_what_is_nested_too_deep_is_refused(depth: int) -> None:
    for text in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        with pytest.raises(Malformed) as caught:
            decode(text)
        assert caught.value.reason == "too-deep"


def test_what_is_nested_as_deep_as_allowed_is_read() -> None:
    assert decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    assert decode(b"[" + b"[1]," * 200 + b"[1]]") is not None


@given(json_values)
def test_what_was_written_is_read_back_equal(value: object) -> None:
    assert decode(encode(value)) == value
    assert decode(encode_text(value)) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode(data)
