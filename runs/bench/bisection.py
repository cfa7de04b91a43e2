"""Which release made the difference: ends and middles in shared blocks, until two neighbours are known. Pure.

Each probe measures the middle beside both ends of what is left, anew, in the same blocks: what the machine does
meanwhile meets all three alike. A middle belongs to the side that it is nearer to, once its 95 % interval says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runs.errors import RunsError
from runs.stats import EQUIVALENCE, LogSamples, Ratio, Verdict, judge, ratio
from runs.stats.samples import MIN_RUNS, mean, standard_error, t_quantile
from runs.stats.stalls import kept

ROUNDS = (5, 10, 15)
"""Blocks of a probe: more, where fewer do not decide."""


class CannotMeasureError(RunsError):
    """A release that cannot be installed, or does not run: it is skipped."""


class OutOfTimeError(RunsError):
    """The budget has no room for the next blocks; the same command goes on."""


class Measure(Protocol):
    def __call__(self, releases: Sequence[str], /, *, probe: int, blocks: int) -> Mapping[str, LogSamples]:
        """Times of these releases in the first so many blocks of this probe. Raises CannotMeasureError naming none."""


@dataclass(frozen=True)
class Probe:
    """What one look said: the middle, how far it lies from the first end to the last, and which side it is on."""

    release: str
    share: float
    is_after: bool
    blocks: int
    is_sure: bool


@dataclass(frozen=True)
class Outcome:
    """`first` is the first release that differs from `last_before`; both empty where the ends do not differ."""

    ends: Ratio
    verdict: Verdict
    last_before: str = ""
    first: str = ""
    ratio: Ratio | None = None
    probes: tuple[Probe, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Release -> why it could not be measured."""
    unknown: tuple[str, ...] = ()
    """Releases between the two that could not be measured: any of them may be the first."""

    @property
    def measured(self) -> int:
        return 2 + len(self.probes)


Told = Callable[[str], None]


def bisect(
    releases: Sequence[str], measure: Measure, *, rope: float = EQUIVALENCE, told: Told = lambda text: None
) -> Outcome:
    """`releases` from the oldest to the newest, both ends among them. Raises RunsError where an end cannot be had.

    At most log2(n) + 2 releases are measured.
    """
    first, last = releases[0], releases[-1]
    ends, verdict = _ends(first, last, measure, rope)
    told(f"{last} against {first}: {ends.value:.3f}, {verdict}.")
    if verdict not in ("slower", "faster"):
        return Outcome(ends, verdict)
    low, high, found = 0, len(releases) - 1, ends
    probes: list[Probe] = []
    skipped: dict[str, str] = {}
    number = 1
    while middles := [place for place in _from_the_middle(low, high) if releases[place] not in skipped]:
        place = middles[0]
        try:
            probe, across = _probe(releases[low], releases[place], releases[high], measure, number)
        except CannotMeasureError as error:
            skipped[releases[place]] = str(error)
            told(f"{releases[place]} is skipped: {error}")
            continue
        number += 1
        probes.append(probe)
        low, high = (low, place) if probe.is_after else (place, high)
        found = across
        told(
            f"{probe.release} is {'as the newer' if probe.is_after else 'as the older'} end ({probe.share:.0%} of it)."
        )
    unknown = tuple(releases[low + 1 : high])
    return Outcome(ends, verdict, releases[low], releases[high], found, tuple(probes), skipped, unknown)


def _from_the_middle(low: int, high: int) -> Iterator[int]:
    """The places between two, the middle first, then outward."""
    middle = (low + high) // 2
    yield from sorted(range(low + 1, high), key=lambda place: (abs(place - middle), place))


def _ends(first: str, last: str, measure: Measure, rope: float) -> tuple[Ratio, Verdict]:
    for blocks in ROUNDS:
        samples = measure([first, last], probe=0, blocks=blocks)
        verdict = judge(samples[first], samples[last], rope=rope)
        if verdict in ("slower", "faster", "tie"):
            break
    return ratio(samples[first], samples[last]), verdict


def _probe(low: str, middle: str, high: str, measure: Measure, number: int) -> tuple[Probe, Ratio]:
    """Where the middle belongs, and what lies between the two neighbours that are left."""
    for blocks in ROUNDS:
        samples = measure([low, middle, high], probe=number, blocks=blocks)
        share, off, half = _share(samples[low], samples[middle], samples[high])
        if abs(off) > half:
            break
    is_after = share >= 0.5
    sides = (samples[low], samples[middle]) if is_after else (samples[middle], samples[high])
    return Probe(middle, share, is_after, blocks, abs(off) > half), ratio(*sides)


def _share(low: LogSamples, middle: LogSamples, high: LogSamples) -> tuple[float, float, float]:
    """How far the middle is from low to high, its distance from half way in logs, and that one's half width."""
    sides = [dict(zip(each.blocks, each.values, strict=True)) for each in (low, middle, high)]
    shared = sorted(set(sides[0]) & set(sides[1]) & set(sides[2]))
    if len(shared) < MIN_RUNS:
        raise CannotMeasureError("Too few of its runs finished.")
    off = kept([sides[1][block] - (sides[0][block] + sides[2][block]) / 2 for block in shared])
    whole = mean(kept([sides[2][block] - sides[0][block] for block in shared]))
    half = t_quantile(len(off) - 1) * standard_error(off)
    return 0.5 + (mean(off) / whole if whole else 0.0), mean(off), half
