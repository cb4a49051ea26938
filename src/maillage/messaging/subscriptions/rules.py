"""What a Subscription may ask for, field by field: every fault is named with its FHIRPath. Pure; the client's addresses and the instant are given.

R5 Subscriptions Backport STU 1.1 for R4 (profile backport-subscription); security.md 7: the payload is the id only, addresses are approved beforehand.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from maillage.kernel.errors import Invalid, Issue
from maillage.messaging.subscriptions import nde
from maillage.messaging.subscriptions.topics import BY_URL, NDE, TOPICS, Topic
from maillage.messaging.subscriptions.types import (
    CONTENTS,
    FIRST_DELAY,
    GROWTH,
    LONGEST_DELAY,
    LONGEST_HEARTBEAT,
    LONGEST_TIMEOUT,
    MEDIA,
    SHORTEST_HEARTBEAT,
    Filter,
    Wish,
)

BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
LONGEST_ENDPOINT = 500
MOST_FILTERS = 10
MOST_VALUES = 50
SCHEMES: Final = {"https": 443, "http": 80}


def read(resource: Mapping[str, Any], addresses: Sequence[str], now: datetime) -> Wish:
    """The wish in a Subscription. Raises `Invalid` with every fault."""
    faults: list[Issue] = []
    channel = resource.get("channel", {})
    french = nde.is_nde(resource)
    topic = NDE if french else _topic(resource, faults)
    filters = _french(resource, faults) if french else _filters(resource, topic, faults) if topic else ()
    if channel.get("type") != "rest-hook":
        faults.append(_fault("channel-not-served", "channel.type", "rest-hook is the one channel here.", "not-supported"))
    if channel.get("header"):
        faults.append(_fault("header-refused", "channel.header", "No header is sent along: check the signature.", "not-supported"))
    endpoint = _endpoint(channel.get("endpoint", ""), addresses, faults)
    content, media = _payload(channel, faults)
    heartbeat, timeout = _periods(channel, faults)
    ends = _end(resource, now, faults)
    if french and heartbeat is not None:
        faults.append(_fault("two-kinds", "channel.extension", "The French guide knows no heartbeat."))
    if resource.get("status") == "error":
        faults.append(_fault("status-of-server", "status", "Ask with requested, stop with off.", "value"))
    if faults or topic is None:
        raise Invalid(*faults)
    place = (topic.url, topic.focus_type, filters, endpoint, destination(endpoint))
    return Wish(*place, content, media, timeout, heartbeat, ends, resource.get("status") == "off", _start(resource) if french else None)


def _french(resource: Mapping[str, Any], faults: list[Issue]) -> tuple[Filter, ...]:
    """The filters of a Subscription of the French guide; one that is topic-based too is neither."""
    if resource.get("criteria", "").partition("|")[0] in BY_URL or BACKPORT in str(resource.get("_criteria", "")):
        faults.append(_fault("two-kinds", "criteria", "A topic and the French extensions never stand in one Subscription."))
    for name in nde.missing(resource):
        path = f"extension.where(url='{nde.EXTENSION}{name}')"
        faults.append(_fault("extension-missing", path, "The profile demands it once.", "required"))
    if faults:
        return ()
    for name in nde.unidentified(resource):
        path = f"extension.where(url='{nde.EXTENSION}{name}').value"
        faults.append(_fault("identity-missing", path, "Nothing identifies this person or structure.", "required"))
    return nde.filters(resource)


def _start(resource: Mapping[str, Any]) -> datetime | None:
    """From when on; a date without an hour begins with its day, in UTC."""
    text = nde.told(resource, "start")[0]
    found = datetime.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _fault(reason: str, path: str, details: str, code: str = "business-rule") -> Issue:
    return Issue("error", code, reason, f"Subscription.{path}", details)


def _topic(resource: Mapping[str, Any], faults: list[Issue]) -> Topic | None:
    topic = BY_URL.get(resource.get("criteria", "").partition("|")[0])
    if topic is None:
        known = ", ".join(one.url for one in TOPICS)
        faults.append(_fault("topic-unknown", "criteria", f"The topics are: {known}.", "not-supported"))
    return topic


def _filters(resource: Mapping[str, Any], topic: Topic, faults: list[Issue]) -> tuple[Filter, ...]:
    found: list[Filter] = []
    for place, extension in enumerate((resource.get("_criteria") or {}).get("extension", ())):
        path = f"criteria.extension[{place}].value"
        if extension.get("url") != BACKPORT + "backport-filter-criteria":
            faults.append(_fault("extension-unknown", f"criteria.extension[{place}].url", "It would change what is sent.", "not-supported"))
            continue
        text = str(extension.get("valueString", ""))
        kind, mark, query = text.partition("?") if "?" in text or "=" not in text else ("", "", text)
        if mark and kind != topic.focus_type:
            faults.append(_fault("filter-type", path, f"This topic is about {topic.focus_type}."))
        for name, value in parse_qsl(query, keep_blank_values=True):
            values = tuple(dict.fromkeys(part for part in value.split(",") if part))
            if name not in topic.filters:
                faults.append(
                    _fault("filter-unknown", path, f"{name[:60]} is none of {', '.join(sorted(topic.filters))}.", "not-supported")
                )
            elif not 0 < len(values) <= MOST_VALUES:
                faults.append(_fault("filter-empty", path, f"{name} needs one value, and at most {MOST_VALUES}.", "value"))
            found.append(Filter(name, values))
        if not query:
            faults.append(_fault("filter-empty", path, f"Write {topic.focus_type}?name=value.", "value"))
    if len(found) > MOST_FILTERS:
        faults.append(_fault("too-many-filters", "criteria", f"At most {MOST_FILTERS}.", "too-costly"))
    return tuple(found)


def filters_of(criteria: Sequence[str]) -> tuple[Filter, ...]:
    """Filters as a row keeps them."""
    return tuple(Filter(name, tuple(values.split(","))) for name, _, values in (text.partition("=") for text in criteria))


def _endpoint(text: str, addresses: Sequence[str], faults: list[Issue]) -> str:
    if not text:
        faults.append(_fault("endpoint-missing", "channel.endpoint", "Say where to send.", "required"))
    elif not is_sound(text):
        faults.append(_fault("endpoint-form", "channel.endpoint", "An https address without user, query of secrets or fragment.", "value"))
    elif not is_listed(text, addresses):
        faults.append(_fault("endpoint-not-listed", "channel.endpoint", "The operator approves addresses beforehand.", "forbidden"))
    return text


def is_sound(text: str) -> bool:
    """Whether an address has the form of one that we send to: https, or http for the loopback of a trial; no user, no fragment."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text and len(text) <= LONGEST_ENDPOINT
    whole = bool(parts.hostname) and parts.username is None and parts.password is None and not parts.fragment and port != 0
    return plain and whole and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")))


def is_loopback(host: str) -> bool:
    """Whether a host is written as the loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_listed(text: str, addresses: Sequence[str]) -> bool:
    """Whether the operator approved the address for this client: it itself, or a folder in which it lies. No dots lead out of a folder."""
    path = urlsplit(text).path.lower()
    if any(part in (".", "..") for part in path.replace("%2e", ".").split("/")) or "%2f" in path or "%5c" in path:
        return False
    return any(text == one or text.startswith(one if one.endswith("/") else one + "/") for one in addresses)


def destination(endpoint: str) -> str:
    """Host and port: what one circuit is kept for."""
    parts = urlsplit(endpoint)
    return f"{(parts.hostname or '').lower()}:{parts.port or SCHEMES.get(parts.scheme, 443)}"


def _payload(channel: Mapping[str, Any], faults: list[Issue]) -> tuple[str, str]:
    media = channel.get("payload", MEDIA[0])
    if media not in MEDIA:
        faults.append(_fault("payload-not-served", "channel.payload", f"One of {', '.join(MEDIA)}.", "not-supported"))
    content = _value((channel.get("_payload") or {}).get("extension", ()), "backport-payload-content", CONTENTS[0])
    if content not in CONTENTS:
        faults.append(
            _fault(
                "content-refused", "channel.payload.extension.value", f"{' or '.join(CONTENTS)}: the rest is read here.", "not-supported"
            )
        )
    return str(content), str(media)


def _value(extensions: Sequence[Mapping[str, Any]], name: str, default: Any) -> Any:
    for extension in extensions:
        if extension.get("url") == BACKPORT + name:
            return next((value for key, value in extension.items() if key.startswith("value")), None)
    return default


def _periods(channel: Mapping[str, Any], faults: list[Issue]) -> tuple[int | None, int]:
    told = channel.get("extension", ())
    heartbeat = _value(told, "backport-heartbeat-period", None)
    if heartbeat is not None and not (type(heartbeat) is int and SHORTEST_HEARTBEAT <= heartbeat <= LONGEST_HEARTBEAT):
        details = f"From {SHORTEST_HEARTBEAT} to {LONGEST_HEARTBEAT} seconds."
        faults.append(_fault("heartbeat-period", "channel.extension.where(url.endsWith('heartbeat-period')).value", details, "value"))
    timeout = _value(told, "backport-timeout", LONGEST_TIMEOUT)
    if not (type(timeout) is int and timeout > 0):
        faults.append(_fault("timeout-value", "channel.extension.where(url.endsWith('timeout')).value", "At least one second.", "value"))
        timeout = LONGEST_TIMEOUT
    return heartbeat, min(timeout, LONGEST_TIMEOUT)


def _end(resource: Mapping[str, Any], now: datetime, faults: list[Issue]) -> datetime | None:
    text = resource.get("end")
    if text is None:
        return None
    ends = datetime.fromisoformat(text)
    if ends <= now:
        faults.append(_fault("end-past", "end", "It would end before it begins.", "value"))
    return ends


def delay(tries: int) -> float:
    """Seconds until the next try: three times as long each time, up to an hour, with a fifth of jitter."""
    seconds: float = min(FIRST_DELAY * GROWTH ** (tries - 1), LONGEST_DELAY)
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  # jitter, not a secret
