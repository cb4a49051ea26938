"""A FHIR client that notes each step it takes: who, what, and where the request stands afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from maillage.cli.output import PROBLEM, Failure
from maillage.codes import systems
from maillage.codes.json import decode, encode
from maillage.kernel.ids import new_id

JSON = {"content-type": "application/fhir+json", "accept": "application/fhir+json"}
Resource = dict[str, Any]


@dataclass(slots=True)
class Journal:
    """The steps of the scenario, in order, and the Task that it follows."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    task: str = ""


@dataclass(slots=True)
class Client:
    """One organisation's software."""

    http: httpx.Client
    token: str
    who: str
    journal: Journal

    def call(self, method: str, path: str, body: Resource | None = None, **headers: str) -> httpx.Response:
        """One request, whatever its answer."""
        sent = {**JSON, "authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.http.request(method, f"/fhir/{path}".rstrip("/"), content=encode(body) if body is not None else None, headers=sent)

    def get(self, path: str) -> Resource:
        """A resource or a Bundle. Raises `Failure` unless it is there."""
        return self._read(self.call("GET", path), "GET", path)

    def step(self, title: str, method: str, path: str, body: Resource | None = None, **headers: str) -> Resource:
        """One request that must succeed, noted as a step with the state that it leads to."""
        response = self.call(method, path, body, **{"idempotency_key": new_id(), **headers})
        answer = self._read(response, method, path)
        self.note(title, method, path, response.status_code, answer)
        return answer

    def verb(self, title: str, path: str, **values: Any) -> Resource:
        """A verb on an instance, with the version that is being decided on."""
        instance = path.rpartition("/")[0]
        version = self.get(instance)["meta"]["versionId"]
        return self.step(title, "POST", path, parameters(values), if_match=f'W/"{version}"')

    def note(self, title: str, method: str, path: str, status: int, answer: Resource) -> None:
        """Write a step down."""
        task = answer if answer.get("resourceType") == "Task" and answer.get("id") == self.journal.task else None
        if task is None and self.journal.task:
            task = self.get(f"Task/{self.journal.task}")
        shown = f"{answer.get('resourceType')}/{answer['id']}" if "id" in answer else str(answer.get("resourceType"))
        self.journal.steps.append(
            {
                "number": len(self.journal.steps) + 1,
                "title": title,
                "who": self.who,
                "request": f"{method} /fhir/{path}",
                "status": status,
                "resource": shown,
                "state": state_of(task),
                "task_status": task["status"] if task else "",
                "turn": turn_of(task),
                "at": task["meta"]["lastUpdated"] if task else answer.get("meta", {}).get("lastUpdated", ""),
            }
        )

    def _read(self, response: httpx.Response, method: str, path: str) -> Resource:
        if response.is_success:
            found: Resource = decode(response.content) if response.content else {}
            return found
        raise Failure(f"{self.who}: {method} /fhir/{path} answered {response.status_code}: {response.text[:600]}", PROBLEM)


def state_of(task: Resource | None) -> str:
    """Our state code in Task.businessStatus."""
    codings = (task or {}).get("businessStatus", {}).get("coding", [])
    return next((str(coding["code"]) for coding in codings if coding.get("system") == systems.OWN_REFERRAL_STATE), "")


def turn_of(task: Resource | None) -> str:
    """Whose turn it is, from the Task's extension."""
    parts = [part for extension in (task or {}).get("extension", []) for part in extension.get("extension", [])]
    return next((str(part["valueCode"]) for part in parts if part.get("url") == "party"), "")


def parameters(values: dict[str, Any]) -> Resource:
    """A Parameters resource: texts, booleans, lists, and parts for dictionaries."""
    return {"resourceType": "Parameters", "parameter": [part for name, value in values.items() for part in _parts(name, value)]}


def _parts(name: str, value: Any) -> list[Resource]:
    if isinstance(value, list):
        return [part for item in value for part in _parts(name, item)]
    if isinstance(value, dict):
        return [{"name": name, "part": [part for key, inner in value.items() for part in _parts(key, inner)]}]
    kind = "valueBoolean" if isinstance(value, bool) else "valueInteger" if isinstance(value, int) else "valueString"
    return [{"name": name, kind: value}]
