"""WebAuthn keys: what the browser is asked, and whether its answer is true (W3C Web Authentication level 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from maillage.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks: the address of the site, and its host name, to which keys are bound."""

    origin: str

    @property
    def id(self) -> str:
        """The host name."""
        return urlsplit(self.origin).hostname or ""


def registration_options(party: Party, login: str, display: str, challenge: bytes, known: Sequence[bytes]) -> str:
    """What a browser is asked to make a key, as JSON."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name="maillage",
        user_name=login,
        user_id=login.encode(),
        user_display_name=display,
        challenge=challenge,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options)


def authentication_options(party: Party, challenge: bytes, known: Sequence[bytes]) -> str:
    """What a browser is asked to show one of these keys, as JSON."""
    allowed = [PublicKeyCredentialDescriptor(id=one) for one in known]
    return options_to_json(generate_authentication_options(rp_id=party.id, challenge=challenge, allow_credentials=allowed))


class _ClientData(msgspec.Struct):
    challenge: str


class _Response(msgspec.Struct):
    clientDataJSON: str  # noqa: N815  # the name of the specification


class _Answer(msgspec.Struct):
    rawId: str  # noqa: N815  # the name of the specification
    response: _Response


def challenge_in(answer: str) -> bytes:
    """The challenge that an answer says to be about. Raises `Invalid("key-refused")`."""
    try:
        told = msgspec.json.decode(answer, type=_Answer).response.clientDataJSON
        return base64url_to_bytes(msgspec.json.decode(base64url_to_bytes(told), type=_ClientData).challenge)
    except (msgspec.DecodeError, ValueError) as error:
        raise Invalid.one("key-refused", "key") from error


def credential_in(answer: str) -> bytes:
    """Which key an answer is of. Raises `Invalid("key-refused")`."""
    try:
        return base64url_to_bytes(msgspec.json.decode(answer, type=_Answer).rawId)
    except (msgspec.DecodeError, ValueError) as error:
        raise Invalid.one("key-refused", "key") from error


def registered_key(party: Party, answer: str, challenge: bytes) -> Key:
    """The new key. Raises `Invalid("key-refused")` when the answer is for another challenge or site, or says nothing true."""
    try:
        made = verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=party.id, expected_origin=party.origin
        )
    except (WebAuthnException, ValueError) as error:
        raise Invalid.one("key-refused", "key") from error
    return Key(made.credential_id, made.credential_public_key, made.sign_count)


def shown_key(party: Party, answer: str, challenge: bytes, key: Key) -> int:
    """The key's new count. Raises `Invalid("key-refused")`; a count that goes back means a copied key and is refused too."""
    try:
        shown = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
        )
    except (WebAuthnException, ValueError) as error:
        raise Invalid.one("key-refused", "key") from error
    return shown.new_sign_count
