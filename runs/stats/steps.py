"""Where a series of estimates changed its level: stretches by a change-point method, each boundary by a test of ours.

A series has one value for each experiment, in the order in which they were made: the log of what it estimates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import exp, log, sqrt
from statistics import median

import numpy as np
import ruptures
from scipy.special import stdtr

from runs.stats.samples import CONFIDENCE, MIN_RUNS, mean, t_quantile, variance
from runs.stats.stalls import kept

FALSE_ALARMS = 1e-3
"""Of unchanged series that are looked at, the share in which a step is found at all."""
LEAST_STEP = 0.02
"""Smaller ones are not worth a sentence."""
_FAR = 5.0
"""Times the spread: farther from both sides is a stall of one experiment, and no step."""
_LEVEL = FALSE_ALARMS / 3
"""Of the test: where cuts are chosen to show most, it calls a step a little more often than it says."""
_LEAST_SHARE = 0.35
_SCALE = 1.4826
"""Of a median absolute deviation, to be a standard deviation (of a normal)."""


@dataclass(frozen=True)
class Step:
    """From the stretch before `at` to the one that begins there. `low` and `high` bound the ratio after / before."""

    begins: int
    at: int
    ends: int
    ratio: float
    low: float
    high: float
    p: float
    """Adjusted for all the places where a step might have been found."""


def steps(values: Sequence[float]) -> list[Step]:
    """The steps of a series, in order; none where it is too short to show one.

    Single values far from what is on both sides of them are set aside first. Stretches come from PELT on the means
    (Killick et al. 2012), which here errs on the side of too many; then the boundary that shows least is given up until
    each shows a step: by Student's t between its two stretches, with the spread that all stretches have in common, at
    a third of FALSE_ALARMS over the number of places where it might have been (Bonferroni).
    """
    return list(_found(tuple(values)))


@lru_cache(maxsize=1_000)
def _found(values: tuple[float, ...]) -> tuple[Step, ...]:
    """Kept, with the values themselves as the key: a page asks the same at every visit."""
    places = usual(values)
    ends = [*places, len(values)]
    return tuple(
        replace(step, begins=ends[step.begins] if step.begins else 0, at=ends[step.at], ends=ends[step.ends])
        for step in _steps([values[place] for place in places])
    )


def usual(values: Sequence[float]) -> list[int]:
    """The places of the values that are near those before them, or near those after."""
    if len(values) < 2 * MIN_RUNS:
        return list(range(len(values)))
    far = _FAR * _spread(np.asarray(values))

    def is_near(value: float, others: Sequence[float]) -> bool:
        return bool(others) and abs(value - median(others)) <= far

    return [
        place
        for place, value in enumerate(values)
        if is_near(value, values[max(0, place - MIN_RUNS) : place])
        or is_near(value, values[place + 1 : place + 1 + MIN_RUNS])
    ]


def _steps(values: Sequence[float]) -> list[Step]:
    edges = [0, *_candidates(tuple(values)), len(values)]
    while len(edges) > 2:
        found = _between(values, edges)
        doubtful = [step for step in found if step.p >= _LEVEL or abs(log(step.ratio)) < LEAST_STEP]
        if not doubtful:
            return found
        edges.remove(max(doubtful, key=lambda step: step.p).at)
    return []


def _between(values: Sequence[float], edges: Sequence[int]) -> list[Step]:
    """A step at each inner edge, however sure."""
    stretches = [kept(values[begins:ends]) for begins, ends in pairwise(edges)]
    degrees = sum(len(stretch) - 1 for stretch in stretches)
    spread = sqrt(sum(variance(stretch) * (len(stretch) - 1) for stretch in stretches) / degrees)
    places = max(1, len(values) - 2 * MIN_RUNS + 1)
    return [
        _step((begins, at, ends), before, after, spread, degrees, places)
        for (begins, at), (_, ends), before, after in zip(
            pairwise(edges), pairwise(edges[1:]), stretches, stretches[1:], strict=False
        )
    ]


def _step(
    edges: tuple[int, int, int],
    before: Sequence[float],
    after: Sequence[float],
    spread: float,
    degrees: int,
    places: int,
) -> Step:
    centre, error = mean(after) - mean(before), spread * sqrt(1 / len(before) + 1 / len(after))
    half = t_quantile(degrees, CONFIDENCE) * error
    p = 2 * float(stdtr(degrees, -abs(centre) / error)) if error else float(centre == 0)
    return Step(*edges, exp(centre), exp(centre - half), exp(centre + half), min(1.0, places * p))


def _candidates(values: tuple[float, ...]) -> tuple[int, ...]:
    """Where PELT would cut, with a penalty that lets chance through now and then: the test is what decides."""
    if len(values) < 2 * MIN_RUNS:
        return ()
    signal = np.asarray(values)
    spread = _spread(signal)
    if spread == 0:
        spread = 1e-9
    penalty = 2 * log(len(values)) * spread**2
    cuts = ruptures.KernelCPD(kernel="linear", min_size=MIN_RUNS).fit(signal.reshape(-1, 1)).predict(pen=penalty)
    return tuple(int(cut) for cut in cuts[:-1])


def _spread(signal: np.ndarray) -> float:
    """Of neighbours' differences, so that a step is not taken for spread; robust to single values far off.

    Where most differences are the same, their median deviation says too little: then a share of their own spread.
    """
    differences = np.diff(signal)
    robust = _SCALE * np.median(np.abs(differences - np.median(differences)))
    return float(max(robust, _LEAST_SHARE * np.std(differences)) / np.sqrt(2))
