"""What a cell's runs add up to. Pure: the same for runs that arrive one by one and for a rebuild from all of them."""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from engines.run_record import Equivalence

MOST_SAMPLES: Final = 100
"""A summary keeps the samples of so many runs, those of the newest blocks: far more than any verdict needs."""


Sample = tuple[int, float]
"""A run's block, and the log of its seconds."""


@dataclass(frozen=True)
class RunFacts:
    """What a summary needs of one run. `seconds` is None unless it finished, the last two unless it was asked."""

    block: int
    status: str
    reason: str
    finished_at: datetime
    seconds: float | None
    equivalence: Equivalence = "unverified"
    tail_seconds: float | None = None
    mean_seconds: float | None = None


@dataclass
class Tally:
    """`samples` are of the newest finished runs, sorted so that no order of arrival shows; `tails` and `means` alike.

    `equivalence` is the newest word that the gate had on a run's engine, `verified_at` when that run ended.
    """

    samples: list[Sample] = field(default_factory=list)
    tails: list[Sample] = field(default_factory=list)
    means: list[Sample] = field(default_factory=list)
    status_counts: Counter[str] = field(default_factory=Counter)
    reason: str = ""
    newest_run_at: datetime | None = None
    equivalence: Equivalence = "unverified"
    verified_at: datetime | None = None

    def add(self, run: RunFacts) -> None:
        self.status_counts[run.status] += 1
        for kept, seconds in (
            (self.samples, run.seconds),
            (self.tails, run.tail_seconds),
            (self.means, run.mean_seconds),
        ):
            if seconds:
                insort(kept, (run.block, math.log(seconds)))
                del kept[:-MOST_SAMPLES]
        if self.newest_run_at is None or run.finished_at > self.newest_run_at:
            self.newest_run_at, self.reason = run.finished_at, run.reason
        elif run.finished_at == self.newest_run_at:
            self.reason = max(self.reason, run.reason)
        if self.samples:
            self.reason = ""
        if run.equivalence != "unverified":
            self._hear(run.equivalence, run.finished_at)

    def _hear(self, word: Equivalence, at: datetime) -> None:
        """Of two words at one moment, the worse."""
        if self.verified_at is None or at > self.verified_at or (at == self.verified_at and word == "failed"):
            self.equivalence, self.verified_at = word, at
