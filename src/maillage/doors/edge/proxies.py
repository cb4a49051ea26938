"""`X-Forwarded-For` and `X-Forwarded-Proto` count only from the proxies that the operator named (OWASP ASVS 5.0, V4.1)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

SOCKET = "unix"
"""Stands for the address of who comes by our own Unix socket: whoever may open it is a proxy of ours. No address looks so, and no header can say it."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The networks of our own proxies."""

    __slots__ = ("_networks", "_trusted")

    def __init__(self, named: Iterable[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(name, strict=False) for name in named)
        self._trusted = lru_cache(maxsize=64)(self._is_ours)

    def client(self, peer: str, forwarded: str) -> str:
        """The address of the caller: the last one that no proxy of ours has, read from the right, where our own proxies write."""
        if not forwarded or not self._trusted(peer):
            return peer
        for address in reversed([part.strip() for part in forwarded.split(",")]):
            plain = _address(address)
            if not plain:
                return peer
            if not self._trusted(plain):
                return plain
        return peer

    def trusts(self, peer: str) -> bool:
        """Whether this peer is one of our proxies."""
        return peer == SOCKET or (bool(self._networks) and self._trusted(peer))

    def _is_ours(self, address: str) -> bool:
        if address == SOCKET:
            return True
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def _address(text: str) -> str:
    """The address alone: `[::1]:80` and `192.0.2.1:80` lose their port; empty for what is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
