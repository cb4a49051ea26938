"""Keys that a client publishes: when they are asked for, which count, how long they serve."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.machines import KEYS

from maillage.access.clients.published.rules import is_due, lacks, lifetimes, serving, usable, were_away
from maillage.access.clients.types import Client
from maillage.kernel.errors import Invalid

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HELD = usable(json.dumps({"keys": [KEYS["p384"].as_dict(private=False)]}))


def client(*, url: str = "https://labo.invalid/jwks.json", asked: float | None = 2, fresh: float = 1, good: float = 1) -> Client:
    """Asked so many minutes ago, fresh and good for so many more."""
    at = None if asked is None else NOW - asked * MINUTE
    instants = {"keys_asked_at": at, "keys_fresh_until": NOW + fresh * MINUTE, "keys_good_until": NOW + good * MINUTE}
    return Client("labo", "backend", "", ("org",), (), HELD, "", (), "", jwks_url=url, **(instants if url else {}))


@pytest.mark.parametrize(
    ("made", "kid", "lacking", "due"),
    [
        pytest.param(client(), "p384", False, False, id="a key that we have, fresh"),
        pytest.param(client(), "new", True, True, id="a key that we do not have"),
        pytest.param(client(asked=1), "new", True, True, id="asked a minute ago"),
        pytest.param(client(asked=0.9), "new", True, False, id="asked less than a minute ago"),
        pytest.param(client(fresh=0), "p384", True, True, id="no longer fresh"),
        pytest.param(client(fresh=0, asked=0.9), "p384", True, False, id="no longer fresh and asked a moment ago"),
        pytest.param(client(asked=None), "new", True, True, id="never asked"),
        pytest.param(client(url=""), "new", False, False, id="keys that were given to us"),
    ],
)
def test_keys_are_asked_for_when_they_lack_and_not_a_moment_ago(made: Client, kid: str, lacking: bool, due: bool) -> None:
    assert (lacks(made, kid, NOW), is_due(made, kid, NOW)) == (lacking, due)


@pytest.mark.parametrize(
    ("made", "away"),
    [(client(asked=2, fresh=-1), False), (client(asked=2, fresh=-1.1), True), (client(asked=2), False), (client(asked=None), False)],
)
def test_an_administrator_is_told_that_a_key_server_gave_nothing(made: Client, away: bool) -> None:
    assert were_away(made) is away


def test_keys_that_were_never_fetched_are_none() -> None:
    made = Client("labo", "backend", "", ("org",), (), "", "", (), "", jwks_url="https://labo.invalid/")
    assert is_due(made, "p384", NOW)
    assert serving(made, NOW) == ""
    assert were_away(replace(made, keys_asked_at=NOW))


@pytest.mark.parametrize(("made", "served"), [(client(good=1), HELD), (client(good=0), ""), (client(url=""), HELD)])
def test_published_keys_serve_while_they_may_be_believed_and_given_ones_always(made: Client, served: str) -> None:
    assert serving(made, NOW) == served


@pytest.mark.parametrize(
    ("said", "age", "fresh", "good"),
    [
        ("", "", 15 * MINUTE, DAY),
        ("max-age=300", "", 5 * MINUTE, 5 * MINUTE),
        ("private, MAX-AGE=300", "60", 4 * MINUTE, 4 * MINUTE),
        ('max-age="300"', "-1", 5 * MINUTE, 5 * MINUTE),
        ("max-age=300, stale-if-error=3600", "", 5 * MINUTE, 65 * MINUTE),
        ("stale-if-error=3600", "", 15 * MINUTE, 75 * MINUTE),
        ("max-age=300, stale-if-error=864000", "", 5 * MINUTE, DAY),
        ("max-age=864000", "", DAY, DAY),
        ("max-age=0", "", MINUTE, MINUTE),
        ("max-age=30", "90", MINUTE, MINUTE),
        ("max-age=soon", "", MINUTE, MINUTE),
        ("no-store", "", MINUTE, MINUTE),
        ("no-cache, max-age=300", "", MINUTE, MINUTE),
        ("public", "", 15 * MINUTE, DAY),
    ],
)
def test_keys_are_never_kept_for_longer_than_their_server_says_nor_than_a_day(
    said: str, age: str, fresh: timedelta, good: timedelta
) -> None:
    assert lifetimes(said, age) == (fresh, good)


def names(*keys: Any) -> list[str]:
    return [key["kid"] for key in json.loads(usable(json.dumps({"keys": keys})))["keys"]]


def public(name: str, **more: Any) -> dict[str, Any]:
    return {**KEYS[name].as_dict(private=False), **more}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(public("rsa", use="enc"), id="for encryption"),
        pytest.param(public("rsa", alg="RS256"), id="for an algorithm that is not accepted"),
        pytest.param({"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "AA"}, id="of another kind"),
        pytest.param(KEYS["rsa"].as_dict(private=True), id="with its private half"),
        pytest.param({**public("rsa"), "kid": ""}, id="without a name"),
        pytest.param("text", id="no key at all"),
    ],
)
def test_what_does_not_count_in_a_published_set_is_passed_over(other: Any) -> None:
    assert names(other, public("p384")) == ["p384"]


def test_of_two_keys_with_one_name_neither_counts() -> None:
    assert names(public("p384"), public("stranger"), public("p256")) == ["p256"]


def test_an_empty_set_takes_every_key_back() -> None:
    assert names() == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', '{"keys": ' + "[" * 3000, json.dumps({"keys": [1] * 51})])
def test_what_is_no_set_of_keys_is_told(text: str) -> None:
    with pytest.raises(Invalid, match="jwks-form"):
        usable(text)
