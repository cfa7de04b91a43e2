"""One cell's runs: their log medians, and the time they estimate."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp, fsum, isfinite, log, sqrt
from typing import Self

from scipy.special import stdtrit

from runs.stats.stalls import kept, marked

CONFIDENCE = 0.95
MIN_RUNS = 3
STEADY_DRIFT = 0.05


@dataclass(frozen=True)
class LogSamples:
    """The runs of one cell: the natural log of each run's median steady epoch in seconds, and the run's block.

    Equal block numbers mean the same block: the runs stood side by side. Without block numbers the runs are
    never paired; leave them out when two sides come from different experiments, machines or thread counts.
    """

    values: tuple[float, ...]
    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.blocks and len(self.blocks) != len(self.values):
            raise ValueError(f"{len(self.values)} runs have {len(self.blocks)} block numbers: give one each, or none.")
        if not all(isfinite(value) for value in self.values):
            raise ValueError("The log of a run's median must be a finite number.")

    @classmethod
    def of(cls, seconds: Sequence[float], blocks: Sequence[int] = ()) -> Self:
        """From the runs' medians in seconds; raises ValueError where one is not above 0."""
        if any(value <= 0 for value in seconds):
            raise ValueError("A run's median epoch must take more than 0 s.")
        return cls(tuple(log(value) for value in seconds), tuple(blocks))

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def unpaired(self) -> LogSamples:
        return LogSamples(self.values)


@dataclass(frozen=True)
class Estimate:
    """A cell's time per epoch with its 95 % interval, absent under three runs."""

    seconds: float
    low: float | None
    high: float | None
    runs: int
    stalled: int = 0
    """How many of the runs were set aside."""


def run_median(steady_epoch_seconds: Sequence[float]) -> float:
    """A run's time: the median of its steady epochs. Raises ValueError without any."""
    return float(statistics.median(steady_epoch_seconds))


def estimate(samples: LogSamples) -> Estimate:
    """Geometric mean over the runs and Student's t interval on the logs (Georges et al. 2007, 3.2, taken to logs).

    Runs that stalled are set aside and counted. Raises ValueError without runs.
    """
    values = kept(samples.values)
    centre = mean(values)
    half_width = t_quantile(len(values) - 1) * standard_error(values) if len(values) >= MIN_RUNS else None
    low, high = bounds(centre, half_width)
    return Estimate(exp(centre), low, high, len(samples), len(samples) - len(values))


def stalled_runs(samples: LogSamples) -> tuple[int, ...]:
    """The places of the runs that are far outside the others: marked, and from four runs on set aside."""
    return marked(samples.values)


def bounds(centre: float, half_width: float | None) -> tuple[float, float] | tuple[None, None]:
    """From the log scale back: an interval around `exp(centre)`."""
    if half_width is None:
        return None, None
    return exp(centre - half_width), exp(centre + half_width)


def mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("There are no runs to average.")
    return fsum(values) / len(values)


def variance(values: Sequence[float]) -> float:
    """The sample variance, with n - 1; 0 for a single value."""
    centre = mean(values)
    return fsum((value - centre) ** 2 for value in values) / max(len(values) - 1, 1)


def standard_error(values: Sequence[float]) -> float:
    return sqrt(variance(values) / len(values))


@lru_cache(maxsize=10_000)
def t_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """Half of a two-sided interval of `confidence`, in standard errors (Student 1908)."""
    return float(stdtrit(degrees, 0.5 + confidence / 2))
