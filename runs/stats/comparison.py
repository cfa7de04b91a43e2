"""Ratios of two cells' times, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import exp, expm1, fsum, log1p, sqrt
from typing import Literal

from runs.stats.difference import Difference, difference, paired_differences
from runs.stats.samples import MIN_RUNS, LogSamples, bounds, t_quantile
from runs.stats.stalls import kept, stalled

Verdict = Literal["faster", "slower", "tie", "unresolved", "not enough runs"]

EQUIVALENCE = 0.05
SIGNIFICANCE = 0.05
_TIE_CONFIDENCE = 1 - 2 * SIGNIFICANCE


@dataclass(frozen=True)
class Ratio:
    """The candidate's time over the baseline's: 1.1 is 10 % slower. No interval where there are too few runs.

    `runs` counts the pairs of a paired ratio, else the runs of the side that has fewer.
    """

    value: float
    low: float | None
    high: float | None
    runs: int
    paired: bool
    stalled: int = 0
    """How many of the runs, or pairs, were set aside."""


def ratio(baseline: LogSamples, candidate: LogSamples) -> Ratio:
    """exp(mean difference of logs) with its 95 % t interval (Kalibera & Jones 2013: report the ratio with an interval).

    Paired by block where blocks are shared, else Welch's; `difference` says when. Raises ValueError without runs.
    """
    return ratio_of(difference(baseline, candidate))


def ratio_of(found: Difference) -> Ratio:
    low, high = bounds(found.mean, found.half_width())
    return Ratio(exp(found.mean), low, high, found.runs, found.paired, found.stalled)


def ratio_to_itself(samples: LogSamples) -> Ratio:
    """1 by definition, so without an interval."""
    return Ratio(1.0, None, None, len(samples), paired=False, stalled=len(stalled(samples.values)))


def judge(baseline: LogSamples, candidate: LogSamples, *, rope: float = EQUIVALENCE) -> Verdict:
    """The verdict on the candidate, against a region of practical equivalence from 1 / (1 + rope) to 1 + rope.

    *faster*, *slower*: the whole 95 % interval of the ratio lies beyond the region, so that not only a difference
    but one that matters is shown (a minimum-effect test, Murphy & Myors 1999). *tie*: the 90 % interval lies
    inside it (two one-sided tests at 5 %, Schuirmann 1987). Else *unresolved*: more runs may tell.

    A rule that calls a winner as soon as the interval excludes 1 calls one of two equal engines in 5 % of
    comparisons, for differences that nobody feels. This one is symmetric in its sides, and can never call a tie
    and a winner at once. It is wrong at most 2.5 % of the time on a side where the true ratio is at the edge.

    By simulation, 2 % spread between processes, paired blocks, rope 5 %; tie | faster or slower:

        true ratio    3 blocks        5 blocks        10 blocks
        1.00          43 % |  0 %     86 % |  0 %     100 % |   0 %
        1.02          31 % |  0 %     59 % |  0 %      91 % |   0 %
        1.05           5 % |  2.5 %    5 % |  2.5 %     5 % |   2.5 %
        1.10           0 % | 36 %      0 % | 78 %       0 % | 99.6 %
        1.15           0 % | 79 %      0 % | 99.9 %     0 % | 100 %
    """
    found = difference(baseline, candidate)
    half_width, tie_half_width = found.half_width(), found.half_width(_TIE_CONFIDENCE)
    if half_width is None or tie_half_width is None:
        return "not enough runs"
    edge = log1p(rope)
    if abs(found.mean) + tie_half_width < edge:
        return "tie"
    if abs(found.mean) - half_width <= edge:
        return "unresolved"
    return "slower" if found.mean > 0 else "faster"


def within(found: Ratio | None, rope: float) -> bool:
    """Whether the whole 95 % interval lies in the region of practical equivalence. A tie may lie a little beyond it."""
    if found is None or found.low is None or found.high is None:
        return True
    return found.low >= 1 / (1 + rope) and found.high <= 1 + rope


def p_slower(baseline: LogSamples, candidate: LogSamples, *, rope: float = EQUIVALENCE) -> float | None:
    """p-value of `judge`'s *slower*, for correction by `holm`: under 0.05 just where the verdict is *slower*."""
    return difference(baseline, candidate).p_above(log1p(rope))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the order given: calling those under alpha errs at all in alpha of families (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    floor = 0.0
    for rank, index in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = floor
    return tuple(adjusted)


def noise_floor(pairs: Sequence[tuple[LogSamples, LogSamples]]) -> float | None:
    """The A/A ratio that a machine stays under 95 % of the time, minus 1; None without three shared blocks.

    Each pair is one cell measured twice, side by side in every block. The true difference is known to be 0, so the
    root mean square d of all block differences is their spread, and t * d / sqrt(blocks per pair) bounds a ratio.
    """
    differences = [found for first, second in pairs if (found := kept(paired_differences(first, second)))]
    shared = list(chain.from_iterable(differences))
    if len(shared) < MIN_RUNS:
        return None
    spread = sqrt(fsum(value**2 for value in shared) / len(shared))
    return expm1(t_quantile(len(shared)) * spread / sqrt(len(shared) / len(differences)))


def equivalence_region(noise: float | None) -> float:
    """The `rope` of a machine: 5 %, or its measured A/A noise if that is larger."""
    return max(EQUIVALENCE, noise or 0.0)
