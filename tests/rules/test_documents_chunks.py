"""The form of an encrypted object: whatever is changed, moved, cut or added, it does not open (NIST SP 800-38D; STREAM)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maillage.store.blobs import About, Broken, chunks

KEY = b"k" * 32
ABOUT = About("o", "p", 1)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 16 bytes: an object of many chunks costs nothing."""
    monkeypatch.setattr(chunks, "CHUNK", 16)


def seal(data: bytes, about: About = ABOUT) -> bytes:
    return b"".join(chunks.seal(data, KEY, about))


def split(sealed: bytes) -> tuple[bytes, list[bytes]]:
    """Header and chunks."""
    body = sealed[13:]
    return sealed[:13], [body[n : n + 32] for n in range(0, len(body), 32)]


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_what_is_sealed_opens_again(data: bytes) -> None:
    sealed = seal(data)
    assert chunks.unseal(sealed, KEY, ABOUT) == data
    assert len(data) < 8 or data not in sealed


@settings(max_examples=300)
@given(st.binary(min_size=1, max_size=100), st.data())
def test_one_changed_bit_anywhere_does_not_open(data: bytes, draw: st.DataObject) -> None:
    sealed = bytearray(seal(data))
    sealed[draw.draw(st.integers(0, len(sealed) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
    with pytest.raises(Broken):
        chunks.unseal(bytes(sealed), KEY, ABOUT)


@settings(max_examples=300)
@given(st.binary(min_size=33, max_size=120), st.data())
def test_chunks_in_another_order_or_number_do_not_open(data: bytes, draw: st.DataObject) -> None:
    header, parts = split(seal(data))
    shuffled = draw.draw(st.lists(st.sampled_from(parts), max_size=len(parts) + 2).filter(lambda found: found != parts))
    with pytest.raises(Broken):
        chunks.unseal(header + b"".join(shuffled), KEY, ABOUT)


@settings(max_examples=200)
@given(st.binary(max_size=100), st.data())
def test_a_cut_or_a_tail_does_not_open(data: bytes, draw: st.DataObject) -> None:
    sealed = seal(data)
    other = draw.draw(
        st.one_of(st.integers(0, len(sealed) - 1).map(lambda n: sealed[:n]), st.binary(min_size=1, max_size=50).map(sealed.__add__))
    )
    with pytest.raises(Broken):
        chunks.unseal(other, KEY, ABOUT)


@settings(max_examples=200)
@given(st.text(max_size=5), st.text(max_size=5), st.integers(1, 3))
def test_another_object_patient_or_version_does_not_open(id: str, subject: str, version: int) -> None:
    other = About(id, subject, version)
    if other != ABOUT:
        with pytest.raises(Broken):
            chunks.unseal(seal(b"texte"), KEY, other)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_two_objects_are_bound_to_the_same_bytes(a: str, b: str, c: str, d: str) -> None:
    assert (About(a, b, 1).bound() == About(c, d, 1).bound()) == ((a, b) == (c, d))


def test_a_chunk_of_another_object_under_the_same_key_does_not_open() -> None:
    header, parts = split(seal(b"a" * 40))
    _, others = split(seal(b"b" * 40))
    with pytest.raises(Broken):
        chunks.unseal(header + parts[0] + others[1] + parts[2], KEY, ABOUT)


def test_the_same_bytes_are_never_sealed_alike() -> None:
    assert seal(b"texte") != seal(b"texte")


def test_another_key_does_not_open() -> None:
    with pytest.raises(Broken):
        chunks.unseal(seal(b"texte"), b"x" * 32, ABOUT)
