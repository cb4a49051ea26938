"""`$lookup`, `$validate-code`, `$expand` (https://hl7.org/fhir/R4/terminology-service.html) on the code systems and value sets that are held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.folding import fold
from maillage.codes.terminology import CannotExpand, CodeSystem, Concept, Expansion, Terminology
from maillage.doors.fhir.bodies import check
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.operations.asked import question
from maillage.kernel.errors import Invalid, Issue, Malformed, NotFound
from maillage.kernel.operations import Param

PAGE = 1000
CODED = (Param("code", "code"), Param("system", "uri"), Param("version", "string"), Param("coding", "Coding"))
SHARED = (*CODED, Param("display", "string"), Param("date", "dateTime"), Param("displayLanguage", "code"))
LOOKUP = (*CODED, Param("date", "dateTime"), Param("displayLanguage", "code"), Param("property", "code", many=True))
IN_SYSTEM = (
    Param("url", "uri"),
    *SHARED,
    Param("codeableConcept", "CodeableConcept"),
    Param("codeSystem", "CodeSystem"),
    Param("abstract", "boolean"),
)
IN_SET = (
    Param("url", "uri"), *SHARED, Param("systemVersion", "string"), Param("codeableConcept", "CodeableConcept"), Param("valueSet", "ValueSet"),
    Param("valueSetVersion", "string"), Param("context", "uri"), Param("abstract", "boolean"), Param("inferSystem", "boolean"),
)  # fmt: skip
EXPAND = (
    Param("url", "uri"), Param("valueSet", "ValueSet"), Param("valueSetVersion", "string"), Param("context", "uri"), Param("filter", "string"),
    Param("date", "dateTime"), Param("offset", "integer"), Param("count", "integer"), Param("includeDesignations", "boolean"),
    Param("activeOnly", "boolean"), Param("excludeNested", "boolean"), Param("displayLanguage", "code"),
)  # fmt: skip

Pair = tuple[str, str, str]
"""(system, code, display) as the caller gives it."""


def unknown(reason: str, details: str) -> NotFound:
    """404 that says what is not held: terminology is public, there is nothing to hide."""
    error = NotFound("CodeSystem")
    error.issues = (Issue("error", "not-found", reason, "", details),)
    return error


def _held(context: Context) -> Terminology:
    return context.registry.definitions.terminology


# --- $lookup -------------------------------------------------------------------------
async def lookup(context: Context, request: Request) -> Response:
    """What a code means: its label, its definition, its other labels, what is above and below it."""
    context.require("CodeSystem", "rs")
    given = question(request, LOOKUP)
    url, code, _ = _one(given)
    system = _held(context).system(url)
    if system is None:
        raise unknown("system-unknown", f"The code system {url[:200]} is not held here.")
    concept = system.concepts.get(code)
    if concept is None:
        raise unknown("code-unknown", f"{code[:100]} is not in {url[:200]}.")
    return _parameters(_meaning(system, concept, given))


def _meaning(system: CodeSystem, concept: Concept, given: dict[str, Any]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"name": "name", "valueString": system.name or system.url}]
    if system.version:
        parts.append({"name": "version", "valueString": system.version})
    parts.append({"name": "display", "valueString": concept.shown(given.get("displayLanguage", "")) or concept.code})
    parts += [{"name": "designation", "part": _designation(language, text)} for language, text in concept.designations]
    wanted = set(given.get("property", ()))
    if concept.definition and (not wanted or "definition" in wanted):
        parts.append(_property("definition", "valueString", concept.definition))
    if not wanted or "inactive" in wanted:
        parts.append(_property("inactive", "valueBoolean", concept.inactive))
    for name, codes in (("parent", concept.parents), ("child", system.children(concept.code))):
        if not wanted or name in wanted:
            parts += [_property(name, "valueCode", code) for code in codes]
    return parts


def _designation(language: str, text: str) -> list[dict[str, Any]]:
    return [*([{"name": "language", "valueCode": language}] if language else []), {"name": "value", "valueString": text}]


def _property(code: str, key: str, value: Any) -> dict[str, Any]:
    return {"name": "property", "part": [{"name": "code", "valueCode": code}, {"name": "value", key: value}]}


# --- $validate-code ----------------------------------------------------------------------
async def validate_code(context: Context, request: Request) -> Response:
    """Whether a code is in a code system, or in a value set."""
    kind = request.path[0]
    context.require(kind, "rs")
    given = question(request, IN_SYSTEM if kind == "CodeSystem" else IN_SET)
    if kind == "CodeSystem":
        return _in_system(_held(context), _named(context, request, given), given)
    return _in_set(_held(context), _value_set(context, request, given), given)


def _in_system(held: Terminology, url: str, given: dict[str, Any]) -> Response:
    asked = [(system or url, code, display) for system, code, display in _all(given)]
    system = held.system(url)
    if system is None:
        raise unknown("system-unknown", f"The code system {url[:200]} is not held here.")
    for pair in asked:
        if canonical(pair[0]) == canonical(url) and (concept := system.concepts.get(pair[1])):
            return _yes(pair, concept, given)
    if not system.complete:
        raise Invalid.one("system-incomplete", details=f"{url[:200]} is held in part only: this code cannot be judged.")
    return _no(asked, url)


def _in_set(held: Terminology, resource: dict[str, Any], given: dict[str, Any]) -> Response:
    asked = _all(given)
    url = str(resource.get("url", "the value set"))
    answers = [_contains(held, resource, pair) for pair in asked]
    if True in answers:
        pair = asked[answers.index(True)]
        return _yes(pair, _concept(held, resource, pair), given)
    if None in answers:
        raise Invalid.one("set-not-held", details=f"{url[:200]} cannot be judged here: some of its codes are not held.")
    return _no(asked, url)


def _contains(held: Terminology, resource: dict[str, Any], pair: Pair) -> bool | None:
    if "url" in resource and held.resource("ValueSet", resource["url"]) is resource:
        return held.contains(resource["url"], pair[0], pair[1])
    return held.contains_in(resource, pair[0], pair[1])


def _concept(held: Terminology, resource: dict[str, Any], pair: Pair) -> Concept:
    system = held.system(pair[0]) if pair[0] else None
    if system and pair[1] in system.concepts:
        return system.concepts[pair[1]]
    try:
        codes = held.expand_resource(resource).codes
    except CannotExpand:
        return Concept(pair[1])
    return next((one for (url, code), one in codes.items() if code == pair[1] and pair[0] in ("", url)), Concept(pair[1]))


def _yes(pair: Pair, concept: Concept, given: dict[str, Any]) -> Response:
    parts: list[dict[str, Any]] = [{"name": "result", "valueBoolean": True}]
    if pair[2] and concept.display and not concept.named(pair[2]):
        parts.append({"name": "message", "valueString": f"The label {pair[2][:200]!r} is not one of this code; it is {concept.display!r}."})
    if concept.display:
        parts.append({"name": "display", "valueString": concept.shown(given.get("displayLanguage", ""))})
    return _parameters(parts)


def _no(asked: Iterable[Pair], url: str) -> Response:
    shown = ", ".join(f"{system}|{code}" if system else code for system, code, _ in asked)
    return _parameters(
        [{"name": "result", "valueBoolean": False}, {"name": "message", "valueString": f"{shown[:500]} is not in {url[:200]}."}]
    )


# --- $expand --------------------------------------------------------------------------------
async def expand(context: Context, request: Request) -> Response:
    """The codes of a value set, page by page, narrowed by a text found in the label or at the start of the code."""
    context.require("ValueSet", "rs")
    given = question(request, EXPAND)
    offset, count = given.get("offset", 0), given.get("count", PAGE)
    if offset < 0 or count < 0:
        raise Malformed.one("parameter-value", "Parameters.parameter", "offset and count are not below zero.")
    resource = _value_set(context, request, given)
    found = _filtered(_expanded(_held(context), resource), given)
    shown = found[offset : offset + min(count, PAGE)]
    expansion: dict[str, Any] = {
        "identifier": f"urn:uuid:{request.id}" if len(request.id) == 36 else f"urn:maillage:{request.id}",
        "timestamp": context.tx.now.isoformat(timespec="milliseconds"),
        "total": len(found),
        "offset": offset,
        "parameter": [_echo(name, value) for name, value in sorted(given.items()) if name != "valueSet" and type(value) is not list],
        "contains": [_entry(url, concept, given) for url, concept in shown],
    }
    kept = {key: resource[key] for key in ("resourceType", "id", "url", "version", "name", "title", "status") if key in resource}
    return json_response({**kept, "status": kept.get("status", "active"), "expansion": {k: v for k, v in expansion.items() if v != []}})


def _expanded(held: Terminology, resource: dict[str, Any]) -> Expansion:
    try:
        if "url" in resource and held.value_set(resource["url"]) == resource:
            return held.expand(resource["url"])
        return held.expand_resource(resource)
    except CannotExpand as why:
        issue = Issue("error", "too-costly", "set-not-held", "", f"This value set cannot be listed here: {str(why)[:300]}.")
        raise Invalid(issue) from why


def _filtered(expansion: Expansion, given: dict[str, Any]) -> list[tuple[str, Concept]]:
    words = fold(given.get("filter", "")).split()
    found = []
    for (url, code), concept in expansion.codes.items():
        if given.get("activeOnly") and concept.inactive:
            continue
        text = fold(" ".join((concept.display, *(label for _, label in concept.designations))))
        if all(word in text or code.casefold().startswith(word) for word in words):
            found.append((url, concept))
    return found


def _entry(url: str, concept: Concept, given: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"system": url, "code": concept.code}
    if concept.inactive:
        entry["inactive"] = True
    if shown := concept.shown(given.get("displayLanguage", "")):
        entry["display"] = shown
    if given.get("includeDesignations") and concept.designations:
        entry["designation"] = [{**({"language": lang} if lang else {}), "value": text} for lang, text in concept.designations]
    return entry


def _echo(name: str, value: Any) -> dict[str, Any]:
    if type(value) is bool:
        return {"name": name, "valueBoolean": value}
    if type(value) is int:
        return {"name": name, "valueInteger": value}
    return {"name": name, "valueUri" if name in ("url", "context") else "valueString": str(value)}


# --- what was asked -----------------------------------------------------------------------------
def _named(context: Context, request: Request, given: dict[str, Any]) -> str:
    """The URL of the code system: by instance, by `url`, by the code itself."""
    if "codeSystem" in given:
        raise Malformed.one("parameter-unknown", "Parameters.parameter", "A code system is not taken from a caller: give its url.")
    if len(request.path) == 3:
        resource = _held(context).by_id("CodeSystem", request.path[1])
        if resource is None:
            raise NotFound("CodeSystem", request.path[1])
        return str(resource["url"])
    url = given.get("url") or next((system for system, _, _ in _all(given) if system), "")
    if not url:
        raise Malformed.one("parameter-missing", "Parameters", "Name the code system: url.")
    return str(url)


def _value_set(context: Context, request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """The value set: by instance, sent whole, or by `url`."""
    held = _held(context)
    if len(request.path) == 3:
        found = held.by_id("ValueSet", request.path[1])
        if found is None:
            raise NotFound("ValueSet", request.path[1])
        return found
    if "valueSet" in given:
        sent = given["valueSet"]
        check(sent, "ValueSet")
        return dict(sent)
    if "url" not in given:
        raise Malformed.one("parameter-missing", "Parameters", "Name the value set: url or valueSet.")
    named = held.value_set(given["url"])
    if named is None:
        raise unknown("set-unknown", f"The value set {given['url'][:200]} is not held here.")
    return named


def _one(given: dict[str, Any]) -> Pair:
    pair = _all(given)[0]
    if not pair[0]:
        raise Malformed.one("parameter-missing", "Parameters", "Name the code system: system, with code; or coding.")
    return pair


def _all(given: dict[str, Any]) -> list[Pair]:
    """Every code asked about, given in one of three ways. Raises `Malformed`."""
    if "code" in given:
        return [(given.get("system", ""), given["code"], given.get("display", ""))]
    listed = [given["coding"]] if "coding" in given else given.get("codeableConcept", {}).get("coding", [])
    items = [one for one in listed if type(one) is dict] if type(listed) is list else []
    pairs = [(str(one.get("system", "")), str(one["code"]), str(one.get("display", ""))) for one in items if one.get("code")]
    if not pairs:
        raise Malformed.one("parameter-missing", "Parameters", "Give a code: code and system, coding, or codeableConcept.")
    return pairs


def _parameters(parts: list[dict[str, Any]]) -> Response:
    return json_response({"resourceType": "Parameters", "parameter": parts})
