"""Speed-ups over devices and threads, and averages over many cells."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from runs.stats.comparison import Ratio, ratio, ratio_of, ratio_to_itself
from runs.stats.difference import Difference, difference, independent
from runs.stats.samples import LogSamples

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class ScalingPoint:
    """At `threads` threads: speed-up T1 / Tn, and efficiency T1 / (n Tn)."""

    threads: int
    speed_up: Ratio
    efficiency: Ratio


def speed_up(before: LogSamples, after: LogSamples) -> Ratio:
    """T before / T after, so that 2 is twice as fast (CPU and GPU, one thread and many).

    Never paired: a block holds one device and one thread count, and equal numbers are not the same moment.
    """
    return ratio(after.unpaired, before.unpaired)


def scaling(times: Mapping[int, LogSamples]) -> tuple[ScalingPoint, ...]:
    """By thread count, fewest first; empty without runs at one thread, which is what the others are held against."""
    one = times.get(1)
    if one is None:
        return ()
    return tuple(_scaling_point(threads, one, times[threads]) for threads in sorted(times))


def _scaling_point(threads: int, one: LogSamples, many: LogSamples) -> ScalingPoint:
    gain = ratio_to_itself(one) if threads == 1 else speed_up(one, many)
    return ScalingPoint(threads, gain, _divided(gain, threads))


def _divided(value: Ratio, divisor: float) -> Ratio:
    low, high = (None if bound is None else bound / divisor for bound in (value.low, value.high))
    return replace(value, value=value.value / divisor, low=low, high=high)


def aggregate_ratio(cells: Sequence[tuple[LogSamples, LogSamples]]) -> Ratio:
    """Geometric mean of the ratios of (baseline, candidate) over cells (Fleming & Wallace 1986).

    The mean of the cells' log differences; cells have blocks of their own, so their variances add
    (Satterthwaite 1946). No interval if one cell has too few runs. Raises ValueError without cells.
    """
    if not cells:
        raise ValueError("There are no cells that all sides have.")
    found = [difference(baseline, candidate) for baseline, candidate in cells]
    centre = sum(each.mean for each in found) / len(found)
    runs = min(each.runs for each in found)
    paired = all(each.paired for each in found)
    stalled = sum(each.stalled for each in found)
    parts = [(each.standard_error**2, each.degrees) for each in found if each.standard_error is not None]
    if len(parts) < len(found):
        return ratio_of(Difference(centre, None, 0, runs, paired, stalled))
    shares = [(part / len(found) ** 2, degrees) for part, degrees in parts]
    return ratio_of(replace(independent(centre, shares, runs), paired=paired, stalled=stalled))
