"""A line of the log: a coded event and listed fields; never the text of a message, never the text of an error."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import Any

import pytest

from maillage.cli.logs import FIELDS, MOMENT, MOST_LINES, Gathered, JsonLines
from maillage.kernel.errors import Invalid

CANARY = "Kanarienvogel"


def line(message: str, *args: object, error: BaseException | None = None, name: str = "maillage.web", **extra: Any) -> dict[str, Any]:
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, (type(error), error, None) if error else None)
    vars(record).update(extra)
    text = JsonLines().format(record)
    assert "\n" not in text
    assert CANARY not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_an_event_has_its_code_and_its_listed_fields() -> None:
    said = line("request for %s", CANARY, code="request", request_id="r-1", status=200, ms=1.5, patient=CANARY)
    assert (said["event"], said["level"], said["request_id"], said["status"], said["ms"]) == ("request", "error", "r-1", 200, 1.5)
    assert said.keys() <= {"time", "level", "event", "error", *FIELDS}


def test_a_message_without_a_code_keeps_its_first_words_and_no_value() -> None:
    assert line("Invalid HTTP request received.", name="uvicorn.error")["event"] == "uvicorn:invalid-http-request-received"
    assert (
        line(f"Task exception was never retrieved\nfuture: {CANARY}", name="asyncio")["event"]
        == "asyncio:task-exception-was-never-retrieved"
    )


def raised() -> BaseException:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            raise Invalid.one("bad", details=CANARY) from error
    except Invalid as error:
        return error


def test_an_error_is_told_by_types_and_places() -> None:
    said = line("web-defect", error=raised(), code="web-defect")
    assert [link["type"] for link in said["error"]] == ["Invalid", "ValueError"]
    assert any("raised" in frame for frame in said["error"][0]["frames"])


def _record(level: int) -> logging.LogRecord:
    return logging.LogRecord("maillage.edge", level, __file__, 1, "request", (), None)


@pytest.mark.asyncio
async def test_lines_wait_a_moment_for_one_another_and_a_warning_takes_them_along() -> None:
    stream = io.StringIO()
    handler = Gathered(stream)
    handler.handle(_record(logging.INFO))
    handler.handle(_record(logging.INFO))
    assert not stream.getvalue()
    handler.handle(_record(logging.WARNING))
    assert stream.getvalue().count("\n") == 3
    handler.handle(_record(logging.INFO))
    await asyncio.sleep(3 * MOMENT)
    assert stream.getvalue().count("\n") == 4
    for _ in range(MOST_LINES):
        handler.handle(_record(logging.INFO))
    assert stream.getvalue().count("\n") == 4 + MOST_LINES


def test_a_line_is_written_at_once_where_nothing_would_write_it_later() -> None:
    stream = io.StringIO()
    handler = Gathered(stream)
    handler.handle(_record(logging.INFO))
    assert stream.getvalue() == "request\n"
    stream.close()
    handler.handle(_record(logging.ERROR))
