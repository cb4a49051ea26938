"""F20 with a server under load: its disk is lost; what was acknowledged five minutes before is there again within half an hour."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.actions.test_kill import WHOLE, Load, counts
from tests.faults.test_nightly import invariants
from tests.support.serving import Server, served
from tests.support.site_load import UNCOUNTED

pytestmark = pytest.mark.nightly
RPO, RTO = 300.0, 1800.0


def command(server: Server, *words: str) -> dict[str, Any]:
    """What a command of maillage answers."""
    done = subprocess.run(
        [sys.executable, "-m", "maillage", *words, "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **server.environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_f20_a_lost_disk_is_restored_in_time(data_dir: Path, record_property: Any) -> None:
    data, archive, again = data_dir / "data", data_dir / "archive", data_dir / "again"
    settings = {**UNCOUNTED, "MAILLAGE_BACKUP__ARCHIVE": str(archive), "MAILLAGE_BACKUP__ARCHIVE_SECONDS": "10"}
    with served(data, **settings) as server:
        with Load(server, insist=True) as load:
            load.reach(10)
            made = command(server, "backup", str(data_dir / "copy"), "--data", str(data), "--verify")
            load.reach(len(load.acknowledged) + 20)
            early, until = list(load.acknowledged), time.monotonic() + 30
            while time.monotonic() < until:
                load.reach(len(load.acknowledged) + 1)
            load._stop.set()
            lost_at, postmaster = datetime.now(UTC), server.postmaster()
            server.kill()
            os.kill(postmaster, signal.SIGKILL)
        shutil.rmtree(data)
        again.mkdir(mode=0o711)
        told = command(server, "restore", str(data_dir / "copy"), "--archive", str(archive), "--data", str(again))
        rpo = (lost_at - datetime.fromisoformat(told["reached"])).total_seconds()
        record_property("F20", f"RPO {rpo:.1f} s, RTO {told['rto_seconds']} s; nightly: {made['verified']['rto_seconds']} s")
        assert 0 <= rpo <= RPO
        assert told["rto_seconds"] <= RTO
        server.data = again
        server.start()
        with load.client() as client:
            assert [write.key for write in early if counts(client, write) != WHOLE] == []
            assert {counts(client, write) for write in load.writes} <= {WHOLE, (0,)}, "nothing is half there"
        assert invariants(server) == []
