"""How many requests a minute: by address before anybody is known, then by person, client and organisation (OWASP ASVS 5.0, V2.4)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from time import monotonic

from maillage.doors.edge.buckets import Buckets
from maillage.doors.edge.routes import Limit
from maillage.kernel.actor import Actor
from maillage.kernel.errors import TooMany
from maillage.settings import EdgeSettings


class Rates:
    """The buckets of one process."""

    def __init__(self, settings: EdgeSettings, at: Callable[[], float] = monotonic) -> None:
        def buckets(per_minute: int) -> Buckets:
            return Buckets(per_minute, settings.most_buckets, at)

        self.address = buckets(settings.per_address)
        self.person = buckets(settings.per_person)
        self.client = buckets(settings.per_client)
        self.organization = buckets(settings.per_organization)
        self.searches_by_client = buckets(settings.patient_search_by_client)
        self.strict = {
            Limit.LOGIN: buckets(settings.login_per_address),
            Limit.SEARCH: buckets(settings.patient_search),
            Limit.EXPORT: buckets(settings.export),
            Limit.BREAK_GLASS: buckets(settings.break_glass),
        }

    def arrived(self, address: str, limit: Limit) -> int:
        """Before anybody is known: the seconds to wait, or 0. Signing in is counted here, by address: nobody is anybody yet."""
        key = _network(address)
        return self.address.take(key) or (self.strict[Limit.LOGIN].take(key) if limit is Limit.LOGIN else 0)

    def known(self, actor: Actor, limit: Limit) -> None:
        """Once somebody is known. Raises `TooMany`."""
        who = actor.role_id or actor.id
        waits = (self.client if actor.kind == "client" else self.person).take(f"{actor.kind} {who}")
        waits = waits or self.organization.take(actor.organization)
        if not waits and limit not in (Limit.NONE, Limit.LOGIN):
            machine = actor.kind == "client" and limit is Limit.SEARCH
            waits = (self.searches_by_client if machine else self.strict[limit]).take(f"{actor.kind} {who}")
        if waits:
            raise TooMany(waits)


def _network(address: str) -> str:
    """One caller has one IPv4 address, and as many IPv6 addresses as it likes in a /64."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
