"""A Parameters resource into the arguments of a verb, and back: what is wrong is told with its FHIRPath."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from maillage.codes import r4
from maillage.codes.r4.primitives import check_base64
from maillage.kernel.errors import Invalid, Issue, Malformed
from maillage.kernel.operations import Param
from maillage.kernel.period import wall_to_utc


def arguments(resource: Any, declared: tuple[Param, ...]) -> dict[str, Any]:
    """Keyword arguments from a Parameters resource (None: no body). Raises `Malformed` with every fault."""
    parts = _parts(resource)
    faults: list[Issue] = []
    found = _read(parts, declared, "Parameters", faults)
    if faults:
        raise Malformed(*faults)
    return found


def from_query(query: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """A Parameters resource from the parameters of a GET, whose types are not known yet."""
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, "valueString": value} for name, value in query if name not in ("_format", "_pretty")],
    }


def _parts(resource: Any) -> list[Any]:
    if resource is None:
        return []
    if type(resource) is not dict or resource.get("resourceType") != "Parameters":
        raise Malformed.one("resource-type", "Parameters", "A Parameters resource is expected, or no body.")
    parts = resource.get("parameter", [])
    if type(parts) is not list:
        raise Malformed.one("wrong-type", "Parameters.parameter", "A list is expected.")
    return parts


def _read(parts: list[Any], declared: tuple[Param, ...], path: str, faults: list[Issue]) -> dict[str, Any]:
    known = {param.name: param for param in declared}
    found: dict[str, Any] = {}
    for place, part in enumerate(parts):
        where = f"{path}.{'parameter' if path == 'Parameters' else 'part'}[{place}]"
        name = part.get("name") if type(part) is dict else None
        param = known.get(name) if type(name) is str else None
        if param is None:
            faults.append(_fault("not-supported", "parameter-unknown", where, f"Known here: {', '.join(known) or 'none'}."))
            continue
        value = _value(part, param, where, faults)
        if param.many:
            found.setdefault(_argument(param), []).append(value)
        elif _argument(param) in found:
            faults.append(_fault("structure", "parameter-twice", where, f"{param.name} is given once."))
        else:
            found[_argument(param)] = value
    faults += [
        _fault("required", "parameter-missing", path, f"{param.name} is required.", param.name)
        for param in declared
        if param.required and _argument(param) not in found
    ]
    return found


def _argument(param: Param) -> str:
    return param.name.replace("-", "_")


def _fault(code: str, reason: str, where: str, details: str, name: str = "") -> Issue:
    expression = f"{where}.parameter.where(name='{name}')" if name and where == "Parameters" else where
    return Issue("error", code, reason, expression, details)


def _value(part: dict[str, Any], param: Param, where: str, faults: list[Issue]) -> Any:
    if param.parts:
        inner = part.get("part", [])
        return _read(inner if type(inner) is list else [], param.parts, where, faults)
    if "resource" in part and param.type[:1].isupper():
        return _resource(part["resource"], param, where, faults)
    keys = [key for key in part if key.startswith("value")]
    if len(keys) != 1:
        faults.append(_fault("structure", "parameter-value", where, f"{param.name} has one value, a {param.type}."))
        return None
    key = keys[0]
    try:
        value = _convert(key, part[key], param)
    except (ValueError, TypeError, ArithmeticError):
        faults.append(_fault("value", "parameter-value", f"{where}.value", f"{param.name} is a {param.type}."))
        return None
    except Invalid as error:
        raise Invalid.one(error.reason, f"{where}.value", error.issues[0].details) from error
    if param.values and value not in param.values:
        faults.append(_fault("code-invalid", "parameter-code", f"{where}.value", f"{param.name} is one of {', '.join(param.values)}."))
    return value


def _resource(value: Any, param: Param, where: str, faults: list[Issue]) -> Any:
    if param.type in r4.resource_types() or param.type == "Resource":
        found = r4.validate(value, None if param.type == "Resource" else param.type)
        faults += [Issue(f.severity, f.code, f.reason, f"{where}.resource.{f.expression.partition('.')[2]}", f.details) for f in found]
    return value


_TEXTS = frozenset(
    {"valueString", "valueCode", "valueId", "valueUri", "valueUrl", "valueCanonical", "valueMarkdown", "valueOid", "valueUuid"}
)
_DATES = frozenset({"valueDateTime", "valueInstant", "valueDate", "valueString"})


def _convert(key: str, value: Any, param: Param) -> Any:
    """The value as its declared type; a string is read as any simple type, since a GET has nothing else."""
    if param.type in ("code", "string", "id", "uri", "url", "canonical", "markdown"):
        if key == "valueCoding" and type(value) is dict:
            value = value.get("code")
        elif key not in _TEXTS:
            raise TypeError(key)
        return _text(value)
    simple = _SIMPLE.get(param.type)
    if simple is None:
        return _complex(key, value, param)
    keys, read = simple
    if key not in keys:
        raise TypeError(key)
    return read(value)


def _text(value: Any) -> str:
    if type(value) is not str or not value.strip() or "\0" in value or len(value) > 100_000:
        raise ValueError("text")
    return value


def _complex(key: str, value: Any, param: Param) -> Any:
    """A Reference is given to the verb as its literal text, other complex types as they are."""
    if param.type == "Reference":
        if key not in ("valueReference", "valueString", "valueUri"):
            raise TypeError(key)
        return _text(value.get("reference") if type(value) is dict else value)
    wanted = "value" + param.type[:1].upper() + param.type[1:]
    if key != wanted or type(value) is not dict:
        raise TypeError(key)
    return value


def _bytes(value: Any) -> str:
    """Bytes in base64, as long as a body may be; spaces between groups are taken out."""
    if check_base64(value) is not None or not value.strip():
        raise ValueError("base64")
    return "".join(value.split())


def _boolean(value: Any) -> bool:
    if value in ("true", "false"):
        return bool(value == "true")
    if type(value) is not bool:
        raise TypeError("boolean")
    return value


def _integer(value: Any) -> int:
    if type(value) is str and value.lstrip("-").isdigit() and len(value) < 11:
        value = int(value)
    if type(value) is not int or abs(value) > 2_147_483_647:
        raise TypeError("integer")
    return value


def _decimal(value: Any) -> Decimal:
    if type(value) is bool or not isinstance(value, str | int | Decimal) or len(str(value)) > 40:
        raise TypeError("decimal")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("decimal")
    return number


def _date_time(value: Any) -> datetime:
    """An instant with its zone: a moment without one is not understood, and one that no clock of Paris shows, or shows twice, is said to be so."""
    at = datetime.fromisoformat(_text(value).replace(" ", "+"))
    if at.tzinfo is None:
        wall_to_utc(at.date(), at.time())
        raise ValueError("zone")
    return at.astimezone(UTC)


def _date(value: Any) -> date:
    return date.fromisoformat(_text(value))


def _time(value: Any) -> time:
    found = time.fromisoformat(_text(value))
    if found.tzinfo is not None:
        raise ValueError("zone")
    return found


_SIMPLE: dict[str, tuple[frozenset[str], Callable[[Any], Any]]] = {
    "base64Binary": (frozenset({"valueBase64Binary", "valueString"}), _bytes),
    "boolean": (frozenset({"valueBoolean", "valueString"}), _boolean),
    "integer": (frozenset({"valueInteger", "valuePositiveInt", "valueUnsignedInt", "valueString"}), _integer),
    "positiveInt": (frozenset({"valueInteger", "valuePositiveInt", "valueUnsignedInt", "valueString"}), _integer),
    "unsignedInt": (frozenset({"valueInteger", "valuePositiveInt", "valueUnsignedInt", "valueString"}), _integer),
    "decimal": (frozenset({"valueDecimal", "valueInteger", "valueString"}), _decimal),
    "dateTime": (_DATES, _date_time),
    "instant": (_DATES, _date_time),
    "date": (_DATES, _date),
    "time": (frozenset({"valueTime", "valueString"}), _time),
}
