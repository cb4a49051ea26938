"""Clients of the interface as an administrator registers them, on the command line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.conftest import MONDAY
from tests.factories.booking import CENTRE
from tests.support import postgres
from tests.support.machines import KEYS

from maillage import directory
from maillage.cli import main
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock

WHERE = ("--organization", CENTRE)


async def administered(dsn: str) -> None:
    """Fill: the territory, in a database whose tables its owner made."""
    await postgres.create(dsn)
    db = await postgres.open_both(dsn, FixedClock(MONDAY))
    async with db.transaction(SYSTEM, timeout=120) as tx:
        await directory.load_territory(tx)
    await db.close()


FILL = administered


class Terminal:
    """The program as it is typed, in this process, on the database of the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dsn: str) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys
        monkeypatch.setenv("MAILLAGE_DATABASE__URL", dsn)
        monkeypatch.setenv("MAILLAGE_DATABASE__AUDIT_URL", postgres.trail(dsn))

    def type(self, *words: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["maillage", "client", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = self.capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    def answer(self, *words: str) -> Any:
        status, out, err = self.type(*words, "--json")
        assert status == 0, err
        return json.loads(out)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dsn: str) -> Terminal:
    return Terminal(monkeypatch, capsys, dsn)


def file_of(folder: Path, *keys: dict[str, Any]) -> str:
    path = folder / "keys.json"
    path.write_bytes(msgspec.json.encode({"keys": keys}))
    return str(path)


def public(name: str, **more: Any) -> dict[str, Any]:
    return {**KEYS[name].as_dict(private=False), **more}


def certificate(folder: Path) -> str:
    """Self-signed, of today: who signed it is the proxy's affair."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "labo.example")])
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    made = built.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    path = folder / "labo.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return str(path)


def test_a_client_is_registered_listed_rotated_and_disabled(terminal: Terminal, tmp_path: Path) -> None:
    keys = file_of(tmp_path, public("rsa"), public("p384", alg="ES384"))
    scope = "system/Observation.cruds?category=laboratory"
    added = terminal.answer("add", "labo", *WHERE, "--scope", scope, "--jwks", keys, "--certificate", certificate(tmp_path))
    assert added == {"client": "labo", "kind": "backend", "scope": scope}
    app = ("--scope", "launch user/Patient.rs", "--redirect", "https://app.example/back", "--display", "Mon application")
    assert terminal.answer("add", "app", *WHERE, *app)["kind"] == "public-app"
    listed = terminal.answer("list")["clients"]
    assert [(one["client"], one["kind"], one["disabled"]) for one in listed] == [("app", "public-app", False), ("labo", "backend", False)]
    assert terminal.answer("rotate", "labo", "--jwks", file_of(tmp_path, public("p256")), "--keep")["rotated"] is True
    assert terminal.answer("revoke", "labo") == {"client": "labo", "ended": 0}
    assert terminal.answer("disable", "labo")["disabled"] is True
    assert "labo backend disabled" in terminal.type("list")[1]


def test_a_client_may_publish_its_keys_at_an_address(terminal: Terminal, tmp_path: Path) -> None:
    url, keys = "https://labo.example/jwks.json", file_of(tmp_path, public("p384"))
    assert terminal.answer("add", "labo", *WHERE, "--scope", "system/Task.rs", "--jwks-url", url)["kind"] == "backend"
    back = ("--scope", "launch user/Patient.rs", "--redirect", "https://app.example/back")
    assert terminal.answer("add", "app", *WHERE, *back, "--jwks-url", url)["kind"] == "app"
    assert [one["jwks_url"] for one in terminal.answer("list")["clients"]] == [url, url]
    terminal.answer("rotate", "labo", "--jwks", keys)
    terminal.answer("rotate", "app", "--jwks-url", f"{url}?v=2", "--keep")
    assert [one["jwks_url"] for one in terminal.answer("list")["clients"]] == [f"{url}?v=2", ""]


def test_where_a_client_is_notified_is_approved_and_its_secret_is_shown_once(terminal: Terminal, tmp_path: Path) -> None:
    hook, data = "https://labo.example/hook", ("--data", str(tmp_path))
    terminal.answer("add", "labo", *WHERE, "--scope", "system/Task.rs", "--jwks", file_of(tmp_path, public("p384")))
    assert terminal.answer("allow", "labo", "--address", hook) == {"client": "labo", "allowed": hook}
    assert terminal.answer("allow", "labo", "--address", hook)["allowed"] == hook
    first = terminal.answer("secret", "labo", *data)["secret"]
    assert (first[:6], len(first)) == ("whsec_", 50)
    assert terminal.answer("secret", "labo", *data, "--keep")["secret"] != first
    assert terminal.answer("refuse", "labo", "--address", hook)["refused"] == hook
    for words, said in (
        (("allow", "labo", "--address", "http://labo.example/hook"), "https"),
        (("allow", "labo"), "--address"),
        (("allow", "nobody", "--address", hook), "no client of this name"),
        (("refuse", "labo", "--address", hook), "no such address"),
        (("secret", "nobody", *data), "no client of this name"),
    ):
        status, _, err = terminal.type(*words)
        assert (status != 0, said in err) == (True, True), err


WRONG = [
    ({**KEYS["p384"].as_dict(private=True)}, "PRIVATE"),
    ({"kty": "oct", "k": "c2VjcmV0", "kid": "s"}, "PRIVATE"),
    (public("p384", kid=""), "kid"),
    (public("p384", use="enc"), "not for signatures"),
    (public("rsa", alg="HS256"), "not for signatures"),
    ({"kty": "RSA", "kid": "small", "e": "AQAB", "n": "_" * 256}, "too weak"),
    ({"kty": "EC", "kid": "x", "crv": "P-384", "x": "AA", "y": "AA"}, "not a JWKS"),
    ("text", "not a JWKS"),
]


@pytest.mark.parametrize(("key", "why"), WRONG, ids=[why.replace(" ", "-") + str(place) for place, (_, why) in enumerate(WRONG)])
def test_class_18_a_record_holds_public_signing_keys_only(terminal: Terminal, tmp_path: Path, key: Any, why: str) -> None:
    status, out, err = terminal.type("add", "labo", *WHERE, "--scope", "system/*.rs", "--jwks", file_of(tmp_path, key))
    assert (status, out, why in err) == (2, "", True), err
    assert terminal.answer("list") == {"clients": []}


def test_what_cannot_be_registered_is_told(terminal: Terminal, tmp_path: Path) -> None:
    keys = ("--jwks", file_of(tmp_path, public("rsa")))
    scope = ("--scope", "system/*.rs")
    for words, said in (
        (("add", "labo", *scope, *keys), "at least one --organization"),
        (("add", "labo", *WHERE, *keys), "at least one"),
        (("add", "labo", *WHERE, *scope), "give --jwks"),
        (("add", "../labo", *WHERE, *scope, *keys), "name the client"),
        (("add", "labo", *WHERE, "--scope", "system/Observation.rs?subject:Patient.family=x", *keys), "could not be enforced"),
        (("add", "labo", *WHERE, "--scope", "user/Patient.rs", *keys), "no scope of such a client"),
        (("add", "labo", "--organization", "nowhere", *scope, *keys), "unknown organisation"),
        (("add", "app", *WHERE, "--scope", "user/*.rs", "--redirect", "http://app.example/back"), "an address is https"),
        (("add", "app", *WHERE, "--scope", "user/*.rs", "--redirect", "https://app.example/#x"), "an address is https"),
        (("add", "app", *WHERE, "--scope", "system/*.rs", "--redirect", "https://app.example/"), "no scope of such a client"),
        (("add", "labo", *WHERE, *scope, *keys, "--jwks-url", "https://labo.example/"), "keys come from one place"),
        (("add", "labo", *WHERE, *scope, "--jwks-url", "http://labo.example/"), "an address is https"),
        (("rotate", "nobody", *keys), "no client of this name"),
        (("rotate", "nobody", "--jwks-url", "https://labo.example/"), "no client of this name"),
        (("disable", "nobody"), "no client of this name"),
    ):
        status, out, err = terminal.type(*words)
        assert (status in (1, 2), out, said in err) == (True, "", True), (words, err)
    assert terminal.type("add", "labo", *WHERE, *scope, *keys)[0] == 0
    assert "already" in terminal.type("add", "labo", *WHERE, *scope, *keys)[2]
