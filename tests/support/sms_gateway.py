"""The gateway that `doors/connectors/sms/README.md` describes: HTTP on a real socket; a message that it has already is taken without being sent again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from maillage.settings import SmsSettings

TOKEN = "gateway-token-of-the-test"


@dataclass(slots=True)
class Gateway:
    """What was sent, how often each message came, and what it will answer: `statuses` are used up first."""

    settings: SmsSettings
    sent: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def texts(self) -> list[str]:
        return [message["text"] for message in self.sent]


@contextmanager
def sms_gateway() -> Iterator[Gateway]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    gateway = Gateway(SmsSettings(url=f"http://127.0.0.1:{server.server_port}/messages", token=TOKEN, timeout=3.0))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            gateway.keys.append(self.headers["Idempotency-Key"])
            status = gateway.statuses.pop(0) if gateway.statuses else 202
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status = 401
            if status == 202 and body["id"] not in {message["id"] for message in gateway.sent}:
                gateway.sent.append(body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
