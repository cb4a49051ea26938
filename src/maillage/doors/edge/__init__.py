"""The HTTP edge, in front of both doors: whose host, whose address, how many, how long, in which order, and when to refuse."""

from maillage.doors.edge.asked import charge, client_address, request_id_of
from maillage.doors.edge.doorstep import Doorstep
from maillage.doors.edge.headers import SECURITY_HEADERS, transport_security
from maillage.doors.edge.layer import LOOPBACK, Door, Edge
from maillage.doors.edge.protocol import guarded
from maillage.doors.edge.proxies import SOCKET
from maillage.doors.edge.routes import Lane, Limit, Route
from maillage.doors.edge.stance import Stance

__all__ = [
    "LOOPBACK",
    "SECURITY_HEADERS",
    "SOCKET",
    "Door",
    "Doorstep",
    "Edge",
    "Lane",
    "Limit",
    "Route",
    "Stance",
    "charge",
    "client_address",
    "guarded",
    "request_id_of",
    "transport_security",
]
