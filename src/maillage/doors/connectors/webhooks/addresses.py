"""Where nothing is ever sent: our own machine, private and link-local networks, the metadata services of clouds, and what stands for one of them in
another writing (CVE-2026-34361; RFC 6890, 6052, 3056, 4380). Judged on the address that was resolved, which is then the one that is connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS: Final = {"https": 443, "http": 80}
CLOUDS: Final = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "192.0.0.192")))
"""Metadata services on addresses that are public by their form."""

_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
_RESOLVERS = ThreadPoolExecutor(8, thread_name_prefix="webhook-name")
"""Threads of their own: a name server that hangs holds up nobody else."""


class Refused(Exception):
    """The address is none that we send to."""


def is_public(address: Address, *, loopback: bool = False) -> bool:
    """Whether an address may be reached. `loopback`: our own machine, too, for tests and trials; nothing else of what is not public."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.scope_id or address.is_site_local:
            return False
    if address.is_loopback:
        return loopback
    return address.is_global and not address.is_multicast and not address.is_reserved and address not in CLOUDS


@dataclass(frozen=True, slots=True)
class Place:
    """An address to connect to, and the names that the other side is asked for."""

    url: str
    host: str
    named: str


async def pinned(url: str, *, loopback: bool = False) -> Place:
    """The URL with the one address that was judged in the place of the name. Raises as `resolve` does, `Refused` without TLS too."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if parts.scheme != "https" and not loopback:
        raise Refused(host)
    address = await resolve(host, port, loopback=loopback)
    at = f"{f'[{address}]' if ':' in address else address}:{port}"
    return Place(urlunsplit((parts.scheme, at, parts.path or "/", parts.query, "")), host, parts.netloc)


async def resolve(host: str, port: int, *, loopback: bool = False) -> str:
    """The one address to connect to. Raises `Refused` when any that the name stands for is not public, `OSError` when it stands for none."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_RESOLVERS, _look_up, host, port)
    addresses = list(dict.fromkeys(ipaddress.ip_address(text) for text in found))
    if not addresses:
        raise OSError("no address")
    if not all(is_public(address, loopback=loopback) for address in addresses):
        raise Refused(host)
    return str(addresses[0])


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
