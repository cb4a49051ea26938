"""Everything that `maillage serve` serves, on a socket, over the opened territory, at the test's clock."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.conftest import LIMITS
from tests.journeys.conftest import Running
from tests.support import postgres

from maillage.access import issue_token
from maillage.app import create_app
from maillage.cli.scenario.server import HOSPITAL, TOWN
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.settings import DataSettings, DemoSettings, EdgeSettings, Settings
from maillage.store import Database

UNHURRIED = EdgeSettings(
    **dict.fromkeys(
        ("per_address", "per_person", "per_client", "per_organization", "patient_search", "patient_search_by_client", "export"), 0
    ),
    **dict.fromkeys(("wait_emergency", "wait_interactive", "wait_batch", "deadline", "deadline_read", "deadline_batch"), 60.0),
)
"""A suite on a busy machine is neither a flood nor a hurry; both have tests of their own."""


class Whole(Running):
    """Everything that `maillage serve` serves, on the opened territory."""

    def __init__(self, cluster: postgres.TestCluster, clock: FixedClock, data: Path) -> None:
        super().__init__(cluster, clock)
        self.data = data

    def application(self, database: Database) -> Any:
        return create_app(Settings(demo=DemoSettings(enabled=True), data=DataSettings(folder=self.data), edge=UNHURRIED), database)

    def tokens(self) -> dict[str, str]:
        """A bearer token for each side of the request."""
        with ThreadPoolExecutor(1) as beside:  # the thread of the test may hold the loop of a browser
            return beside.submit(asyncio.run, self._tokens()).result(60)

    async def _tokens(self) -> dict[str, str]:
        database = await postgres.open_both(self.dsn, self.clock, limits=LIMITS)
        try:
            async with database.transaction(SYSTEM) as tx:
                scopes, hour = ["system/*.cruds"], timedelta(hours=1)
                return {side: await issue_token(tx, f"client-{side}", scopes, [side], hour) for side in (TOWN, HOSPITAL)}
        finally:
            await database.close()
