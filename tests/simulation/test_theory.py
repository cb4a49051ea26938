"""Rungs 3 to 10: what queueing theory knows exactly. Fixed seeds, at least 200 replications or equality, |z| < 4."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.simulation.networks import IMPATIENT, QUEUE, replicate, run, z_score

from maillage.simulation.place import Station


def poisson(rng: np.random.Generator, rate: float, until: float) -> np.ndarray:
    return np.sort(rng.uniform(0, until, rng.poisson(rate * until)))


def erlang_c(a: float, c: int) -> float:
    b = 1.0
    for k in range(1, c + 1):
        b = a * b / (k + a * b)
    return b / (1 - (a / c) * (1 - b))


@pytest.mark.parametrize("c", [1, 3, 10])
def test_kiefer_wolfowitz(c: int) -> None:
    rng = np.random.default_rng(c)
    start, minutes = np.cumsum(rng.gamma(2.0, 0.5, 200_000)), rng.lognormal(0.0, 0.8, 200_000) * c * 0.68
    played = run(QUEUE, [Station("s", ((0.0, c),))], start, {"d": minutes})
    ends, expected = [0.0] * c, np.empty(len(start))
    for n, (t, s) in enumerate(zip(start.tolist(), minutes.tolist(), strict=True)):
        first = min(range(c), key=ends.__getitem__)
        expected[n] = max(t, ends[first])
        ends[first] = expected[n] + s
    assert np.array_equal(played.mark("got:d"), expected)


def wait(rng: np.random.Generator, rate: float, c: int, draw: object, until: float = 4000.0) -> float:
    start = poisson(rng, rate, until)
    played = run(QUEUE, [Station("s", ((0.0, c),))], start, {"d": draw(rng, len(start))})  # type: ignore[operator]  # a callable
    return float((played.mark("got:d") - start)[start > until / 10].mean())


def test_erlang_c() -> None:
    assert erlang_c(8, 10) == pytest.approx(0.40918, abs=5e-6)
    expected = erlang_c(8, 10) / (10 - 8)
    assert expected == pytest.approx(0.20459, abs=5e-6)
    found = replicate(lambda rng: wait(rng, 8.0, 10, lambda r, n: r.exponential(1.0, n), 1500.0))
    assert abs(z_score(found, expected)) < 4


def test_pollaczek_khinchine() -> None:
    variance = math.log1p(1.2**2)
    expected = 0.6 * (1 + 1.2**2) / (2 * (1 - 0.6))
    found = replicate(lambda rng: wait(rng, 0.6, 1, lambda r, n: r.lognormal(-variance / 2, math.sqrt(variance), n)))
    assert abs(z_score(found, expected)) < 4


def network(rng: np.random.Generator, rates: list[float], until: float) -> tuple[np.ndarray, np.ndarray]:
    """Arrivals of several classes, merged."""
    parts = [poisson(rng, rate, until) for rate in rates]
    start, cls = np.concatenate(parts), np.repeat(np.arange(len(rates)), [len(part) for part in parts])
    order = np.argsort(start, kind="stable")
    return start[order], cls[order]


def waits_by_class(rng: np.random.Generator, rates: list[float], c: int, draw: object, until: float, **station: object) -> np.ndarray:
    start, cls = network(rng, rates, until)
    minutes = draw(rng, cls)  # type: ignore[operator]  # a callable
    names = tuple(str(n) for n in range(len(rates)))
    played = run(QUEUE, [Station("s", ((0.0, c),), **station)], start, {"d": minutes}, cls=cls, classes=names)  # type: ignore[arg-type]  # options
    wait, late = played.mark("got:d") - start, start > until / 10
    return np.array([wait[late & (cls == k)].mean() for k in range(len(rates))])


def each_z(found: list[np.ndarray], expected: list[float]) -> list[float]:
    return [abs(z_score([one[k] for one in found], value)) for k, value in enumerate(expected)]


@pytest.mark.parametrize(("policy", "expected"), [("finish", 11 / 6), ("hand-over", 3.0)])
def test_a_leaving_server(policy: str, expected: float) -> None:
    """Three in service, one waiting, capacity 3 to 1: played 20,000 times in one run, a hundred minutes apart."""
    rng = np.random.default_rng(1)
    begin = 256.0 * np.arange(20_000)
    start = (begin[:, None] + [0.0, 0.0, 0.0, 2e-6]).ravel()
    shifts = [(time, number) for at in begin.tolist() for time, number in ((at, 3), (at + 1e-6, 1))]
    played = run(QUEUE, [Station("s", shifts, policy)], start, {"d": rng.exponential(1.0, len(start))})
    assert abs(z_score(played.mark("got:d")[3::4] - begin, expected)) < 4


def test_cobham() -> None:
    rates, means, cv = [0.2, 0.5], np.array([1.5, 0.8]), 0.6
    rho = np.array(rates) * means
    w0 = sum(rate * mean**2 * (1 + cv**2) / 2 for rate, mean in zip(rates, means, strict=True))
    expected = [w0 / (1 * (1 - rho[0])), w0 / ((1 - rho[0]) * (1 - rho.sum()))]
    assert expected == pytest.approx([0.74800, 2.49333], abs=5e-6)
    variance = math.log1p(cv**2)

    def draw(rng: np.random.Generator, cls: np.ndarray) -> np.ndarray:
        return means[cls] * rng.lognormal(-variance / 2, math.sqrt(variance), len(cls))

    found = replicate(lambda rng: waits_by_class(rng, rates, 1, draw, 6000.0))  # type: ignore[arg-type, return-value]  # one value a class
    assert max(each_z(found, expected)) < 4  # type: ignore[arg-type]  # the same


def exponentials(rng: np.random.Generator, cls: np.ndarray) -> np.ndarray:
    return rng.exponential(1.0, len(cls))


def test_kella_yechiali() -> None:
    rates, c = [0.6, 1.8], 3
    w0, rho = erlang_c(sum(rates), c) / c, [rate / c for rate in rates]
    expected = [w0 / (1 - rho[0]), w0 / ((1 - rho[0]) * (1 - sum(rho)))]
    assert expected == pytest.approx([0.26966, 1.34831], abs=5e-6)
    found = replicate(lambda rng: waits_by_class(rng, rates, c, exponentials, 3000.0))  # type: ignore[arg-type, return-value]  # one value a class
    assert max(each_z(found, expected)) < 4  # type: ignore[arg-type]  # the same


def test_kleinrocks_ageing() -> None:
    found = replicate(lambda rng: waits_by_class(rng, [0.4, 0.4], 1, exponentials, 8000.0, ageing=(1.0, 4.0)))  # type: ignore[arg-type, return-value]  # the same
    assert max(each_z(found, [5.71429, 2.28571])) < 4  # type: ignore[arg-type]  # the same


def erlang_a(rate: float, c: int, theta: float) -> float:
    """P(leave) = θE[Q]/λ from the birth and death chain."""
    weight, weights = 1.0, [1.0]
    for n in range(1, 400):
        weight *= rate / (min(n, c) + max(n - c, 0) * theta)
        weights.append(weight)
    queue = sum(max(n - c, 0) * w for n, w in enumerate(weights)) / sum(weights)
    return theta * queue / rate


@pytest.mark.parametrize(("c", "rate", "theta", "expected"), [(2, 2.0, 1.0, 2 * math.exp(-2)), (3, 3.3, 0.25, 0.18856)])
def test_erlang_a(c: int, rate: float, theta: float, expected: float) -> None:
    assert erlang_a(rate, c, theta) == pytest.approx(expected, abs=5e-6)

    def one(rng: np.random.Generator) -> float:
        start = poisson(rng, rate, 2000.0)
        columns = {"d": rng.exponential(1.0, len(start)), "pat": rng.exponential(1 / theta, len(start))}
        played = run(IMPATIENT, [Station("s", ((0.0, c),))], start, columns)
        return float(played.left_by("gone")[start > 100].mean())

    assert abs(z_score(replicate(one), expected)) < 4


def test_infinitely_many_servers_under_a_daily_profile() -> None:
    """M(t)/M/∞ from empty over ten days, which is periodic by then: Poisson counts of a known mean."""
    counts: dict[float, list[int]] = {6.0: [], 12.0: []}
    for n in range(400):
        rng = np.random.default_rng([17, n])
        start = poisson(rng, 6.0, 240.0)
        start = start[rng.uniform(0, 6, len(start)) < 4 + 2 * np.sin(2 * np.pi * start / 24)]
        played = run(QUEUE, [Station("s", ((0.0, 10_000),))], start, {"d": rng.exponential(1.0, len(start))})
        end = played.mark("end:d")
        assert np.array_equal(played.mark("got:d"), start)  # nobody waits
        for hour, found in counts.items():
            found.append(int(((start <= 216 + hour) & (end > 216 + hour)).sum()))
    for hour, expected in ((6.0, 5.8717), (12.0, 4.4900)):
        assert abs(z_score(counts[hour], expected)) < 4
        assert np.var(counts[hour]) / expected == pytest.approx(1.0, abs=4 * math.sqrt(2 / 400))


SHIFTS = ((0.0, 2), (8.0, 4), (14.0, 3), (20.0, 1))


def kolmogorov(rate: object, shifts: tuple[tuple[float, int], ...], until: int, most: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Rung 11: P(n present, k in service) integrated over a day from empty. Hourly mean queue and P(k >= c), end of shift: finish."""
    top = max(c for _, c in shifts)
    p = np.zeros((most + 1, top + 1))
    p[0, 0] = 1.0
    step, queue, busy = 1 / 400, [], []
    n, k = np.indices(p.shape)
    for i in range(until * 400):
        t = i * step
        c = [number for begin, number in shifts if begin <= t + 1e-9][-1]
        if any(abs(begin - t) < step / 2 for begin, _ in shifts[1:]):
            raised = np.zeros_like(p)
            np.add.at(raised, (n, np.maximum(k, np.minimum(n, c))), p)
            p = raised
        if i % 400 == 200:
            queue.append(float((np.maximum(n - k, 0) * p).sum()))
            busy.append(float(p[:, c:].sum()))
        p = _stepped(p, rate(t + step / 2), c, step, n, k)  # type: ignore[operator]  # a callable
    return np.array(queue), np.array(busy)


def _flow(p: np.ndarray, rate: float, c: int, n: np.ndarray, k: np.ndarray) -> np.ndarray:
    most = p.shape[0] - 1
    out = -(rate * (n < most) + k) * p
    up = rate * p * (n < most)
    np.add.at(out, (np.minimum(n + 1, most), np.where(k < c, np.minimum(k + 1, p.shape[1] - 1), k)), up)
    down = k * p
    stays = (n > k) & (k - 1 < c)
    np.add.at(out, (np.maximum(n - 1, 0), np.where(stays, k, np.maximum(k - 1, 0))), down)
    return out


def _stepped(p: np.ndarray, rate: float, c: int, step: float, n: np.ndarray, k: np.ndarray) -> np.ndarray:
    middle = p + step / 2 * _flow(p, rate, c, n, k)
    return p + step * _flow(middle, rate, c, n, k)


def against_kolmogorov(middle: float, swing: float, peak: float, shifts: tuple[tuple[float, int], ...], seed: int) -> None:
    """Hourly mean queue and P(k >= c) of a day from empty, three thousand times; each day is followed by one that empties the place."""

    def rate(t: float) -> float:
        return middle + swing * math.sin(2 * math.pi * (t - peak) / 24)

    expected, full = kolmogorov(rate, shifts, 24)
    rng, days, top = np.random.default_rng(seed), 3000, middle + swing
    start = poisson(rng, top, 24.0 * days)
    start = start[rng.uniform(0, top, len(start)) < [rate(t % 24) for t in start]]
    start += 24.0 * (start // 24)
    duty = [(48.0 * day + hour, c) for day in range(days) for hour, c in (*shifts, (24.0, 1000))]
    played = run(QUEUE, [Station("s", duty)], start, {"d": rng.exponential(1.0, len(start))})
    got, end = played.mark("got:d"), np.sort(played.mark("end:d"))
    for number, (begin, c) in enumerate((hour, [c for at, c in shifts if at <= hour][-1]) for hour in range(24)):
        moments = 48.0 * np.arange(days) + begin + 0.5
        came, begun, gone = (np.searchsorted(times, moments) for times in (start, np.sort(got), end))
        waiting = (came - begun).astype(float)
        if waiting.any():
            assert abs(z_score(waiting, expected[number])) < 4
        share = float(((begun - gone) >= c).mean())
        assert abs(share - full[number]) < 4 * math.sqrt(full[number] * (1 - full[number]) / days) + 1e-3


def test_shifts_against_kolmogorovs_equations() -> None:
    against_kolmogorov(2.2, 1.6, 5.0, SHIFTS, 23)


@pytest.mark.nightly
@pytest.mark.parametrize("number", range(6))
def test_generated_profiles_and_shifts_against_kolmogorovs_equations(number: int) -> None:
    rng = np.random.default_rng([41, number])
    middle = float(rng.uniform(1.0, 1.8))
    hours = sorted({0.0, *(float(h) for h in rng.choice(np.arange(2, 23, 3), 3, replace=False))})
    shifts = tuple((hour, int(rng.integers(1, 6))) for hour in hours)
    against_kolmogorov(middle, middle * float(rng.uniform(0.2, 0.9)), float(rng.uniform(0, 24)), shifts, 100 + number)
