"""The difference of two cells' log times: paired by block where it can be, else Welch's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt

from scipy.special import stdtr

from runs.stats.samples import (
    CONFIDENCE,
    MIN_RUNS,
    LogSamples,
    mean,
    standard_error,
    t_quantile,
    variance,
)
from runs.stats.stalls import kept


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline, in logs. `standard_error` is None where there are too few runs to know it."""

    mean: float
    standard_error: float | None
    degrees: float
    runs: int
    paired: bool
    stalled: int = 0
    """How many of the runs, or pairs, were set aside."""

    def half_width(self, confidence: float = CONFIDENCE) -> float | None:
        if self.standard_error is None:
            return None
        return t_quantile(self.degrees, confidence) * self.standard_error

    def p_above(self, edge: float) -> float | None:
        """Two-sided p-value against a true difference of `edge`, for a difference above it: 1 at the edge and below.

        Two-sided, so that p < 0.05 says just what a 95 % interval wholly above the edge says.
        """
        if self.standard_error is None:
            return None
        distance = self.mean - edge
        if self.standard_error == 0:
            return 0.0 if distance > 0 else 1.0
        return min(1.0, 2 * float(stdtr(self.degrees, -distance / self.standard_error)))


@lru_cache(maxsize=20_000)
def difference(baseline: LogSamples, candidate: LogSamples) -> Difference:
    """Paired by block where enough blocks are shared, else Welch's. Raises ValueError where a side has no runs.

    Enough are three shared blocks that are also half of the smaller side's. Then runs outside them are left out:
    nothing cancels their block's state of the machine. Otherwise all runs count as independent, which errs on the
    safe side: what blocks they do share makes the true spread of the difference smaller, not larger. The choice
    looks only at which blocks there are, never at times. Of the pairs, or of each side's runs, those that stalled
    are set aside.

    Kept: a page asks for one pair's ratio, verdict and p-value, each of which begins here, and so does the next page.
    """
    pairs = paired_differences(baseline, candidate)
    if len(pairs) >= MIN_RUNS and 2 * len(pairs) >= min(len(set(baseline.blocks)), len(set(candidate.blocks))):
        used = kept(pairs)
        aside = len(pairs) - len(used)
        return Difference(mean(used), standard_error(used), len(used) - 1, len(pairs), paired=True, stalled=aside)
    return _welch(baseline, candidate)


def paired_differences(baseline: LogSamples, candidate: LogSamples) -> list[float]:
    """One for each shared block; a block's repeated runs count as their mean."""
    before, after = _means_by_block(baseline), _means_by_block(candidate)
    return [after[block] - before[block] for block in before if block in after]


def _means_by_block(samples: LogSamples) -> dict[int, float]:
    by_block: dict[int, list[float]] = {}
    if samples.blocks:
        for block, value in zip(samples.blocks, samples.values, strict=True):
            by_block.setdefault(block, []).append(value)
    return {block: mean(values) for block, values in by_block.items()}


def _welch(baseline: LogSamples, candidate: LogSamples) -> Difference:
    """Welch 1947, with Satterthwaite's degrees of freedom.

    At three runs a side, its 95 % interval covers 96.5 % if both spread alike: it is a little too wide.
    """
    before, after = kept(baseline.values), kept(candidate.values)
    centre = mean(after) - mean(before)
    runs = min(len(baseline), len(candidate))
    aside = len(baseline) + len(candidate) - len(before) - len(after)
    if runs < MIN_RUNS:
        return Difference(centre, None, 0, runs, paired=False, stalled=aside)
    parts = [(variance(side) / len(side), len(side) - 1) for side in (before, after)]
    return replace(independent(centre, parts, runs), stalled=aside)


def independent(centre: float, parts: Sequence[tuple[float, float]], runs: int) -> Difference:
    """A sum of independent parts, each (its variance, that variance's degrees of freedom) (Satterthwaite 1946)."""
    total = sum(part for part, _ in parts)
    if total == 0:
        return Difference(centre, 0.0, min(degrees for _, degrees in parts), runs, paired=False)
    shares = sum((part / total) ** 2 / degrees for part, degrees in parts)
    return Difference(centre, sqrt(total), 1 / shares, runs, paired=False)
