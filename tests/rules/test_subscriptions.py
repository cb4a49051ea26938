"""What a Subscription may ask for, what its filters let through, where nothing is ever sent, when a destination is left alone."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support import french_events
from tests.support.packages import with_guide

from maillage.codes import r4
from maillage.doors.connectors.webhooks import addresses
from maillage.doors.connectors.webhooks.circuits import FAILURES, FIRST, LONGEST, Circuits
from maillage.kernel.errors import Invalid
from maillage.messaging.subscriptions import nde, rules, signing, topics
from maillage.messaging.subscriptions.types import LONGEST_DELAY, TRIES, Told

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
WHERE = "https://partner.example/hook"
TASK = topics.BY_TYPE["Task"].url


def wish(**more: Any) -> dict[str, Any]:
    channel = {"type": "rest-hook", "endpoint": WHERE, "payload": "application/fhir+json", **more.pop("channel", {})}
    return {"resourceType": "Subscription", "status": "requested", "reason": "essai", "criteria": TASK, "channel": channel, **more}


def filtered(*texts: str) -> dict[str, Any]:
    return {"extension": [{"url": rules.BACKPORT + "backport-filter-criteria", "valueString": text} for text in texts]}


def option(name: str, value: Any) -> dict[str, Any]:
    return {"extension": [{"url": rules.BACKPORT + f"backport-{name}", "valueUnsignedInt": value}]}


def content(code: str) -> dict[str, Any]:
    return {"_payload": {"extension": [{"url": rules.BACKPORT + "backport-payload-content", "valueCode": code}]}}


def read(resource: dict[str, Any], *listed: str) -> Any:
    assert r4.validate({**resource, "id": "x"}) == []
    return rules.read(resource, listed or (WHERE,), NOW)


def test_what_is_asked_for_is_read_and_the_id_alone_is_told_by_default() -> None:
    made = read(wish(_criteria=filtered("Task?status=requested,accepted&owner=Organization/a"), end="2027-01-01T00:00:00Z"))
    assert (made.focus_type, made.content, made.timeout, made.heartbeat) == ("Task", "id-only", 5, None)
    assert [str(one) for one in made.filters] == ["status=requested,accepted", "owner=Organization/a"]
    assert rules.filters_of([str(one) for one in made.filters]) == made.filters
    assert (made.destination, made.is_off) == ("partner.example:443", False)
    again = read(wish(status="off", channel={**content("empty"), **option("timeout", 2)}, criteria=f"{TASK}|1.0"))
    assert (again.content, again.timeout, again.is_off) == ("empty", 2, True)
    assert read(wish(channel=option("heartbeat-period", 86400))).heartbeat == 86400
    assert read(wish(channel=option("timeout", 60))).timeout == 5, "a receiver answers first and works afterwards"


@pytest.mark.parametrize(
    ("resource", "reason", "where"),
    [
        (wish(criteria="Task?status=requested"), "topic-unknown", "criteria"),
        (wish(_criteria=filtered("Task?color=red")), "filter-unknown", "criteria.extension[0].value"),
        (wish(_criteria=filtered("Task?status=ready", "ServiceRequest?status=active")), "filter-type", "criteria.extension[1].value"),
        (wish(_criteria=filtered("Task?status=")), "filter-empty", "criteria.extension[0].value"),
        (wish(_criteria=filtered("Task")), "filter-empty", "criteria.extension[0].value"),
        (wish(_criteria={"extension": [{"url": "urn:x", "valueString": "a"}]}), "extension-unknown", "criteria.extension[0].url"),
        (wish(_criteria=filtered(*["Task?status=ready"] * 11)), "too-many-filters", "criteria"),
        (wish(channel={"type": "email"}), "channel-not-served", "channel.type"),
        (wish(channel={"header": ["Authorization: Bearer x"]}), "header-refused", "channel.header"),
        (wish(channel={"endpoint": "https://other.example/hook"}), "endpoint-not-listed", "channel.endpoint"),
        (wish(channel={"endpoint": "http://partner.example/hook"}), "endpoint-form", "channel.endpoint"),
        (wish(channel={"endpoint": "https://u:p@partner.example/hook"}), "endpoint-form", "channel.endpoint"),
        (wish(channel={"payload": "text/plain"}), "payload-not-served", "channel.payload"),
        (wish(channel=content("full-resource")), "content-refused", "channel.payload.extension.value"),
        (
            wish(channel=option("heartbeat-period", 5)),
            "heartbeat-period",
            "channel.extension.where(url.endsWith('heartbeat-period')).value",
        ),
        (wish(channel=option("timeout", 0)), "timeout-value", "channel.extension.where(url.endsWith('timeout')).value"),
        (wish(end="2026-11-16T08:00:00Z"), "end-past", "end"),
        (wish(status="error"), "status-of-server", "status"),
    ],
)
def test_what_cannot_be_done_is_refused_at_its_field(resource: dict[str, Any], reason: str, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(resource)
    assert (refused.value.issues[0].reason, refused.value.issues[0].expression) == (reason, f"Subscription.{where}")


def test_every_fault_is_told_at_once() -> None:
    bad = wish(criteria="x", end="2020-01-01T00:00:00Z", channel={"type": "sms"})
    del bad["channel"]["endpoint"]
    with pytest.raises(Invalid) as refused:
        read(bad)
    assert [issue.reason for issue in refused.value.issues] == ["topic-unknown", "channel-not-served", "endpoint-missing", "end-past"]


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        (WHERE, True),
        (f"{WHERE}/a", True),
        ("https://partner.example/hooks", False),
        ("https://partner.example.evil.example/hook", False),
        (f"{WHERE}/../admin", False),
        (f"{WHERE}/%2e%2E/admin", False),
        (f"{WHERE}/..%2fadmin", False),
        (f"{WHERE}?a=b", False),
    ],
)
def test_an_address_is_the_approved_one_or_lies_in_its_folder(text: str, listed: bool) -> None:
    assert rules.is_listed(text, [WHERE]) is listed


@pytest.mark.parametrize(
    "text",
    [
        "ftp://a.example",
        "https://",
        "https://a.example/#x",
        "https://a.example:0/",
        "https://a .example",
        "https://a.example:99999/",
        "//x",
    ],
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    assert not rules.is_sound(text)


def test_filters_look_at_codes_systems_and_references() -> None:
    task = {
        "status": "accepted",
        "businessStatus": {"coding": [{"system": "urn:s", "code": "3.0"}]},
        "owner": {"reference": "Organization/a"},
        "for": {"reference": "Patient/p"},
    }
    topic = topics.BY_TYPE["Task"]

    def passes(*texts: str) -> bool:
        return topics.matches(topic, rules.filters_of(texts), task)

    assert passes()
    assert passes("status=requested,accepted", "business-status=urn:s|3.0", "owner=a", "patient=Patient/p")
    assert not passes("status=requested")
    assert not passes("status=accepted", "owner=Organization/b")
    assert not passes("focus=ServiceRequest/x")
    visit = {"participant": [{"actor": {"reference": "Patient/p"}}, {"status": "accepted"}], "serviceType": [{"coding": [{"code": "c"}]}]}
    assert topics.matches(topics.BY_TYPE["Appointment"], rules.filters_of(["patient=p", "service-type=c"]), visit)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "240.0.0.1",
        ),
        *(
            "255.255.255.255",
            "168.63.129.16",
            "192.0.2.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "fd00:ec2::254",
        ),
        *(
            "ff02::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
        ),
        *("2001:0:0:0:0:0:80ff:fefe",),
    ],
)
def test_class_12_nothing_is_ever_sent_to_what_is_not_public(text: str) -> None:
    assert not addresses.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("text", "reached"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("169.254.169.254", False), ("::ffff:127.0.0.1", False)]
)
def test_class_12_the_trial_setting_opens_the_loopback_and_nothing_else(text: str, reached: bool) -> None:
    assert addresses.is_public(ipaddress.ip_address(text), loopback=True) is reached
    assert addresses.is_public(ipaddress.ip_address("93.184.215.14"))
    assert addresses.is_public(ipaddress.ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c"))


def test_a_signature_is_that_of_standard_webhooks() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signing.signed_headers(
        [secret, b"old"], "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    )
    first, second = made["webhook-signature"].split()
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "the example of the specification"
    assert second.startswith("v1,")
    assert made["webhook-timestamp"] == "1614265330"
    assert signing.written(b"\0" * 3) == "whsec_AAAA"
    assert not hmac.compare_digest(first, second)


def test_tries_grow_apart_and_end() -> None:
    waits = [rules.delay(tries) for tries in range(1, TRIES)]
    assert all(4 * 3**n <= wait <= 6 * 3**n or wait >= 0.8 * LONGEST_DELAY for n, wait in enumerate(waits))
    assert rules.delay(50) <= LONGEST_DELAY * 1.2


def test_a_destination_that_fails_is_left_alone_then_tried_once() -> None:
    lines = Circuits(each=2)
    for _ in range(FAILURES):
        assert lines.shut(0.0) == []
        lines.take("a:443")
        lines.done("a:443", 0.0, well=False)
    assert lines.shut(FIRST - 1) == ["a:443"]
    assert lines.shut(FIRST + 1) == []
    lines.take("a:443")
    assert lines.shut(FIRST + 1) == ["a:443"], "one request tries, the others wait for what it says"
    lines.done("a:443", FIRST + 1, well=False)
    assert lines.shut(2 * FIRST) == ["a:443"]
    assert lines.shut(LONGEST + 2 * FIRST) == []
    lines.take("a:443")
    lines.done("a:443", 9999.0, well=True)
    assert lines.lines == {}
    lines.take("b:443")
    lines.take("b:443")
    assert lines.shut(0.0) == ["b:443"]


# --- the French guide ---------------------------------------------------------------------
def test_a_french_subscription_says_what_about_whom_and_declared_by_whom() -> None:
    made = read(french_events.subscription(WHERE))
    assert (made.focus_type, made.topic, made.starts) == ("CommunicationRequest", nde.ROOT, datetime(2026, 11, 1, tzinfo=UTC))
    kept = rules.filters_of([str(one) for one in made.filters])
    assert topics.matches(topics.NDE, kept, french_events.event())
    other = {"coding": [{"system": french_events.ENTRY["coding"][0]["system"], "code": "OTHER"}]}
    for different in (
        {"contained": [french_events.person({"system": "urn:x", "value": "1"}), french_events.structure("declarant", "920150018")]},
        {"contained": [french_events.person(), french_events.structure("declarant", "750000018")]},
        {"extension": [{"url": nde.EXTENSION + "event-type", "valueCodeableConcept": other}]},
        {"basedOn": [{"reference": "Subscription/x"}]},
    ):
        assert not topics.matches(topics.NDE, kept, french_events.event(**different)), different


def test_a_french_subscription_is_not_topic_based_too_and_lacks_nothing() -> None:
    whole = french_events.subscription(WHERE)
    cases = [
        ({**whole, "criteria": TASK}, "two-kinds"),
        ({**whole, "_criteria": filtered("Task?status=ready")}, "two-kinds"),
        ({**whole, "channel": {**whole["channel"], **option("heartbeat-period", 60)}}, "two-kinds"),
        ({**whole, "extension": whole["extension"][1:]}, "extension-missing"),
        ({**whole, "extension": [*whole["extension"], whole["extension"][0]]}, "extension-missing"),
        ({**whole, "contained": [{"resourceType": "Patient", "id": "patient"}, *whole["contained"][1:]]}, "identity-missing"),
    ]
    for resource, reason in cases:
        with pytest.raises(Invalid) as refused:
            rules.read(resource, (WHERE,), NOW)
        assert refused.value.issues[0].reason == reason


def test_the_order_to_notify_is_that_of_the_guide() -> None:
    asked = {**french_events.subscription(WHERE), "id": "s1"}
    made = {**nde.order(asked, Told(1, NOW, "CommunicationRequest", "e1", "create"), "https://m.example/fhir", NOW), "id": "o1"}
    assert r4.validate(made) == []
    known = with_guide("nde-3.0.0")
    for resource, profile in (
        (made, "nde-notificationrequest"),
        (asked, "nde-subscription"),
        ({**french_events.event(), "id": "e"}, "nde-eventdeclaration"),
    ):
        found = known.profiles.validate(resource, nde.EXTENSION + profile) if known else []
        assert [(issue.reason, issue.expression) for issue in found if issue.severity == "error"] == []
