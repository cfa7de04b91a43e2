"""Pairs of engines of known truth, the intervals that several methods make of them, and how often those are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations_with_replacement
from math import log, log1p, sqrt
from statistics import fmean, stdev

import numpy as np
from scipy.special import stdtrit

from runs.stats import EQUIVALENCE, stalls

SEED = 1963
STALL = log(3)
"""A stalled run takes three times as long."""
STALLED_SHARE = 10
"""One run of so many stalls."""
BLOCKS = (3, 5, 7, 10)
SPREADS = (0.01, 0.02, 0.03, 0.05)
TRUTH = log(1.1)
Interval = tuple[float, float]
Method = Callable[[Sequence[float]], Interval]


def experiments(blocks: int, spread: float, *, is_stalled: bool, count: int) -> Iterator[list[float]]:
    """Differences of two equal engines' log times, block by block. Of ten blocks one run stalls, of fewer by chance."""
    rng = np.random.default_rng([SEED, blocks, int(1e6 * spread), is_stalled])
    found = rng.normal(0, spread, (count, blocks)) - rng.normal(0, spread, (count, blocks))
    if is_stalled:
        hit = rng.random(count) < blocks / STALLED_SHARE
        places, sides = rng.integers(0, blocks, count), rng.choice((-1, 1), count)
        found[np.arange(count), places] += STALL * hit * sides
    return (list(map(float, row)) for row in found)


# ---------------------------------------------------------------- methods


def student(values: Sequence[float]) -> Interval:
    return _around(fmean(values), stdev(values) / sqrt(len(values)), len(values) - 1)


def without_stalls(values: Sequence[float]) -> Interval:
    """What the site uses: Student's interval on what Rosner's test keeps."""
    return student(stalls.kept(values))


def trimmed(values: Sequence[float]) -> Interval:
    """20 % trimmed mean, winsorised variance (Tukey & McLaughlin 1963; for two samples Yuen 1974)."""
    cut = max(1, len(values) // 5)
    ordered = sorted(values)
    middle = ordered[cut : len(values) - cut]
    winsorised = [middle[0]] * cut + middle + [middle[-1]] * cut
    error = stdev(winsorised) * sqrt(len(values)) / len(middle)
    return _around(fmean(middle), error * sqrt((len(values) - 1) / (len(middle) - 1)), len(middle) - 1)


def signed_rank(values: Sequence[float]) -> Interval:
    """The inverted signed-rank test (Hodges & Lehmann 1963): as near to 95 % as its steps allow."""
    walsh = sorted((a + b) / 2 for a, b in combinations_with_replacement(values, 2))
    cut = next(rank for rank in range(len(walsh)) if _signed_rank_tail(len(values), rank) > 0.025)
    return walsh[max(cut - 1, 0)], walsh[-max(cut, 1)]


_tails: dict[tuple[int, int], float] = {}


def _signed_rank_tail(count: int, rank: int) -> float:
    """P(W <= rank) for `count` differences, exactly: counted over all signs."""
    if (count, rank) not in _tails:
        sums = np.array([0])
        for each in range(1, count + 1):
            sums = np.concatenate([sums, sums + each])
        _tails[count, rank] = float(np.mean(sums <= rank))
    return _tails[count, rank]


def _around(centre: float, error: float, degrees: int) -> Interval:
    half = _quantile(degrees) * error
    return centre - half, centre + half


_quantiles: dict[int, float] = {}


def _quantile(degrees: int) -> float:
    return _quantiles.setdefault(degrees, float(stdtrit(degrees, 0.975)))


METHODS: dict[str, Method] = {
    "Student's t": student,
    "t without stalls": without_stalls,
    "trimmed mean": trimmed,
    "signed rank": signed_rank,
}


# ---------------------------------------------------------------- tables


def rates(method: Method, blocks: int, spread: float, *, is_stalled: bool, count: int) -> tuple[float, float, float]:
    """Shares of experiments: the interval covers the truth; with a true 10 % it excludes 1; it is beyond the tie band.

    For equal engines, what the interval does not cover is what a false alarm is.
    """
    found = [method(each) for each in experiments(blocks, spread, is_stalled=is_stalled, count=count)]
    covers = sum(low <= 0 <= high for low, high in found)
    differs = sum(low + TRUTH > 0 for low, _ in found)
    matters = sum(low + TRUTH > log1p(EQUIVALENCE) for low, _ in found)
    return covers / count, differs / count, matters / count


def tables(count: int = 10_000) -> list[str]:
    """As Markdown: the method used beside Student's t, by blocks and spread; then the methods that were weighed."""
    return [_main_table(count), _weighed_table(count)]


def _main_table(count: int) -> str:
    lines = [
        "| blocks | spread | one run of ten stalls | coverage | false alarms | power, 10 % | the same, beyond ±5 % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for blocks in BLOCKS:
        for spread in SPREADS:
            for is_stalled in (False, True):
                both = [
                    rates(METHODS[name], blocks, spread, is_stalled=is_stalled, count=count)
                    for name in ("t without stalls", "Student's t")
                ]
                cells = [" / ".join(_percent(each[at]) for each in both) for at in range(3)]
                alarms = " / ".join(_percent(1 - each[0]) for each in both)
                words = "yes" if is_stalled else "no"
                lines.append(f"| {blocks} | {spread:.0%} | {words} | {cells[0]} | {alarms} | {cells[1]} | {cells[2]} |")
    return "\n".join(lines)


def _weighed_table(count: int) -> str:
    lines = ["| method | blocks | coverage | power, 10 % | coverage, stall | power, stall |", "| --- " * 6 + "|"]
    for name, method in METHODS.items():
        for blocks in BLOCKS[1:]:
            quiet, stall = (
                rates(method, blocks, 0.03, is_stalled=is_stalled, count=count) for is_stalled in (False, True)
            )
            values = " | ".join(map(_percent, (quiet[0], quiet[1], stall[0], stall[1])))
            lines.append(f"| {name} | {blocks} | {values} |")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
