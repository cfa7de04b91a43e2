"""What a cell's runs add up to. Pure: the same for runs that arrive one by one and for a rebuild from all of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class RunFacts:
    """What a summary needs of one run. `epoch_seconds` is None unless it finished."""

    block: int
    status: str
    reason: str
    finished_at: datetime
    epoch_seconds: float | None


@dataclass
class Tally:
    """`samples` are (block, log seconds) of the finished runs, kept sorted so that no order of arrival shows."""

    samples: list[tuple[int, float]] = field(default_factory=list)
    status_counts: Counter[str] = field(default_factory=Counter)
    reason: str = ""
    newest_run_at: datetime | None = None

    def add(self, run: RunFacts) -> None:
        self.status_counts[run.status] += 1
        if run.epoch_seconds:
            self.samples.append((run.block, math.log(run.epoch_seconds)))
            self.samples.sort()
        if self.newest_run_at is None or run.finished_at > self.newest_run_at:
            self.newest_run_at, self.reason = run.finished_at, run.reason
        elif run.finished_at == self.newest_run_at:
            self.reason = max(self.reason, run.reason)
        if self.samples:
            self.reason = ""
