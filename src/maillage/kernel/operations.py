"""A verb as the doors see it: what may be called, on which resource type, with which parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Param:
    """One named parameter: FHIR type (`code`, `string`, `dateTime`, `Reference`, `boolean`, `integer`...).

    `values` closes a list of codes; `many` makes it a list; `parts` describes a parameter made of named parts.
    What may be entered (`kernel.bounds`): a number from `low` to `high`, a text of `longest` characters, a list of `most` values, a date that
    may lie in the `past`, in the `future`.
    """

    name: str
    type: str
    required: bool = False
    many: bool = False
    values: tuple[str, ...] = ()
    parts: tuple[Param, ...] = ()
    low: int = 0
    high: int = 10_000
    longest: int = 5_000
    most: int = 50
    past: bool = True
    future: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """A verb on an instance (`on_instance`) or a type. `call(tx, id, *, version, **parameters)` does it and answers the id.

    `answer_type` is the type of the resource to show afterwards, when it is not the one acted on.
    """

    name: str
    type: str
    call: Callable[..., Awaitable[Any]]
    parameters: tuple[Param, ...] = ()
    on_instance: bool = True
    writes: bool = True
    answer_type: str = ""
