"""One engine at one network on one machine, over releases and over time: what changed, and what changed with it. Pure.

Within one experiment releases stood in the same blocks, and are compared in pairs. Between experiments the machine may
have been another: each experiment gives one value, and a step is what a series of them shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from math import log
from typing import Literal

from runs.findings.alike import newest_of_each
from runs.findings.cells import CellRow
from runs.findings.software import Changed, Software, changes
from runs.stats import EQUIVALENCE, Ratio, judge, ratio
from runs.stats.steps import Step, steps
from runs.words.releases import release_key

How = Literal["same blocks", "over time"]


@dataclass(frozen=True)
class Moment:
    """What one experiment says of the engine, in one release with one code."""

    row: CellRow
    experiment_id: int
    experiment: str
    slug: str
    software: Software = field(default_factory=Software)
    sittings: frozenset[str] = frozenset()
    """In which its runs were measured; empty where the experiment has one release alone."""

    @property
    def is_for_comparison(self) -> bool:
        """Of a release that was installed to be compared, not what the machine works with."""
        return "@" in self.software.environment

    @property
    def at(self) -> datetime:
        return self.row.newest_run_at

    @property
    def release(self) -> str:
        return self.row.release


@dataclass(frozen=True)
class Transition:
    """From one moment to the next: how much slower the second is, and how one knows.

    `verdict` is of the same blocks, or, over time, `faster` and `slower` where the series has a step, else empty.
    """

    before: Moment
    after: Moment
    ratio: Ratio
    verdict: str
    how: How
    changed: tuple[Changed, ...]
    p: float | None = None
    """Of a step: adjusted for all places where one might have been."""
    runs_before: int = 0
    runs_after: int = 0


@dataclass(frozen=True, eq=False)
class History:
    """`moments` are of one engine, network, track, device, thread count and machine, in any order.

    Equal to itself alone: what is worked out of a thousand moments can be kept beside it.
    """

    moments: Sequence[Moment]
    rope: float = EQUIVALENCE

    @cached_property
    def timed(self) -> list[Moment]:
        return sorted((each for each in self.moments if each.row.estimate), key=lambda each: each.at)

    @cached_property
    def over_time(self) -> list[Moment]:
        """Of each experiment its highest release, by date.

        Without releases that were installed to be compared, unless there are no others: who bisects older ones does not
        make the machine slower.
        """
        usual = [each for each in self.timed if not each.is_for_comparison] or self.timed
        newest = {id(row) for own in _by_experiment(usual) for row in newest_of_each(each.row for each in own)}
        return [each for each in usual if id(each.row) in newest]

    @cached_property
    def over_releases(self) -> list[Moment]:
        """Of each release its newest time, in the releases' order."""
        newest = {each.release: each for each in self.timed}
        return [newest[release] for release in sorted(newest, key=release_key)]

    @cached_property
    def steps(self) -> list[Step]:
        return steps([_level(each) for each in self.over_time])

    @cached_property
    def within(self) -> list[Transition]:
        """Neighbouring releases of one sitting of an experiment, by one code, the newest experiment first.

        What went on in an experiment after an upgrade has the same block numbers, and stood in no block beside it.
        """
        return [
            self._in_the_same_blocks(before, after)
            for own in reversed(_by_experiment(self.timed))
            for before, after in pairwise(_one_of_each_release(own))
            if before.row.engine_sha256 == after.row.engine_sha256 and before.sittings & after.sittings
        ]

    def _in_the_same_blocks(self, before: Moment, after: Moment) -> Transition:
        sides = before.row.samples, after.row.samples
        found, verdict = ratio(*sides), judge(*sides, rope=self.rope)
        return Transition(
            before,
            after,
            found,
            verdict,
            "same blocks",
            changes(before.software, after.software),
            runs_before=len(sides[0]),
            runs_after=len(sides[1]),
        )

    @cached_property
    def across(self) -> list[Transition]:
        """Between experiments, the newest first: where a step is, and where software or machine changed without one."""
        found = []
        stepped = {step.at: step for step in self.steps}
        for place, (before, after) in enumerate(pairwise(self.over_time), start=1):
            step, changed = stepped.get(place), changes(before.software, after.software)
            if step:
                found.append(self._over_a_step(step, changed))
            elif changed:
                sides = before.row.samples.unpaired, after.row.samples.unpaired
                found.append(Transition(before, after, ratio(*sides), "", "over time", changed))
        return found[::-1]

    def _over_a_step(self, step: Step, changed: tuple[Changed, ...]) -> Transition:
        """Between two stretches: their runs are experiments."""
        fewer = min(step.at - step.begins, step.ends - step.at)
        return Transition(
            self.over_time[step.at - 1],
            self.over_time[step.at],
            Ratio(step.ratio, step.low, step.high, fewer, paired=False),
            "slower" if step.ratio > 1 else "faster",
            "over time",
            changed,
            p=step.p,
            runs_before=step.at - step.begins,
            runs_after=step.ends - step.at,
        )

    @cached_property
    def transitions(self) -> list[Transition]:
        """All, the newest first."""
        return sorted([*self.within, *self.across], key=lambda each: each.after.at, reverse=True)

    def still_stands(self, step: Step) -> bool:
        """Whether the newest stretch is on the step's side of what was before it, by half of the step at least."""
        before = _mean([_level(each) for each in self.over_time[step.begins : step.at]])
        newest = _mean([_level(each) for each in self.over_time[self.steps[-1].at :]])
        return (newest - before) / log(step.ratio) >= 0.5


def _level(moment: Moment) -> float:
    assert moment.row.estimate, "only what has a time is a moment of a series"
    return log(moment.row.estimate.seconds)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _by_experiment(moments: Iterable[Moment]) -> list[list[Moment]]:
    """In the order of their first moment."""
    found: dict[int, list[Moment]] = {}
    for each in moments:
        found.setdefault(each.experiment_id, []).append(each)
    return list(found.values())


def _one_of_each_release(moments: Sequence[Moment]) -> list[Moment]:
    """The newest of each, in the releases' order."""
    newest = {each.release: each for each in sorted(moments, key=lambda each: each.at)}
    return [newest[release] for release in sorted(newest, key=release_key)]
