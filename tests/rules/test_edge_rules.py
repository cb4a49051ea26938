"""What the edge decides without a request: buckets, turns, proxies, the origins of the API."""

from __future__ import annotations

import asyncio

import pytest

from maillage.doors.edge.admission import Admission, Full
from maillage.doors.edge.buckets import Buckets
from maillage.doors.edge.cors import Cors
from maillage.doors.edge.proxies import SOCKET, Proxies
from maillage.doors.edge.rates import Rates
from maillage.doors.edge.routes import Lane, Limit
from maillage.doors.fhir.admission import Seconds, classify
from maillage.kernel.actor import Actor
from maillage.kernel.errors import TooMany
from maillage.settings import EdgeSettings


class At:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_emptied_and_fills_again() -> None:
    at = At()
    buckets = Buckets(6, 10, at)
    assert [buckets.take("a") for _ in range(7)] == [0] * 6 + [10]
    assert buckets.take("b") == 0
    at.now += 10
    assert (buckets.take("a"), buckets.take("a")) == (0, 10)


def test_buckets_are_bounded_and_the_longest_unused_goes_first() -> None:
    at = At()
    buckets = Buckets(1, 3, at)
    for key in ("a", "b", "c", "a", "d", "e"):
        buckets.take(key)
    assert len(buckets) == 3
    assert buckets.take("a") > 0, "asked again since: it is remembered"
    assert buckets.take("b") == 0, "forgotten: full again"


def test_zero_counts_nothing() -> None:
    buckets = Buckets(0, 3, At())
    assert [buckets.take("a") for _ in range(1000)] == [0] * 1000
    assert len(buckets) == 0


PERSON = Actor("practitioner", "p1", ("org",), role_id="r1")
MACHINE = Actor("client", "c1", ("org",))


def refusals(rates: Rates, actor: Actor, limit: Limit, times: int) -> int:
    waits = []
    for _ in range(times):
        try:
            rates.known(actor, limit)
        except TooMany as error:
            waits.append(error.extra["retry_after"])
    return sum(wait >= 1 for wait in waits)


@pytest.mark.parametrize(
    ("settings", "actor", "limit"),
    [
        (EdgeSettings(per_person=5), PERSON, Limit.NONE),
        (EdgeSettings(per_client=5), MACHINE, Limit.NONE),
        (EdgeSettings(per_organization=5), PERSON, Limit.NONE),
        (EdgeSettings(per_organization=5), MACHINE, Limit.NONE),
        (EdgeSettings(patient_search=5), PERSON, Limit.SEARCH),
        (EdgeSettings(patient_search_by_client=5), MACHINE, Limit.SEARCH),
        (EdgeSettings(export=5), MACHINE, Limit.EXPORT),
        (EdgeSettings(break_glass=5), PERSON, Limit.BREAK_GLASS),
    ],
)
def test_each_rule_counts_its_own(settings: EdgeSettings, actor: Actor, limit: Limit) -> None:
    rates = Rates(settings, At())
    assert refusals(rates, actor, limit, 7) == 2
    other = Actor(actor.kind, "another", ("elsewhere",))
    assert refusals(rates, other, limit, 5) == 0


def test_an_address_is_counted_and_its_attempts_to_sign_in_more_strictly() -> None:
    rates = Rates(EdgeSettings(per_address=10, login_per_address=2), At())
    assert [bool(rates.arrived("192.0.2.1", Limit.LOGIN)) for _ in range(3)] == [False, False, True]
    assert rates.arrived("192.0.2.2", Limit.LOGIN) == 0
    six = [rates.arrived(f"2001:db8::{number}", Limit.LOGIN) for number in range(3)]
    assert six[2] > 0, "a caller has a whole /64"
    assert rates.arrived("2001:db8:1::1", Limit.LOGIN) == 0


SMALL = EdgeSettings(running=4, kept_for_emergencies=1, kept_for_people=1, wait_batch=5, wait_interactive=5, wait_emergency=5)


async def turns(admission: Admission, lane: Lane, count: int) -> list[float]:
    return [await admission.enter(lane) for _ in range(count)]


@pytest.mark.asyncio
async def test_turns_are_kept_for_people_and_for_emergencies() -> None:
    admission = Admission(SMALL)
    machines = await turns(admission, Lane.BATCH, 2)
    waits = asyncio.create_task(admission.enter(Lane.BATCH))
    await asyncio.sleep(0)
    people = await turns(admission, Lane.INTERACTIVE, 1)
    person = asyncio.create_task(admission.enter(Lane.INTERACTIVE))
    await asyncio.sleep(0)
    assert (admission.running, admission.waiting) == (3, 2)
    emergency = await admission.enter(Lane.EMERGENCY)
    assert admission.running == 4
    late = asyncio.create_task(admission.enter(Lane.EMERGENCY))
    await asyncio.sleep(0)
    for since in (people[0], machines[0], machines[1]):
        admission.leave(since)
        await asyncio.sleep(0)
    assert (late.done(), person.done(), waits.done()) == (True, True, False), "the most urgent first; a machine leaves room for people"
    admission.leave(emergency)
    admission.leave(await late)
    assert await waits
    admission.leave(await person)
    admission.leave(await waits)
    assert (admission.running, admission.waiting) == (0, 0)


@pytest.mark.asyncio
async def test_whoever_would_wait_too_long_is_refused_at_once() -> None:
    at = At()
    admission = Admission(EdgeSettings(running=2, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.3), at)
    for _ in range(400):  # work lasts a second of late
        since = await admission.enter(Lane.BATCH)
        at.now += 1
        admission.leave(since)
    held = await turns(admission, Lane.BATCH, 2)
    assert admission.hopeless(Lane.BATCH)
    with pytest.raises(Full):
        await admission.enter(Lane.BATCH)
    assert not admission.hopeless(Lane.EMERGENCY), "an emergency is more patient"
    admission.leave(held[0])
    assert not admission.hopeless(Lane.BATCH)


@pytest.mark.asyncio
async def test_a_wait_ends_when_it_has_lasted_too_long_or_nobody_waits_any_more() -> None:
    admission = Admission(EdgeSettings(running=1, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.03))
    held = await admission.enter(Lane.BATCH)
    with pytest.raises(Full):
        await admission.enter(Lane.BATCH)
    left = asyncio.create_task(admission.enter(Lane.EMERGENCY))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    assert admission.waiting == 0
    admission.leave(held)
    assert admission.running == 0
    admission.leave(await admission.enter(Lane.BATCH))


@pytest.mark.asyncio
async def test_when_nothing_moves_nobody_is_let_into_the_queue() -> None:
    at = At()
    admission = Admission(EdgeSettings(running=1, kept_for_emergencies=0, kept_for_people=0), at)
    at.now += 60  # a quiet minute is not a standstill
    held = await admission.enter(Lane.INTERACTIVE)
    assert not admission.hopeless(Lane.INTERACTIVE)
    at.now += 1.5
    assert admission.hopeless(Lane.INTERACTIVE)
    admission.leave(held)
    assert not admission.hopeless(Lane.INTERACTIVE)


@pytest.mark.asyncio
async def test_bursts_with_a_pause_between_them_are_bursts() -> None:
    """Thirty at once, two and a half times a second, each of 20 ms: a twelfth of what twenty turns can do. None of them is refused."""
    at = At()
    admission = Admission(EdgeSettings(running=20, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.5), at)
    for _ in range(10):
        assert not admission.hopeless(Lane.BATCH)
        tasks = []
        for _ in range(30):
            assert not admission.hopeless(Lane.BATCH)
            tasks.append(asyncio.create_task(admission.enter(Lane.BATCH)))
            await asyncio.sleep(0)
        while tasks:
            at.now += 0.02
            for task in [task for task in tasks if task.done()]:
                tasks.remove(task)
                admission.leave(task.result())
            await asyncio.sleep(0)
        at.now += 0.36


@pytest.mark.asyncio
async def test_those_on_their_way_take_the_turns_that_are_free_however_long_work_has_lasted() -> None:
    at = At()
    admission = Admission(EdgeSettings(running=20, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.5), at)
    for _ in range(100):
        since = await admission.enter(Lane.BATCH)
        at.now += 2
        admission.leave(since)
    assert not any(admission.hopeless(Lane.BATCH, coming) for coming in range(20)), "twenty turns are free"
    assert not admission.hopeless(Lane.BATCH, 20 + 3), "four tenths of a second"
    assert admission.hopeless(Lane.BATCH, 20 + 5), "more than half a second"
    for _ in range(15):
        await admission.enter(Lane.BATCH)
    assert not admission.hopeless(Lane.BATCH, 4), "one is left"
    assert admission.hopeless(Lane.BATCH, 5 + 5)


@pytest.mark.asyncio
async def test_how_seldom_a_lane_got_a_turn_tells_nothing_once_nobody_waits_in_it() -> None:
    at = At()
    admission = Admission(EdgeSettings(running=1, kept_for_emergencies=0, kept_for_people=0, wait_batch=0.5), at)
    held = await admission.enter(Lane.EMERGENCY)
    machine = asyncio.create_task(admission.enter(Lane.BATCH))
    for _ in range(50):  # a second in which emergencies pass before it
        following = asyncio.create_task(admission.enter(Lane.EMERGENCY))
        await asyncio.sleep(0)
        at.now += 0.02
        admission.leave(held)
        held = await following
    second = asyncio.create_task(admission.enter(Lane.BATCH))
    await asyncio.sleep(0)
    admission.leave(held)
    held = await machine
    assert admission.hopeless(Lane.BATCH), "a turn a second, of late, and one waits"
    admission.leave(held)
    admission.leave(await second)
    at.now += 0.5
    assert not admission.hopeless(Lane.BATCH, 4), "a turn for each of them, of 20 ms"


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
    ],
)
def test_only_our_own_proxies_say_who_calls(peer: str, forwarded: str, found: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client(peer, forwarded) == found
    assert Proxies([]).client(peer, forwarded) == peer


def test_who_comes_by_our_own_socket_is_a_proxy_of_ours_and_a_missing_address_is_none() -> None:
    assert Proxies([]).trusts(SOCKET)
    assert Proxies([]).client(SOCKET, "203.0.113.9, 198.51.100.7") == "198.51.100.7"
    assert Proxies(["10.0.0.0/8"]).client("10.0.0.1", "198.51.100.7, unix") == "10.0.0.1", "no header says it"
    assert not Proxies(["10.0.0.0/8"]).trusts("")


@pytest.mark.parametrize("origin", ["*", "https://*.example", "app.example", "https://app.example/"])
def test_an_origin_is_written_in_full(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Cors([origin])


SECONDS = Seconds(read=4, batch=30)
VERBS = {("Task", "accept"), ("Slot", "hold")}


@pytest.mark.parametrize(
    ("method", "path", "name", "lane", "limit", "writes"),
    [
        ("GET", "/Patient/p-1", "GET /fhir/Patient/{id}", Lane.BATCH, Limit.NONE, False),
        ("GET", "/Patient", "GET /fhir/Patient", Lane.BATCH, Limit.SEARCH, False),
        ("POST", "/Patient/_search", "POST /fhir/Patient/_search", Lane.BATCH, Limit.SEARCH, False),
        ("POST", "/Patient", "POST /fhir/Patient", Lane.BATCH, Limit.NONE, True),
        ("POST", "", "POST /fhir/", Lane.BATCH, Limit.NONE, True),
        ("PUT", "/Task/t-1", "PUT /fhir/Task/{id}", Lane.BATCH, Limit.NONE, True),
        ("GET", "/Task/t-1/_history/3", "GET /fhir/Task/{id}/_history/{id}", Lane.BATCH, Limit.NONE, False),
        ("POST", "/Task/t-1/$accept", "POST /fhir/Task/$accept", Lane.BATCH, Limit.NONE, True),
        ("GET", "/Patient/p-1/$everything", "GET /fhir/Patient/$everything", Lane.BATCH, Limit.EXPORT, False),
        ("POST", "/ValueSet/$expand", "POST /fhir/ValueSet/$", Lane.BATCH, Limit.NONE, False),
        ("POST", "/Patient/p-1/$break-glass", "POST /fhir/Patient/$break-glass", Lane.EMERGENCY, Limit.BREAK_GLASS, True),
        ("GET", "/Dupont/Jeanne", "GET /fhir/?", Lane.BATCH, Limit.NONE, False),
        ("POST", "/Task/t-1/$Dupont", "POST /fhir/Task/$", Lane.BATCH, Limit.NONE, False),
    ],
)
def test_a_request_of_the_api_has_its_lane_and_a_name_without_anybody_in_it(
    method: str, path: str, name: str, lane: Lane, limit: Limit, writes: bool
) -> None:
    route = classify(method, path, VERBS, SECONDS)
    assert (route.name, route.lane, route.limit, route.writes) == (name, lane, limit, writes)
