"""Rows of people drawn by blocks: column by column for a few rows at a time, one kind of draw after the other."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.draws import unit
from maillage.simulation.memory import Array
from maillage.simulation.quantiles import centre, exponential, logarithm, near, tail

CONSTANT, LOGNORMAL, EXPONENTIAL, BERNOULLI, BETWEEN, EITHER, UNIFORM, RESIDUAL, NORMAL = range(9)
BLOCK: Final = 256
"""Rows that are filled column by column before the next ones: one kind at a time, and everything near."""


class Drawing(NamedTuple):
    """How rows are drawn: for each column a form, a purpose, three values for each class, a condition and what stands where it does not hold; whether
    all classes have the same values."""

    form: Array
    purpose: Array
    value: Array
    when: Array
    other: Array
    same: Array


class Chosen(NamedTuple):
    """Some rows of a block: where their columns begin, their numbers, their classes."""

    place: Array
    row: Array
    cls: Array


class Bench(NamedTuple):
    """Room for one block: all its rows, those for which a column is drawn, which of all these are; their draws, what becomes of them; which lie in
    the tails, how far; the three values of each."""

    every: Chosen
    some: Chosen
    which: Array
    u: Array
    z: Array
    tail: Array
    far: Array
    near: Array
    first: Array
    second: Array
    third: Array


@inlined
def block(b: Any, row: Any, cls: Any, begin: Any, size: Any, wide: Any) -> None:
    """All the rows of a block."""
    for k in range(size):
        n = np.uint64(begin + k)
        b.every.place[k] = n * wide
        b.every.row[k] = row[n]
        b.every.cls[k] = np.uint64(cls[n])


@inlined
def where(b: Any, column: Any, size: Any, out: Any) -> Any:
    """The rows of a block for which a column is not zero, and how many."""
    count = np.uint64(0)
    for k in range(size):
        b.which[count] = np.uint64(k)
        count += np.uint64(out[b.every.place[k] + column] != 0.0)
    return np.int64(count)


@inlined
def present(b: Any, value: Any, size: Any) -> Any:
    """The rows of a block whose class has a third value, and how many."""
    count = np.uint64(0)
    for k in range(size):
        b.which[count] = np.uint64(k)
        count += np.uint64(value[b.every.cls[k], 2] > 0.0)
    return np.int64(count)


@inlined
def pick(b: Any, count: Any) -> None:
    """Those that were found, beside one another."""
    for k in range(count):
        n = b.which[k]
        b.some.place[k] = b.every.place[n]
        b.some.row[k] = b.every.row[n]
        b.some.cls[k] = b.every.cls[n]


@inlined
def put(b: Any, j: Any, size: Any, value: Any, out: Any) -> None:
    """One value in a column of a block."""
    for k in range(size):
        out[b.every.place[k] + j] = value


@inlined
def normals(b: Any, count: Any) -> None:
    """Quantiles of the normal for the draws of a block: the middle for all of them, then the tails together."""
    for k in range(count):
        b.z[k] = centre(b.u[k] - 0.5)
    found = np.uint64(0)
    for k in range(count):
        b.tail[found] = np.uint64(k)
        found += np.uint64(abs(b.u[k] - 0.5) > 0.425)
    tails = np.int64(found)
    for n in range(tails):
        b.far[n] = min(b.u[b.tail[n]], 1.0 - b.u[b.tail[n]])
    for n in range(tails):
        b.far[n] = math.sqrt(-logarithm(b.far[n]))
    for n in range(tails):
        b.near[n] = near(b.far[n])
    for n in range(tails):
        far = b.near[n] if b.far[n] <= 5.0 else tail(b.far[n])
        b.z[b.tail[n]] = -far if b.u[b.tail[n]] < 0.5 else far


@inlined
def valued(value: Any, cls: Any, count: Any, same: Any, b: Any) -> None:
    """The three values of a column for some rows; `same` for all classes, or not."""
    if same:
        for k in range(count):
            b.first[k] = value[0, 0]
            b.second[k] = value[0, 1]
            b.third[k] = value[0, 2]
    else:
        for k in range(count):
            b.first[k] = value[cls[k], 0]
            b.second[k] = value[cls[k], 1]
            b.third[k] = value[cls[k], 2]


@inlined
def told(kind: Any, count: Any, b: Any) -> None:
    """Attributes: the draw lies under the first value, or between two."""
    if kind == BERNOULLI:
        for k in range(count):
            b.z[k] = np.float64(b.u[k] < b.first[k])
    else:
        for k in range(count):
            b.z[k] = np.float64((b.first[k] <= b.u[k]) & (b.u[k] < b.second[k]))


@inlined
def lasting(kind: Any, count: Any, b: Any) -> None:
    """Durations by the quantile of the normal."""
    normals(b, count)
    if kind == NORMAL:
        for k in range(count):
            b.z[k] = max(b.third[k], b.first[k] + b.second[k] * b.z[k])
    else:
        for k in range(count):
            b.z[k] = min(b.third[k], exponential(b.first[k] + b.second[k] * b.z[k]))


@inlined
def shaped(kind: Any, count: Any, b: Any) -> None:
    """The values of one column for the rows of a block, from their draws: one kind at a time, so that several go together."""
    if kind in (LOGNORMAL, RESIDUAL, NORMAL):
        lasting(kind, count, b)
    elif kind in (BERNOULLI, BETWEEN):
        told(kind, count, b)
    elif kind == EXPONENTIAL:
        for k in range(count):
            b.z[k] = -b.first[k] * logarithm(b.u[k])
    else:
        for k in range(count):
            b.z[k] = b.first[k] + (b.second[k] - b.first[k]) * b.u[k]


@inlined
def hashed(key: Any, stream: Any, count: Any, row: Any, b: Any) -> None:
    """The draws of one purpose for some rows."""
    for k in range(count):
        b.u[k] = unit(key, row[k], stream)


@inlined
def column(key: Any, j: Any, d: Any, b: Any, who: Any, count: Any, out: Any) -> None:
    """One column for some rows of a block."""
    kind, at = d.form[j], np.uint64(j)
    if kind == CONSTANT:
        valued(d.value[j], who.cls, count, d.same[j], b)
        for k in range(count):
            out[who.place[k] + at] = b.first[k]
        return
    hashed(key, d.purpose[j] + np.uint64(kind == RESIDUAL), count, who.row, b)
    valued(d.value[j], who.cls, count, d.same[j], b)
    shaped(kind, count, b)
    if kind == RESIDUAL:  # a share of a length: two draws
        hashed(key, d.purpose[j], count, who.row, b)
        for k in range(count):
            b.z[k] *= b.u[k]
    for k in range(count):
        out[who.place[k] + at] = b.z[k]


@inlined
def either(b: Any, j: Any, first: Any, second: Any, size: Any, out: Any) -> None:
    """One attribute or the other."""
    for k in range(size):
        at = b.every.place[k]
        out[at + j] = max(out[at + first], out[at + second])


@compiled
def fill(key: Any, row: Any, cls: Any, d: Drawing, b: Bench, out: Any) -> None:
    """Fill `out`, row after row, column by column in blocks of rows. Where a condition does not hold, a column costs no draw."""
    columns, wide = d.form.shape[0], np.uint64(d.form.shape[0])
    for begin in range(0, row.shape[0], BLOCK):
        size, known, count = min(row.shape[0] - begin, BLOCK), -1, 0
        block(b, row, cls, begin, size, wide)
        for j in range(columns):
            condition = d.when[j]
            if d.form[j] == EITHER:
                either(b, np.uint64(j), np.uint64(d.value[j, 0, 0]), np.uint64(d.value[j, 0, 1]), size, out)
            elif condition < 0 and d.form[j] != RESIDUAL:
                column(key, j, d, b, b.every, size, out)
            else:
                if condition < 0 or condition != known:
                    count = where(b, np.uint64(condition), size, out) if condition >= 0 else present(b, d.value[j], size)
                    known = condition
                    pick(b, count)
                put(b, np.uint64(j), size, d.other[j] if condition >= 0 else 0.0, out)
                column(key, j, d, b, b.some, count, out)


def bench() -> Bench:
    """Room for one thread."""
    every, some = (Chosen(*(np.empty(BLOCK + 1, np.uint64) for _ in range(3))) for _ in range(2))
    first, *rest = (np.empty(BLOCK + 1) for _ in range(7))
    return Bench(every, some, np.empty(BLOCK + 1, np.uint64), first, rest[0], np.empty(BLOCK + 1, np.uint64), *rest[1:])
