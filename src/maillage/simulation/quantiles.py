"""From a uniform draw to a duration: logarithm, exponential, and the quantiles of the normal (algorithm AS241, Wichura 1988) and of the gamma.

Where blocks of rows pass, nothing of the C library is called: loops go several at a time, and a seed gives the same bytes whatever that library is.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from maillage.simulation.compiled import compiled, inlined

_ROOT_HALF: Final = 0x3FE6A09E00000000
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_WHOLE: Final = 1.5 * 2.0**52
"""Added to a number and taken away again, it leaves the nearest whole one, which stands in the last bits of the sum."""


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
def centre(q: float) -> float:
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
def near(r: float) -> float:
    """AS241 in the tails, up to r = sqrt(-ln p) = 5."""
    r -= 1.6
    top = (7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177
    top = ((top * r + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055
    top = (top * r + 4.6303378461565452959) * r + 1.42343711074968357734
    low = (1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966
    low = ((low * r + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494
    return top / ((low * r + 2.05319162663775882187) * r + 1.0)


@inlined
def tail(r: float) -> float:
    """AS241 in the tails, r = sqrt(-ln p)."""
    if r <= 5.0:
        return near(r)
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
        return centre(q)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    return -tail(r) if q < 0.0 else tail(r)


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
