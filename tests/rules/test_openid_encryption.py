"""Tokens that a provider encrypts for us: our keys alone open them, closed as the book says and not otherwise (RFC 7516, RFC 8725)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwe, jwk

from maillage.doors.connectors.france_connect import FranceConnect
from maillage.doors.connectors.openid import Decrypter
from maillage.kernel.errors import Unauthenticated
from maillage.settings import FranceConnectSettings, SettingError


def pem(key: Any) -> str:
    return str(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode())


CURVE, OTHER = pem(ec.generate_private_key(ec.SECP256R1())), pem(ec.generate_private_key(ec.SECP256R1()))
MODULUS = pem(rsa.generate_private_key(65537, 2048))
INSIDE = "a.signed.token"


def closed(key: dict[str, Any], *, algorithm: str = "", content: str = "A256GCM", **more: Any) -> str:
    """A token under a published key."""
    algorithm = algorithm or key["alg"]
    public = (jwk.ECKey if key["kty"] == "EC" else jwk.RSAKey).import_key({name: key[name] for name in key if name not in ("alg", "use")})
    registry = jwe.JWERegistry(algorithms=[algorithm, content, "DEF"])
    return jwe.encrypt_compact({"alg": algorithm, "enc": content, **more}, INSIDE.encode(), public, registry=registry)


@pytest.mark.parametrize("key", [CURVE, MODULUS])
def test_what_is_closed_under_a_published_key_opens_and_no_private_part_is_published(key: str) -> None:
    ours = Decrypter(key)
    [shown] = ours.published()
    assert not {"d", "p", "q", "dp", "dq", "qi"} & shown.keys()
    assert ours.opened(closed(shown)) == INSIDE
    assert ours.opened(closed(shown, kid=shown["kid"])) == INSIDE


def test_two_keys_are_published_and_open_while_one_replaces_the_other() -> None:
    both = Decrypter(f"{CURVE}\n{MODULUS}")
    assert len(both.published()) == 2
    assert [both.opened(closed(one)) for one in both.published()] == [INSIDE, INSIDE]


def test_anything_else_is_refused() -> None:
    ours, [shown], [theirs] = Decrypter(CURVE), Decrypter(CURVE).published(), Decrypter(OTHER).published()
    good = closed(shown)
    changed = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB")
    others = [closed(theirs), closed(shown, kid="another"), closed(shown, algorithm="ECDH-ES+A256KW"), closed(shown, content="A128GCM")]
    for token in (*others, closed(shown, zip="DEF"), changed, INSIDE, "", "....", "a.b.c.d.e", good + ".x", "e" * 40_000):
        with pytest.raises(Unauthenticated, match="openid-encryption"):
            ours.opened(token)


@pytest.mark.parametrize("key", ["", "no key", pem(ec.generate_private_key(ec.SECP384R1())), CURVE.replace("M", "N", 1)])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)key|pem"):
        Decrypter(key)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://fc.example"},
        {"client_id": ""},
        {"client_secret": ""},
        {"levels": ()},
        {"levels": ("eidas2", "password")},
        {"key": "no key"},
    ],
)
def test_settings_that_cannot_be_right_stop_the_start(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"issuer": "https://fc.example", "client_id": "us", "client_secret": "not a secret outside tests"}
    assert FranceConnect(FranceConnectSettings(**right), "https://us.example").published_keys() == []
    with pytest.raises(SettingError):
        FranceConnect(FranceConnectSettings(**{**right, **wrong}), "https://us.example")
    with pytest.raises(SettingError):
        FranceConnect(FranceConnectSettings(**right), "")
