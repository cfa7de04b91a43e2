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


@dataclass(frozen=True)
class RunFacts:
    """What a summary needs of one run. `epoch_seconds` is None unless it finished."""

    block: int
    status: str
    reason: str
    finished_at: datetime
    epoch_seconds: float | None
    equivalence: Equivalence = "unverified"


@dataclass
class Tally:
    """`samples` are (block, log seconds) of the newest finished runs, sorted so that no order of arrival shows.

    `equivalence` is the newest word that the gate had on a run's engine, `verified_at` when that run ended.
    """

    samples: list[tuple[int, float]] = field(default_factory=list)
    status_counts: Counter[str] = field(default_factory=Counter)
    reason: str = ""
    newest_run_at: datetime | None = None
    equivalence: Equivalence = "unverified"
    verified_at: datetime | None = None

    def add(self, run: RunFacts) -> None:
        self.status_counts[run.status] += 1
        if run.epoch_seconds:
            insort(self.samples, (run.block, math.log(run.epoch_seconds)))
            del self.samples[:-MOST_SAMPLES]
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
