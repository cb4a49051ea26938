"""Given a town and a hospital that each have a maillage of their own, when the town refers a patient and its server is killed in the middle, then both tell
the same story in the end: nothing is lost, nothing is done twice (I9, F1, F19)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from tests.support.following import SECRET, wanted
from tests.support.receiver import Got, Receiver
from tests.support.serving import Server, served

from maillage import access
from maillage.access.clients import actions
from maillage.access.identity import Sealer
from maillage.cli.scenario.client import Client, Journal, state_of
from maillage.cli.scenario.referral import referral_bundle
from maillage.cli.scenario.server import HOSPITAL, TOWN
from maillage.cli.scenario.session import SERVICE
from maillage.doors.connectors.webhooks.courier import purpose
from maillage.kernel.actor import SYSTEM
from maillage.settings import DataSettings, Settings
from maillage.store.server import opened

pytestmark = pytest.mark.nightly
OWN = {
    "Patient": ("identifier", "name", "gender", "birthDate", "telecom", "managingOrganization"),
    "ServiceRequest": ("extension", "status", "intent", "priority", "subject", "requester", "performer", "reasonCode", "supportingInfo"),
    "QuestionnaireResponse": ("questionnaire", "status", "subject", "basedOn", "item"),
}
"""What the hospital's software takes over of each resource."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """The partners' software, listening in a thread of its own."""
    receiver, ready, loop = Receiver(), threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def listen() -> None:
        async with receiver:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(listen()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


async def approved(data: Path, url: str) -> dict[str, str]:
    """A token for the software of each side, which may be told of what it follows."""
    settings = Settings(data=DataSettings(folder=data))
    made: dict[str, str] = {}
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        for organization in (TOWN, HOSPITAL):
            name = f"logiciel-{organization}"
            made[organization] = await access.issue_token(tx, name, ["system/*.cruds"], [organization], timedelta(hours=1))
            await actions.allow_address(tx, name, url)
            await actions.put_signing(tx, name, Sealer.of(settings).seal(SECRET, purpose(name)), keep=False)
    return made


class Instance:
    """One maillage, and the software of both sides that speaks to it."""

    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        tokens = asyncio.run(approved(server.data, url))
        self.http = httpx.Client(base_url=server.base, timeout=20)
        self.town, self.hospital = (Client(self.http, tokens[place], place, Journal()) for place in (TOWN, HOSPITAL))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def form(self) -> tuple[str, dict[str, Any]]:
        """The questionnaire of the service, as a partner finds it."""
        service = self.town.get(f"HealthcareService/{SERVICE}")
        plan = next(e["valueCanonical"] for e in service["extension"] if "Questionnaire" in e.get("valueCanonical", ""))
        url, _, version = plan.partition("|")
        return plan, self.town.get(f"Questionnaire?url={url}&version={version}")["entry"][0]["resource"]

    def refer(self, bundle: dict[str, Any]) -> str:
        answer = self.town.step("referral", "POST", "", bundle)
        [task] = [entry["response"]["location"] for entry in answer["entry"] if "/Task/" in entry["response"]["location"]]
        return str(task.split("/Task/")[1].partition("/")[0])


def until(true: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait for something to be so; what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def last_about(receiver: Receiver, instance: Instance, task: str) -> Got | None:
    """The last event that this instance told of a Task."""
    return next((got for got in reversed(receiver.events) if got.focus == f"{instance.server.base}/fhir/Task/{task}"), None)


def taken_over(here: Instance, there: Instance, task: str) -> dict[str, Any]:
    """The package of a referral as the hospital's software reads it in town, for a referral in the hospital's own maillage."""
    found = here.hospital.get(f"Task/{task}")
    request = here.hospital.get(found["focus"]["reference"])
    read = [here.hospital.get(found["for"]["reference"]), request, here.hospital.get(request["supportingInfo"][0]["reference"])]
    plan, form = there.form()
    bundle = referral_bundle(plan, form)
    names = {f"{one['resourceType']}/{one['id']}": entry["fullUrl"] for one, entry in zip(read, bundle["entry"], strict=False)}
    for one, entry in zip(read, bundle["entry"], strict=False):
        kept = {key: one[key] for key in OWN[one["resourceType"]] if key in one}
        entry["resource"] = renamed({"resourceType": one["resourceType"], **kept}, names)
    return bundle


def renamed(value: Any, names: dict[str, str]) -> Any:
    """References to what is taken over lead to it where it will be."""
    if isinstance(value, dict):
        return {key: names.get(item, item) if key == "reference" else renamed(item, names) for key, item in value.items()}
    return [renamed(item, names) for item in value] if isinstance(value, list) else value


def test_a_referral_goes_from_one_maillage_to_another_through_a_kill(data_dir: Path) -> None:
    trial = {"MAILLAGE_SUBSCRIPTIONS__LOOPBACK": "true"}
    with ExitStack() as opening:
        receiver = opening.enter_context(receiving())
        one, two = (opening.enter_context(served(data_dir / name, **trial)) for name in ("ville", "hopital"))
        town, hospital = opening.enter_context(Instance(one, receiver.url)), opening.enter_context(Instance(two, receiver.url))
        mine = f"Task?owner=HealthcareService/{SERVICE}"
        for follower, name in ((town.hospital, "ville"), (hospital.town, "hopital")):
            follower.step(name, "POST", "Subscription", wanted(receiver.url, mine))
        until(lambda: [got.kind for got in receiver.got].count("handshake") == 2)

        sent = town.refer(referral_bundle(*town.form()))
        until(lambda: last_about(receiver, town, sent))
        received = hospital.refer(taken_over(town, hospital, sent))
        until(lambda: last_about(receiver, hospital, received))
        one.kill()

        receiver.answers = [503]  # the town's side is down: its software says so, and is told again
        hospital.hospital.verb("read", f"Task/{received}/$open")
        refused = until(lambda: [got for got in receiver.events if got.number == 2 and got.focus.startswith(two.base)])[0]
        one.start()
        hospital.hospital.verb("accepted", f"Task/{received}/$accept")
        until(lambda: [got.id for got in receiver.events].count(refused.id) == 2)
        until(lambda: last_about(receiver, hospital, received).number >= 3)  # type: ignore[union-attr]  # it was told before
        for verb in ("open", "accept"):  # what was told is played in town, by the hospital's software
            town.hospital.verb(verb, f"Task/{sent}/${verb}")

        states = [state_of(who.get(f"Task/{id}")) for who, id in ((town.town, sent), (hospital.hospital, received))]
        assert states == ["to-book", "to-book"]
        until(lambda: last_about(receiver, town, sent).number >= 3)  # type: ignore[union-attr]  # it was told before
        for instance in (town, hospital):
            told: dict[int, set[str]] = {}
            for got in receiver.events:
                if got.focus.startswith(instance.server.base):
                    told.setdefault(got.number, set()).add(got.id)
                    assert got.is_signed_with(SECRET)
            assert sorted(told) == list(range(1, max(told) + 1)), "nothing is lost"
            assert all(len(ids) == 1 for ids in told.values()), "what comes twice has one id"
