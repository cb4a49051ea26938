"""What is asked of a peer, and what its answers mean: done, refused for good, or later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from maillage.access import peers
from maillage.access.clients import rules
from maillage.doors.connectors.peers.client import Away, PeerClient, Refused
from maillage.doors.connectors.peers.messenger import LOST
from maillage.doors.connectors.peers.telling import tell
from maillage.journeys.exchange import Parcel
from maillage.kernel.errors import NotFound

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
Answer = tuple[int, Any]


@asynccontextmanager
async def there(answers: Mapping[str, list[Answer]], folder: Path) -> AsyncIterator[tuple[PeerClient, list[str]]]:
    """A peer that answers each path with the next of its answers, the last one again and again; and what it heard."""
    heard: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line.partition(":")[2]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        method, path = head.split(" ")[:2]
        heard.append(f"{method} {path}" if "oauth" not in path else body)
        waiting = answers.get(path) or [(200, {"access_token": "t"})]
        status, told = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        content = told if type(told) is bytes else msgspec.json.encode(told)
        extra = "location: http://127.0.0.1:1/elsewhere\r\n" if 300 <= status < 400 else ""
        writer.write(
            f'HTTP/1.1 {status} X\r\netag: W/"7"\r\n{extra}content-length: {len(content)}\r\nconnection: close\r\n\r\n'.encode() + content
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = PeerClient(known(address), peers.load(folder / "peers.key"), "", NOW)
        try:
            yield client, heard
        finally:
            await client.close()


def known(address: str) -> peers.Peer:
    return peers.Peer("percy", address, "clamart", ("hia-percy",), NOW)


def outcome(reason: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"details": {"coding": [{"code": reason}]}}]}


async def test_a_token_is_asked_for_with_a_proof_that_the_other_side_can_check(data_dir: Path) -> None:
    async with there({}, data_dir) as (client, heard):
        await client.ask("GET", "Task/1")
        await client.ask("GET", "Task/2")
        address = client._peer.address
    assert [line for line in heard if line.startswith("GET")] == ["GET /Task/1", "GET /Task/2"]
    assert len(heard) == 3, "one token for a turn"
    proof = heard[0].rpartition("client_assertion=")[2]
    jwks = rules.public_keys(peers.public_keys(peers.load(data_dir / "peers.key")))
    assert rules.verify(proof, "clamart", jwks, f"{address}/oauth/token", NOW).expires_at == NOW + timedelta(minutes=4)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((503, outcome("overloaded")), "http-503"),
        ((429, outcome("too-many-requests")), "http-429"),
        ((401, outcome("token-unknown")), "http-401"),
        ((409, outcome("idempotency-key-in-use")), "idempotency-key-in-use"),
        ((200, b'{"a":' + b"[" * 100_000), "not-json"),
        ((302, {}), "http-302"),
        ((200, b"<html>"), "not-json"),
        ((200, b"x" * (9 * 1024 * 1024)), "too-large"),
    ],
    ids=["overloaded", "too-often", "token", "under-way", "nested", "redirect", "no-json", "flood"],
)
async def test_what_says_nothing_of_the_step_is_tried_later(data_dir: Path, answer: Answer, why: str) -> None:
    async with there({"/Task/1": [answer]}, data_dir) as (client, heard):
        with pytest.raises(Away, match=why):
            await client.ask("GET", "Task/1")
    assert not any("elsewhere" in line for line in heard)


@pytest.mark.parametrize(
    ("told", "reason"),
    [(outcome("not-in-table"), "not-in-table"), (outcome("Dupont Marie"), "http-409"), ({}, "http-409"), ({"issue": ["?"]}, "http-409")],
)
async def test_a_refusal_is_kept_as_a_code_never_as_a_text(data_dir: Path, told: Any, reason: str) -> None:
    async with there({"/Task/1": [(409, told)]}, data_dir) as (client, _):
        with pytest.raises(Refused) as refused:
            await client.ask("GET", "Task/1")
    assert str(refused.value) == reason


async def test_nobody_there_and_no_token_are_later_too(data_dir: Path) -> None:
    async with there({"/oauth/token": [(400, {"error": "invalid_client"})]}, data_dir) as (client, _):
        with pytest.raises(Away, match="token-refused"):
            await client.ask("GET", "Task/1")
    gone = PeerClient(known("http://127.0.0.1:9"), peers.load(data_dir / "peers.key"), "", NOW)
    with pytest.raises(Away, match="connection"):
        await gone.ask("GET", "Task/1")
    plain = PeerClient(known("http://percy.example"), peers.load(data_dir / "peers.key"), "", NOW)
    with pytest.raises(Away, match="address-unsafe"):
        await plain.ask("GET", "Task/1")
    await gone.close()
    await plain.close()


async def no_file(_: str) -> dict[str, Any]:
    raise LookupError


def step(client: PeerClient) -> Parcel:
    return Parcel(client._peer, "1", 2, "1", "open", {"resourceType": "Parameters"}, "role-1")


async def test_somebody_faster_there_is_decided_anew_and_an_unknown_person_is_left_out(data_dir: Path) -> None:
    verbs: list[Answer] = [(412, outcome("stale")), (422, outcome("agent-unknown")), (200, {})]
    async with there({"/Task/1": [(200, {})], "/Task/1/$open": verbs}, data_dir) as (client, heard):
        await tell(client, step(client), no_file)
    assert [line for line in heard if line.endswith(("/Task/1", "$open"))] == [
        *("GET /Task/1", "POST /Task/1/$open"),
        *("GET /Task/1", "POST /Task/1/$open", "POST /Task/1/$open"),
    ]


async def test_a_step_whose_answer_was_lost_is_done(data_dir: Path) -> None:
    async with there({"/Task/1": [(200, {})], "/Task/1/$open": [(422, outcome("idempotency-key-reused"))]}, data_dir) as (client, heard):
        await tell(client, step(client), no_file)
    assert heard[-1] == "POST /Task/1/$open"


async def test_a_task_that_is_not_there_is_a_refusal(data_dir: Path) -> None:
    async with there({"/Task/1": [(404, outcome("not-found"))]}, data_dir) as (client, _):
        with pytest.raises(Refused, match="not-found"):
            await tell(client, step(client), no_file)


async def test_the_key_is_made_once_and_is_for_its_account_alone(data_dir: Path) -> None:
    made = await asyncio.gather(*(asyncio.to_thread(peers.load, data_dir / "peers.key") for _ in range(4)))
    assert len({key.kid for key in made}) == 1
    assert (data_dir / "peers.key").stat().st_mode & 0o777 == 0o600
    assert '"d"' not in peers.public_keys(made[0])


async def test_a_file_that_was_taken_back_holds_up_nothing(data_dir: Path) -> None:
    """The step of a file that is no longer there has an end, and the peer is told of what follows."""
    async with there({"/Task/1": [(200, {})]}, data_dir) as (client, _):

        async def gone(_: str) -> dict[str, Any]:
            raise NotFound("DocumentReference", "f1")

        parcel = replace(step(client), verb="attach", part="answer", files=("f1",))
        with pytest.raises(NotFound) as lost:
            await tell(client, parcel, gone)
    assert lost.value.reason in LOST
