"""`maillage client add|list|disable|rotate|revoke|allow|refuse|secret`: the software of partners, and the apps that act for a person."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cyclopts import Parameter

from maillage import directory
from maillage.access.clients import actions, queries, rules
from maillage.access.clients.types import NO_CERTIFICATE, Certificate, Client
from maillage.cli import notifying
from maillage.cli.output import OK, PROBLEM, USAGE, Failure, settings_for, show
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.settings import Settings
from maillage.store import Transaction
from maillage.store.server import opened

Many = Annotated[list[str] | None, Parameter(negative=())]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,63}")

SAID = {
    "client-exists": "a client of this name is there already",
    "scope-unknown": "no scope of such a client, or one that could not be enforced everywhere: {0}",
    "jwks-form": "the key file is not a JWKS of RSA or EC keys",
    "jwks-names": "each key of the JWKS needs a kid of its own",
    "jwks-private": "this is a PRIVATE key: the client keeps it; give the file of the public keys",
    "jwks-use": "a key of the JWKS is not for signatures, or for an algorithm that is not accepted",
    "jwks-weak": "a key of the JWKS is too weak: RSA of 2048 bits at least, or EC on P-256 or P-384",
    "redirect-form": "an address is https, or http on the loopback, without fragment: {0}",
    "not-found": "there is no client of this name",
}


def client(
    action: Literal["add", "list", "disable", "rotate", "revoke", "allow", "refuse", "secret"],
    name: str = "",
    *,
    organization: Many = None,
    scope: str = "",
    jwks: Path | None = None,
    jwks_url: str = "",
    certificate: Path | None = None,
    redirect: Many = None,
    launch_url: str = "",
    address: str = "",
    display: str = "",
    keep: bool = False,
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Register a client of the interface, list them, disable one, change its keys, end its tokens, or say where it may be notified.

    `allow` approves an address for its subscriptions, `refuse` takes it back, `secret` makes the shared secret that signs what is sent, shown this once.
    Software that acts for itself proves who it is with a key (SMART backend services). An app that acts for a person has `--redirect`, and keys or none.

    Example: maillage client add labo --organization cms-clamart-soins --scope "system/Observation.cruds" --jwks labo.json

    Parameters
    ----------
    action
        What to do.
    name
        Name of the client: its `client_id`.
    organization
        Organisation that the client may act for, or whose people may use the app; may be given several times.
    scope
        The most that it may be granted, separated by spaces: `system/...` for software, `user/...`, `patient/...`, `launch` for an app.
    jwks
        File of its public keys.
    jwks_url
        Or the address where it publishes them: https, never in a private network. We ask there, and it may turn its keys without telling us.
    certificate
        PEM file of the certificate that it must show on every call.
    redirect
        Address to which an app is sent back, exactly; may be given several times.
    launch_url
        Address at which an app is opened from a patient's page.
    address
        With allow and refuse: an https address, or a folder of addresses.
    display
        Name that people read when they are asked for their consent.
    keep
        With rotate: tokens that were given go on until they end. Without, they end now. With secret: the one before signs too, until the next.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    settings = settings_for(data)
    if action == "list":
        return _list(settings, json=json)
    if not NAME.fullmatch(name):
        raise Failure("name the client: letters, digits, dots and dashes", USAGE)
    if action in ("allow", "refuse", "secret"):
        return _told(asyncio.run(notifying.change(settings, action, name, address, keep=keep)), json=json)
    proof = Proof(keys_of(jwks), _published(jwks_url, jwks), _certificate(certificate))
    if action == "add":
        urls = tuple(_address(text) for text in redirect or ())
        kind = "backend" if not urls else "app" if proof.jwks or proof.url else "public-app"
        shown = proof.certificate
        told = (tuple(organization or ()), tuple(scope.split()), proof.jwks, shown.thumbprint, urls, _address(launch_url))
        made = Client(name, kind, display, *told, certificate_from=shown.starts, certificate_until=shown.ends, jwks_url=proof.url)
        return _told(asyncio.run(_add(settings, made)), json=json)
    return _told(asyncio.run(_change(settings, action, name, proof, keep=keep)), json=json)


@dataclass(frozen=True, slots=True)
class Proof:
    """By what a client proves who it is: keys that it gave, or publishes at an address, and a certificate."""

    jwks: str
    url: str
    certificate: Certificate


def _told(answer: dict[str, object], *, json: bool) -> int:
    show(answer, json=json, lines=[" ".join(str(value) for value in answer.values())])
    return OK


def keys_of(file: Path | None) -> str:
    """The public keys in a file, none without one. Raises `Failure`."""
    if file is None:
        return ""
    try:
        return rules.public_keys(file.read_text(encoding="utf-8"))
    except (Invalid, UnicodeDecodeError) as error:
        raise Failure(SAID[error.reason if isinstance(error, Invalid) else "jwks-form"], USAGE) from error


def _published(url: str, jwks: Path | None) -> str:
    if url and jwks:
        raise Failure("give --jwks or --jwks-url: keys come from one place", USAGE)
    return _address(url)


def _certificate(file: Path | None) -> Certificate:
    if file is None:
        return NO_CERTIFICATE
    try:
        read = x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError as error:
        raise Failure("the certificate is not PEM", USAGE) from error
    return Certificate(rules.thumbprint(read.public_bytes(Encoding.DER)), read.not_valid_before_utc, read.not_valid_after_utc)


def _address(text: str) -> str:
    if text and not rules.is_address(text):
        raise Failure(SAID["redirect-form"].format(text), USAGE)
    return text


async def _add(settings: Settings, made: Client) -> dict[str, object]:
    _complete(made)
    try:
        async with opened(settings) as database, database.transaction(SYSTEM) as tx:
            if unknown := set(made.organizations) - set(await directory.establishments(tx)):
                raise Failure(f"unknown organisation: {', '.join(sorted(unknown))}", PROBLEM)
            await actions.register_client(tx, made)
    except (Conflict, Invalid) as error:  # a constraint is told when the transaction ends
        raise Failure(SAID[error.reason].format(error.issues[0].details), PROBLEM) from error
    return {"client": made.name, "kind": made.kind, "scope": " ".join(made.scopes)}


def _complete(made: Client) -> None:
    if not made.organizations or not made.scopes:
        raise Failure("give at least one --organization and one --scope", USAGE)
    if made.kind == "backend" and not (made.jwks or made.jwks_url):
        raise Failure("give --jwks or --jwks-url: software proves who it is with a key; an app has --redirect", USAGE)


async def _change(settings: Settings, action: str, name: str, proof: Proof, *, keep: bool) -> dict[str, object]:
    if action == "rotate" and not (proof.jwks or proof.url or proof.certificate.thumbprint):
        raise Failure("give --jwks, --jwks-url or --certificate", USAGE)
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        try:
            return {"client": name, **await _changed(tx, action, name, proof, keep=keep)}
        except NotFound as error:
            raise Failure(SAID["not-found"], PROBLEM) from error


async def _changed(tx: Transaction, action: str, name: str, proof: Proof, *, keep: bool) -> dict[str, object]:
    if action == "rotate":
        await actions.rotate_keys(tx, name, proof.jwks, proof.certificate, keep=keep, jwks_url=proof.url)
        return {"rotated": True}
    if action == "disable":
        await actions.disable_client(tx, name)
        return {"disabled": True}
    return {"ended": await actions.end_tokens(tx, name)}


def _list(settings: Settings, *, json: bool) -> int:
    found = asyncio.run(_all(settings))
    rows = [
        {
            "client": one.name,
            "kind": one.kind,
            "disabled": one.disabled,
            "organizations": list(one.organizations),
            "scope": " ".join(one.scopes),
            "jwks_url": one.jwks_url,
        }
        for one in found
    ]
    lines = [
        f"{one.name} {one.kind}{' disabled' if one.disabled else ''} {','.join(one.organizations)} {' '.join(one.scopes)}" for one in found
    ]
    show({"clients": rows}, json=json, lines=lines or ["no client"])
    return OK


async def _all(settings: Settings) -> list[Client]:
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        return await queries.all_clients(tx)
