"""F22: the next version widens the tables under a running server; the older program goes on, and says so when it may not begin."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.actions.test_kill import Load
from tests.faults.test_nightly import invariants, verdict
from tests.support.serving import served
from tests.support.site_load import UNCOUNTED

from maillage.store import EmbeddedPostgres, migrate

pytestmark = pytest.mark.nightly
EXPAND = """
ALTER TABLE referral_task ADD COLUMN of_next_version text;
ALTER TABLE patient ADD COLUMN of_next_version text NOT NULL DEFAULT '';
CREATE TABLE of_next_version (id text PRIMARY KEY);
CREATE INDEX ON referral_task (of_next_version);
"""


def test_f22_tables_that_widen_under_a_running_server_disturb_nobody(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, folder)
    (folder / "0002_expand.sql").write_text(EXPAND, encoding="utf-8")
    with served(data_dir, **UNCOUNTED) as server:
        with Load(server, insist=True) as load:
            load.reach(6)
            with EmbeddedPostgres(data_dir) as dsn:
                assert asyncio.run(migrate.migrate(dsn, folder)) == ["0002_expand"]
            load.reach(len(load.acknowledged) + 12)
        assert not load.broken, load.broken
        assert verdict(load, tmp_path) == []
        assert invariants(server) == []
        server.kill()
        with EmbeddedPostgres(data_dir) as dsn, pytest.raises(migrate.MigrationError, match="by a newer program"):
            asyncio.run(migrate.migrate(dsn))
