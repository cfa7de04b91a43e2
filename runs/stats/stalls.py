"""Runs that a stall of the machine made far longer than their likes: found, marked, and set aside where that is safe.

One run of ten at three times its time makes a mean of logs and its t interval worthless. The generalised extreme
Studentised deviate test (Rosner 1983) finds up to a quarter of the values that are no sample of the others' normal
distribution. It looks at the values alone, in both directions alike, and at no other cell: who leads plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import fsum, log, sqrt

from scipy.special import stdtrit

LEVEL = 0.002
"""Of cells where nothing stalls, so many have a run set aside."""
LEAST = 4
"""With three runs nothing robust exists: none is set aside, though one can be marked."""
_SHARE = 4
_FAR = log(1.2)
_TIMES_THE_GAP = 3.0


def stalled(values: Sequence[float]) -> tuple[int, ...]:
    """The places of the values that are set aside, in order: at most a quarter of them, none of three or fewer."""
    return _stalled(tuple(values)) if len(values) >= LEAST else ()


@lru_cache(maxsize=50_000)
def _stalled(values: tuple[float, ...]) -> tuple[int, ...]:
    """Kept, with the values themselves as the key: a page asks the same of hundreds of cells each time."""
    left = list(range(len(values)))
    taken: list[int] = []
    found = 0
    for removed in range(len(values) // _SHARE):
        far, deviate = _farthest([values[place] for place in left])
        if deviate <= 0:
            break
        taken.append(left.pop(far))
        if deviate > _critical(len(values), removed):
            found = len(taken)
    return tuple(sorted(taken[:found]))


def kept(values: Sequence[float]) -> list[float]:
    """Without those that are set aside."""
    aside = stalled(values)
    return [value for place, value in enumerate(values) if place not in aside] if aside else list(values)


def marked(values: Sequence[float]) -> tuple[int, ...]:
    """What is set aside; of three values, one that is marked alone.

    That is one more than 20 % off both others and three times as far from the nearer as these are apart: with a spread
    of 5 % between runs, one cell of 2,000 has such a run by chance.
    """
    if len(values) != LEAST - 1:
        return stalled(values)
    ordered = sorted(values)
    low, high = ordered[1] - ordered[0], ordered[2] - ordered[1]
    if max(low, high) <= max(_FAR, _TIMES_THE_GAP * min(low, high)):
        return ()
    return (list(values).index(ordered[2] if high > low else ordered[0]),)


def _farthest(values: Sequence[float]) -> tuple[int, float]:
    """The place of the value farthest from their mean, and its distance in standard deviations."""
    centre = fsum(values) / len(values)
    distances = [abs(value - centre) for value in values]
    spread = sqrt(fsum(distance**2 for distance in distances) / (len(values) - 1))
    far = max(range(len(values)), key=distances.__getitem__)
    return far, distances[far] / spread if spread > 0 else 0.0


@lru_cache(maxsize=1000)
def _critical(count: int, removed: int) -> float:
    """Rosner's lambda: what the farthest of `count - removed` normal values exceeds in `LEVEL` of samples."""
    left = count - removed
    t = float(stdtrit(left - 2, 1 - LEVEL / (2 * left)))
    return (left - 1) * t / sqrt((left - 2 + t * t) * left)
