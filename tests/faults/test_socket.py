"""The Unix socket of a whole server: who comes by it is a proxy of ours, and whoever that one names is counted."""

from __future__ import annotations

import tempfile
from pathlib import Path

import httpx
import pytest
from tests.support.serving import served

pytestmark = pytest.mark.slow
FEW = 5


def test_by_the_socket_callers_are_counted_by_the_address_that_the_proxy_writes(data_dir: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="m") as folder:
        path = Path(folder) / "s"
        told = {"MAILLAGE_SERVER__SOCKET": str(path), "MAILLAGE_EDGE__PER_ADDRESS": str(FEW)}
        with (
            served(data_dir, **told) as server,
            httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url=server.base, timeout=30) as proxy,
            httpx.Client(base_url=server.base, timeout=30) as direct,
        ):

            def asked(client: httpx.Client, forwarded: str) -> list[int]:
                headers = {"x-forwarded-for": forwarded}
                return [client.get("/fhir/metadata", headers=headers).status_code for _ in range(FEW + 1)]

            assert proxy.get("/healthz").status_code == 200
            assert asked(proxy, "198.51.100.7") == [200] * FEW + [429]
            assert asked(proxy, "192.0.2.1, 198.51.100.8") == [200] * FEW + [429], "another address"
            assert asked(proxy, "192.0.2.2, 198.51.100.8") == [429] * (FEW + 1), "what a caller writes itself counts for nothing"
            assert asked(direct, "198.51.100.9") == [200] * FEW + [429], "by TCP nobody is believed"
            assert asked(direct, "unix") == [429] * (FEW + 1)
            assert asked(proxy, "198.51.100.9") == [200] * FEW + [429]
        assert not path.exists(), "it goes with its server"
