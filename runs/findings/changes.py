"""Which changes there are on a machine: between releases, over time, and of the machine as a whole. Pure; no ORM.

Between releases: the paired verdict in each experiment, Holm over the cells that were compared there. Over time: the
steps of each series. Where the machine's own speed, its canary, moved with them, or most series moved alike at once, it
is one change of the machine, and a series counts for itself only by what it moved beyond that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import exp, log, log1p
from statistics import median
from typing import Literal

from runs.findings.history import History, Moment, Transition
from runs.stats import SIGNIFICANCE, LogSamples, Ratio, holm, p_slower, ratio

Kind = Literal["release", "step", "machine"]
NEARBY = 3
"""As more experiments come in, a step may be found so many places from where it was found first."""
LEAST_SERIES = 3
"""So many series that moved alike at once are the machine, even where no canary says so."""
_MOST = 0.8
_ALIKE = log1p(0.05)


@dataclass(frozen=True)
class SeriesKey:
    machine_id: int
    workload_id: int
    engine: str
    track: str
    device: str
    threads: int


@dataclass(frozen=True)
class Found:
    """A change as it stands today. `members` are the series of a machine's change."""

    kind: Kind
    key: SeriesKey
    transition: Transition
    p: float
    stands: bool = True
    nearby: frozenset[int] = frozenset()
    """Experiments in one of which the same step would be found at another look."""
    members: tuple[SeriesKey, ...] = ()

    @property
    def is_slower(self) -> bool:
        return self.transition.ratio.value > 1


CanaryOf = Callable[[Moment], LogSamples | None]
"""The logs of how long a fixed piece of work took around an experiment's runs; None where nobody looked."""


def found_in(histories: Mapping[SeriesKey, History], canary: CanaryOf) -> list[Found]:
    """All changes of a machine's series, the newest first."""
    found = [*between_releases(histories), *over_time(histories, canary)]
    return sorted(found, key=lambda each: each.transition.after.at, reverse=True)


# ---------------------------------------------------------------- between releases


def between_releases(histories: Mapping[SeriesKey, History]) -> list[Found]:
    """Of each pair of releases what the newest experiment with both says, where it says slower or faster."""
    compared = [(key, each, history.rope) for key, history in histories.items() for each in history.within]
    compared.sort(key=lambda item: item[1].after.experiment_id)
    newest: dict[tuple[SeriesKey, str, str], Found | None] = {}
    families = (list(family) for _, family in groupby(compared, key=lambda item: item[1].after.experiment_id))
    for family in sorted(families, key=lambda family: max(each.after.at for _, each, _ in family)):
        newest |= _judged(family)
    return [found for found in newest.values() if found]


def _judged(
    family: Sequence[tuple[SeriesKey, Transition, float]],
) -> dict[tuple[SeriesKey, str, str], Found | None]:
    """One experiment's pairs; None where it shows no difference."""
    sides = [(each.before.row.samples, each.after.row.samples, rope) for _, each, rope in family]
    slower = holm([_or_one(p_slower(before, after, rope=rope)) for before, after, rope in sides])
    faster = holm([_or_one(p_slower(after, before, rope=rope)) for before, after, rope in sides])
    judged: dict[tuple[SeriesKey, str, str], Found | None] = {}
    for (key, each, _), *ps in zip(family, slower, faster, strict=True):
        p = min(ps)
        found = Found("release", key, each, p) if p < SIGNIFICANCE else None
        judged[key, each.before.release, each.after.release] = found
    return judged


def _or_one(p: float | None) -> float:
    return 1.0 if p is None else p


# ---------------------------------------------------------------- over time


def over_time(histories: Mapping[SeriesKey, History], canary: CanaryOf) -> list[Found]:
    own = [found for key, history in histories.items() for found in _steps(key, history)]
    found: list[Found] = []
    for group in _at_once(own):
        whole = _of_the_machine(group, histories, canary)
        found += [whole, *_beyond(whole, group)] if whole else group
    return found


def _steps(key: SeriesKey, history: History) -> list[Found]:
    stepped = {each.after.experiment_id: each for each in history.across if each.p is not None}
    moments, found = history.over_time, []
    for step in history.steps:
        transition = stepped[moments[step.at].experiment_id]
        nearby = {each.experiment_id for each in moments[max(0, step.at - NEARBY) : step.at + NEARBY + 1]}
        found.append(Found("step", key, transition, step.p, history.still_stands(step), frozenset(nearby)))
    return found


def _at_once(found: Iterable[Found]) -> list[list[Found]]:
    """Steps of one device and thread count in one direction that may be at the same experiment."""
    groups: list[list[Found]] = []
    for each in sorted(found, key=lambda each: each.transition.after.at):
        for group in groups:
            if _fits(each, group[0]):
                group.append(each)
                break
        else:
            groups.append([each])
    return groups


def _fits(one: Found, other: Found) -> bool:
    same = (one.key.device, one.key.threads, one.is_slower) == (other.key.device, other.key.threads, other.is_slower)
    return same and one.transition.after.experiment_id in other.nearby and one.key != other.key


def _of_the_machine(group: Sequence[Found], histories: Mapping[SeriesKey, History], canary: CanaryOf) -> Found | None:
    """The machine's change, if these are one: by its canary, else by how many moved alike."""
    shift = _canary_shift(group[0].transition, canary)
    typical = median(log(each.transition.ratio.value) for each in group)
    if shift is not None and shift.low is not None and shift.high is not None:
        moved = shift.low > 1 if typical > 0 else shift.high < 1
        if not moved or abs(log(shift.value)) < 0.5 * abs(typical):
            return None
        return _whole(group, shift)
    if len(group) < LEAST_SERIES or len({each.key.engine for each in group}) < 2:
        return None
    alike = [each for each in group if abs(log(each.transition.ratio.value) - typical) <= _ALIKE]
    there = _measured_there(group[0], histories)
    if len(alike) < max(LEAST_SERIES, _MOST * there):
        return None
    return _whole(group, replace(group[0].transition.ratio, value=exp(typical), low=None, high=None))


def _canary_shift(transition: Transition, canary: CanaryOf) -> Ratio | None:
    before, after = canary(transition.before), canary(transition.after)
    return ratio(before.unpaired, after.unpaired) if before and after else None


def _measured_there(first: Found, histories: Mapping[SeriesKey, History]) -> int:
    """Series of the same device and threads that have an experiment on both sides."""
    before, after = first.transition.before.at, first.transition.after.at
    return sum(
        any(each.at <= before for each in history.timed) and any(each.at >= after for each in history.timed)
        for key, history in histories.items()
        if (key.device, key.threads) == (first.key.device, first.key.threads)
    )


def _whole(group: Sequence[Found], shift: Ratio) -> Found:
    """Known by the surest of its series."""
    surest = min(group, key=lambda each: each.p)
    nearby = frozenset().union(*(each.nearby for each in group))
    stands = sum(each.stands for each in group) * 2 >= len(group)
    transition = replace(surest.transition, ratio=shift)
    members = tuple(each.key for each in group)
    return Found("machine", surest.key, transition, surest.p, stands, nearby, members)


def _beyond(whole: Found, group: Sequence[Found]) -> list[Found]:
    """Series that moved clearly more, or less, than their machine did."""
    shift = log(whole.transition.ratio.value)
    found = []
    for each in group:
        own = each.transition.ratio
        left = [None if value is None else exp(log(value) - shift) for value in (own.value, own.low, own.high)]
        value, low, high = left
        if value and low and high and (log(low) > _ALIKE or log(high) < -_ALIKE):
            transition = replace(each.transition, ratio=replace(own, value=value, low=low, high=high))
            found.append(replace(each, transition=transition))
    return found
