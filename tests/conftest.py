"""What every test gets: a fixed clock, a database of its own, and no network but the loopback."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from tests.support import claims, postgres
from tests.support.drift import drifting

from maillage.access.identity import passwords
from maillage.kernel.actor import Actor
from maillage.kernel.clock import FixedClock
from maillage.store import Database, Limits

MONDAY = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
LIMITS = Limits(pool_size=20, acquire=10.0, lock=10.0, statement=15.0)  # tests race on purpose: a busy machine is not what they look at

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # how fast this machine is today is no rule
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.begin_run()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Names that do not depend on the order of a set: every worker must collect the same tests."""
    if isinstance(val, frozenset | set):
        return "+".join(sorted(map(str, val))) or "nobody"
    if isinstance(val, Actor):
        return "-".join([val.kind, val.id, *val.organizations, *sorted(val.roles)])
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.end_run()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What tests measured; and after a run of everything: each test that our promises name has passed in it, or the run fails."""
    reports = [report for state in ("passed", "failed") for report in terminalreporter.stats.get(state, ())]
    if figures := sorted({f"{name}: {value}" for report in reports for name, value in getattr(report, "user_properties", ())}):
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(figures))
    whole = not config.getoption("keyword") and config.getoption("markexpr") == "not nightly" and config.args == config.getini("testpaths")
    if hasattr(config, "workerinput") or not whole:
        return
    passed = {report.nodeid.partition("[")[0] for report in terminalreporter.stats.get("passed", ())}
    if silent := sorted(claims.named() - passed):
        terminalreporter.section("named by docs/promises.csv, hazards.csv or asvs.csv, and not passed")
        terminalreporter.write_line("\n".join(silent))
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuse any connection that would leave the machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands on Monday 16 November 2026, 09:00 in Paris, until the test moves it."""
    return FixedClock(MONDAY)


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.TestCluster]:
    """The embedded PostgreSQL of this run, shared by its workers."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = postgres.TestCluster(Path(os.environ[postgres.FOLDER]), worker)
    made.postgres.start()
    yield made
    made.stop()


@pytest_asyncio.fixture
async def dsn(request: pytest.FixtureRequest, cluster: postgres.TestCluster) -> str:
    """The address of a database that belongs to this test: empty, or as the module's `FILL` (see `support/postgres.py`) leaves it."""
    fill = getattr(request.module, "FILL", postgres.ground)
    return await cluster.database(f"{fill.__module__.rpartition('.')[2]}_{fill.__name__}", fill)


@pytest_asyncio.fixture
async def db(request: pytest.FixtureRequest, cluster: postgres.TestCluster, dsn: str, clock: FixedClock) -> AsyncIterator[Database]:
    """An empty database, under the test's clock; queries without ORDER BY are answered in any order.

    Afterwards every row must still be what its last photograph shows, unless the test is marked `drifts`.
    """
    database = await cluster.open(dsn, clock, LIMITS)
    try:
        yield database
        if not request.node.get_closest_marker("drifts"):
            assert await drifting(dsn, clock) == []
    finally:
        await cluster.leave(database)


@pytest.fixture
def light_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """argon2 at its least cost: the real work takes a tenth of a second and 64 MiB each time."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()
    yield
    passwords._nobody.cache_clear()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder in which an embedded PostgreSQL can be started, whoever runs the tests."""
    folder = postgres.open_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the Chromium that set-up found or brought."""
    path = os.environ.get("MAILLAGE_CHROMIUM") or (Path(__file__).parents[1] / ".setup" / "browser").read_text(encoding="utf-8")
    return path.strip()
