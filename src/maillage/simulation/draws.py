"""Randomness first: every draw is a pure function of (seed, row, purpose), so that engines and scenarios see the same people.

A counter is mixed twice into 64 bits (the finaliser of splitmix64, Steele, Lea and Flood 2014); the normal quantile is algorithm AS241
(Wichura 1988). No generator is advanced anywhere: adding a row or a purpose moves no other draw.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.memory import Array

WORD: Final = (1 << 64) - 1
GOLDEN: Final = 0x9E3779B97F4A7C15
SILVER: Final = 0xD1B54A32D192ED03
FIRST: Final = 0xBF58476D1CE4E5B9
SECOND: Final = 0x94D049BB133111EB
_GOLDEN, _SILVER, _FIRST, _SECOND = np.uint64(GOLDEN), np.uint64(SILVER), np.uint64(FIRST), np.uint64(SECOND)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
UNIT: Final = 2.0**-53
_ROOT_HALF: Final = 0x3FE6A09E00000000
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_WHOLE: Final = 1.5 * 2.0**52
"""Added to a number and taken away again, it leaves the nearest whole one, which stands in the last bits of the sum."""


class Purpose(IntEnum):
    """The named streams. Append only: a number that was given keeps its meaning, or old seeds tell other stories."""

    ARRIVAL = 0
    THIN = 1
    LEVEL = 2
    DAY = 3
    DIRECT = 4
    OG_COVER = 5
    TRIAGE = 6
    CARE = 7
    CONTACT1 = 8
    CONTACT2 = 9
    IMAGE = 10
    LAB = 11
    OBSERVE = 12
    TRANSFER = 13
    OG_CARE = 14
    UHCD_STAY = 15
    LOS = 16
    DISCHARGE_HOUR = 17
    PATIENCE = 18
    HAS_IMAGING = 19
    HAS_LAB = 20
    DISPOSITION = 21
    UHCD_WARD = 22
    OG_FIT = 23
    OG_DECLINED = 24
    OG_RETURNED = 25
    LYING = 26
    REMAINING = 27
    RESIDUE = 28
    PRIOR = 29
    ALTERNATIVE = 30


OWN: Final = 64
"""Columns of a model that the list above does not name take the numbers from here, in the order of the model."""


def mix(x: int) -> int:
    """The finaliser, on plain integers."""
    x ^= x >> 30
    x = x * FIRST & WORD
    x ^= x >> 27
    x = x * SECOND & WORD
    return x ^ x >> 31


def key_of(seed: int) -> int:
    """The word that a seed stands for."""
    return mix((seed * GOLDEN + 12345) & WORD)


def uniform(seed: int, row: int, purpose: int) -> float:
    """One draw in (0, 1), in plain Python: the definition that the compiled one is compared with."""
    z = mix((mix((key_of(seed) + row * GOLDEN + purpose * SILVER) & WORD) + GOLDEN) & WORD)
    return ((z >> 11) + 0.5) * UNIT


@inlined
def _mixed(x: np.uint64) -> np.uint64:
    x ^= x >> _30
    x *= _FIRST
    x ^= x >> _27
    x *= _SECOND
    return x ^ (x >> _31)


@inlined
def unit(key: np.uint64, row: np.uint64, purpose: np.uint64) -> float:
    """`uniform` by the word that the seed stands for."""
    z = _mixed(_mixed(key + row * _GOLDEN + purpose * _SILVER) + _GOLDEN)
    return (float(np.int64(z >> _11)) + 0.5) * UNIT


@inlined
def logarithm(x: float) -> float:
    """The natural logarithm of a positive number (fdlibm's, below one unit of the last place): no call, so that loops go several at a time."""
    bits = np.float64(x).view(np.int64) + (0x3FF0000000000000 - _ROOT_HALF)
    f = np.int64((bits & 0xFFFFFFFFFFFFF) + _ROOT_HALF).view(np.float64) - 1.0
    k = np.float64((bits >> 52) - 1023)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332))
    odd = z * (0.6666666666666735130 + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591)))
    half = 0.5 * f * f
    return s * (half + even + odd) + k * _LN2_LOW - half + f + k * _LN2_HIGH


@inlined
def exponential(x: float) -> float:
    """The exponential between -700 and 700 (fdlibm's, below one unit of the last place), without a call."""
    shifted = min(max(x, -700.0), 700.0) * 1.44269504088896338700 + _WHOLE
    k = shifted - _WHOLE
    high, low = x - k * _LN2_HIGH, k * _LN2_LOW
    r = high - low
    z = r * r
    c = 4.13813679705723846039e-08 * z - 1.65339022054652515390e-06
    c = ((c * z + 6.61375632143793436117e-05) * z - 2.77777777770155933842e-03) * z + 1.66666666666666019037e-01
    c = r - z * c
    y = 1.0 + (r * c / (2.0 - c) - low + high)
    return y * np.int64((np.float64(shifted).view(np.int64) + 1023) << 52).view(np.float64)


@inlined
def _centre(q: float) -> float:
    """AS241 where |q| <= 0.425: q times a ratio of polynomials in 0.180625 - q²."""
    r = 0.180625 - q * q
    top = (2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853
    top = ((top * r + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427
    top = (top * r + 133.14166789178437745) * r + 3.387132872796366608
    low = (5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061
    low = ((low * r + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083
    low = (low * r + 42.313330701600911252) * r + 1.0
    return q * top / low


@inlined
def _near(r: float) -> float:
    """AS241 in the tails, up to r = sqrt(-ln p) = 5."""
    r -= 1.6
    top = (7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177
    top = ((top * r + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055
    top = (top * r + 4.6303378461565452959) * r + 1.42343711074968357734
    low = (1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966
    low = ((low * r + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494
    return top / ((low * r + 2.05319162663775882187) * r + 1.0)


@inlined
def _tail(r: float) -> float:
    """AS241 in the tails, r = sqrt(-ln p)."""
    if r <= 5.0:
        return _near(r)
    r -= 5.0
    top = (2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386
    top = ((top * r + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358
    top = (top * r + 5.4637849111641143699) * r + 6.6579046435011037772
    low = (2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5
    low = ((low * r + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531
    return top / ((low * r + 0.59983220655588793769) * r + 1.0)


@compiled
def quantile(p: float) -> float:
    """The normal quantile of `p`, by AS241 (relative error about 1e-16)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return _centre(q)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    return -_tail(r) if q < 0.0 else _tail(r)


@compiled
def gamma_quantiles(u: Any, shape: float, out: Any) -> None:
    """Quantiles of a gamma of unit scale, for shapes of four and more: Wilson and Hilferty's guess, then Newton on the incomplete gamma series."""
    constant = math.lgamma(shape)
    for i in range(u.shape[0]):
        x = shape * (1.0 - 1.0 / (9.0 * shape) + quantile(u[i]) / (3.0 * math.sqrt(shape))) ** 3
        for _ in range(20):
            density = math.exp((shape - 1.0) * math.log(x) - x - constant)
            term = total = 1.0 / shape
            n = shape
            while term > 1e-17 * total:
                n += 1.0
                term *= x / n
                total += term
            step = (x * density * total - u[i]) / density
            x -= max(min(step, x / 2.0), -x)
            if abs(step) <= 1e-8 * x:  # Newton: the next one would be of the order of its square
                break
        out[i] = x


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
        b.z[k] = _centre(b.u[k] - 0.5)
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
        b.near[n] = _near(b.far[n])
    for n in range(tails):
        far = b.near[n] if b.far[n] <= 5.0 else _tail(b.far[n])
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


@compiled
def uniforms(key: Any, rows: Any, purpose: Any, out: Any) -> None:
    """The draws of one purpose for many rows."""
    for i in range(rows.size):
        out[i] = unit(key, rows[i], purpose)


def drawn(seed: int, rows: NDArray[np.uint64], purpose: int) -> NDArray[np.float64]:
    """`uniform(seed, row, purpose)` for each row."""
    out = np.empty(len(rows))
    uniforms(np.uint64(key_of(seed)), rows, np.uint64(purpose), out)
    return out
