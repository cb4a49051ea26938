"""FHIR JSON in and out: decimals keep their digits (`4.20` stays `4.20`), errors say where, depth is capped.

A key given twice: the last one wins, as msgspec does.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from re import search
from typing import Any, Final

import msgspec

from maillage.kernel.errors import Malformed

MAX_DEPTH: Final = 64
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def encode(value: Any) -> bytes:
    """JSON bytes, UTF-8, decimals written with the digits that they have."""
    return _ENCODER.encode(value)


def encode_text(value: Any) -> str:
    """The same as text, for a column."""
    return _ENCODER.encode(value).decode()


def decode(data: bytes | bytearray | str) -> Any:
    """The value, or Malformed with the line and column of the first fault."""
    try:
        value = _DECODER.decode(data)
    except msgspec.MsgspecError as error:
        raise _malformed(str(error), data) from error
    except UnicodeError as error:
        raise Malformed.one("not-utf-8", details="The text is not valid UTF-8.") from error
    except InvalidOperation as error:
        raise Malformed.one("not-json", details="The text holds a number that is out of range.") from error
    except RecursionError as error:
        raise _too_deep() from error
    if _may_be_deep(data) and _is_deep(value):
        raise _too_deep()
    return value


def _may_be_deep(data: bytes | bytearray | str) -> bool:
    if isinstance(data, str):
        return data.count("{") + data.count("[") > MAX_DEPTH
    return data.count(b"{") + data.count(b"[") > MAX_DEPTH


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        inner = [x.values() if type(x) is dict else x for x in level if type(x) is dict or type(x) is list]
        level = [child for children in inner for child in children]
        if not level:
            return False
    return any(type(x) is dict or type(x) is list for x in level)


def _too_deep() -> Exception:
    return Malformed.one("too-deep", details=f"The text is nested more than {MAX_DEPTH} levels deep.")


def _malformed(message: str, data: bytes | bytearray | str) -> Exception:
    """Our sentence, with the place in lines and columns: people read lines, machines count bytes."""
    raw = data.encode() if isinstance(data, str) else bytes(data)
    found = search(r"\(byte (\d+)\)", message)
    if "truncated" in message:
        where, what = len(raw), "the text ends too early"
    elif found:
        where, what = int(found[1]), message.partition(": ")[2].partition(" (")[0] or message
    else:
        where, what = None, message[:1].lower() + message[1:]
    details = f"The text is not valid JSON: {what}"
    if where is not None:
        before = raw[:where]
        details += f" (line {before.count(10) + 1}, column {where - before.rfind(10)}, byte {where})"
    return Malformed.one("not-json", details=details + ".")
