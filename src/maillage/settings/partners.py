"""Settings of what stands outside: who signs people in, other software, other installations, messages that leave."""

from __future__ import annotations

from dataclasses import dataclass

from maillage.settings.declaring import setting


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Sign-in and sessions."""

    idle_minutes: int = setting(20, "Minutes after which an unused session ends.")
    absolute_hours: int = setting(10, "Hours after which a session ends, however busy.")
    key: str = setting(
        "",
        "Key that seals second factors and the steps of a sign-in: 32 random bytes in base64; several, separated by commas, while one replaces "
        "another (the first seals). Empty: made in the data folder.",
        secret=True,
    )
    fresh_minutes: int = setting(10, "Minutes for which a factor that was shown counts as fresh for a change of factors or sessions.")


@dataclass(frozen=True, slots=True)
class PscSettings:
    """Pro Santé Connect."""

    issuer: str = setting("", "Issuer of Pro Santé Connect, as its discovery document says it. Empty: nobody signs in that way.")
    client_id: str = setting("", "Our name there.")
    client_secret: str = setting("", "Our secret there; it never leaves the server.", secret=True)
    scope: str = setting("openid scope_all", "What is asked for: `openid`, and what gives the professional's identifier.")
    claims: str = setting(
        "", "Claims to ask for by name, as the JSON of the `claims` parameter, of a provider that gives them only when asked."
    )
    levels: tuple[str, ...] = setting(("eidas1",), "Levels (`acr`) that are asked for and accepted, separated by commas.")
    timeout: float = setting(4.0, "Seconds that one request to the provider may take.")


@dataclass(frozen=True, slots=True)
class FranceConnectSettings:
    """FranceConnect, by which a patient signs in to read documents."""

    issuer: str = setting("", "Issuer of FranceConnect or FranceConnect+, as its discovery document says it. Empty: nobody signs in so.")
    client_id: str = setting("", "Our name there.")
    client_secret: str = setting("", "Our secret there; it never leaves the server.", secret=True)
    levels: tuple[str, ...] = setting(("eidas2", "eidas3"), "Levels (`acr`) asked for and accepted; `eidas1` asks for little (ADR 0027).")
    key: str = setting("", "Keys in PEM under which FranceConnect+ encrypts: P-256 or RSA. Empty: tokens are signed alone.", secret=True)
    timeout: float = setting(4.0, "Seconds that one request to the provider may take.")


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """What partners' software is told of (ADR 0017)."""

    at_once: int = setting(16, "Notifications on their way at once.")
    each: int = setting(2, "Of these, how many to one destination.")
    authority: str = setting("", "File (PEM) of the authorities that signed the receivers' certificates. Empty: those of the system.")
    loopback: bool = setting(
        False, "Whether notifications may go to our own machine, without TLS too: for tests and trials. Private networks are never reached."
    )


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Partners' software that publishes its keys, and apps that are told who the person is (ADR 0012)."""

    identity_key: str = setting(
        "", "File of the key that signs who a person is, for apps (mode 0600, made at first use). Empty: `apps.key` in the data folder."
    )

    keys_timeout: float = setting(2.0, "Seconds that a key server has to answer whole.")
    keys_authority: str = setting(
        "", "File (PEM) of the authorities that signed the key servers' certificates. Empty: those of the system."
    )
    keys_loopback: bool = setting(
        False,
        "Whether keys may be fetched from our own machine, without TLS too: for tests and trials. Private networks are never reached.",
    )


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """Other installations of maillage with which requests are shared (ADR 0025)."""

    key: str = setting(
        "", "File of the key that proves to them who we are (mode 0600, made at first use). Empty: `peers.key` in the data folder."
    )
    authority: str = setting("", "File (PEM) of the authorities that signed their certificates. Empty: those of the system.")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """E-mail to patients and colleagues."""

    host: str = setting("", "Mail server that takes our messages. Empty: no e-mail leaves.")
    port: int = setting(587, "Its port.")
    security: str = setting(
        "starttls", "How the connection is encrypted: `starttls`, `tls` (from the first byte) or `none` (a server on this machine)."
    )
    authority: str = setting("", "File (PEM) of the authority that signed the server's certificate. Empty: those of the system.")
    user: str = setting("", "Our name there. Empty: the server asks for none.")
    password: str = setting("", "Our password there.", secret=True)
    sender: str = setting("maillage@localhost", "Address from which messages come.")
    timeout: float = setting(5.0, "Seconds that one exchange with the server may take.")


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """SMS to patients and colleagues, by an HTTP gateway (`src/maillage/doors/connectors/sms/README.md`)."""

    url: str = setting("", "Address of the gateway. Empty: no SMS leaves.")
    token: str = setting("", "What proves to the gateway who we are.", secret=True)
    sender: str = setting("maillage", "Name or number from which messages come.")
    timeout: float = setting(5.0, "Seconds that one request to the gateway may take.")
