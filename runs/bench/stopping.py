"""When a group of cells has been measured enough, and when the sitting's time is up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from runs import stats
from runs.records.outlines import Outline
from runs.stats import LogSamples
from runs.suites.plan import Block, Group, group_of


@dataclass
class Budget:
    """Whole blocks only: one that would end too late is not begun. No seconds means no end."""

    seconds: float | None
    predict: Callable[[Block], float]
    started: float = field(default_factory=time.monotonic)

    def allows(self, blocks: Iterable[Block]) -> bool:
        """Whether all of these, one after the other, will be over in time."""
        return self.seconds is None or self.spent + sum(map(self.predict, blocks)) <= self.seconds

    def fitting(self, blocks: Iterable[Block], *, after: float = 0.0) -> tuple[Block, ...]:
        """Of these, in their order, those that will be begun: what would end too late is passed over.

        `after` are the seconds that something else takes first.
        """
        found: list[Block] = []
        at = self.spent + after
        for block in blocks:
            ends = at + self.predict(block)
            if self.seconds is None or ends <= self.seconds:
                at = ends
                found.append(block)
        return tuple(found)

    @property
    def spent(self) -> float:
        return time.monotonic() - self.started


@dataclass
class Progress:
    """The times of an experiment so far, by group and cell, for the rule that stops a rigorous suite. Pure."""

    runs: dict[Group, list[Outline]] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Iterable[Outline]) -> Progress:
        progress = cls()
        for run in runs:
            progress.add(run)
        return progress

    def add(self, run: Outline) -> None:
        self.runs.setdefault(group_of(run.cell), []).append(run)

    def is_precise(self, group: Group) -> bool:
        """Whether every engine's ratio to the fastest is known well enough, and in blocks enough."""
        runs = self.runs.get(group, [])
        blocks = len({run.block for run in runs})
        return stats.stop_reason(half_widths(_samples(runs)), blocks=blocks) == "precise"


def _samples(runs: Iterable[Outline]) -> dict[str, LogSamples]:
    """Each measurement's log medians with their blocks, of the runs that finished."""
    values: dict[str, list[tuple[int, float]]] = {}
    for run in runs:
        if run.seconds:
            values.setdefault(run.cell_key, []).append((run.block, math.log(run.seconds)))
    return {
        key: LogSamples(tuple(log for _, log in pairs), tuple(block for block, _ in pairs))
        for key, pairs in values.items()
    }


def half_widths(samples: Mapping[str, LogSamples]) -> list[float | None]:
    """Of each one's log ratio to the fastest; with one alone, nothing is compared."""
    if len(samples) < 2:
        return []
    fastest = min(samples.values(), key=lambda each: sum(each.values) / len(each.values))
    return [stats.half_width_of_log_ratio(fastest, each) for each in samples.values() if each is not fastest]
