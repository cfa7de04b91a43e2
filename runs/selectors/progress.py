"""How far an experiment is, for pages that look again from time to time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engines.contract import DataSet
from runs.errors import RunsError
from runs.models import Experiment
from runs.selectors.coverage import runs_of
from runs.suites.plan import make_plan
from runs.suites.suite import load, shipped
from runs.words import numbers

RUNNING_FOR = timedelta(minutes=15)
"""An experiment with a newer run than this counts as running."""


@dataclass(frozen=True)
class Progress:
    runs: int
    planned: int | None
    """Runs that the suite has on one machine; None for a suite that this site does not know."""
    machines: int
    newest_run_at: datetime | None

    @property
    def planned_in_all(self) -> int | None:
        return self.planned and self.planned * max(self.machines, 1)

    @property
    def is_running(self) -> bool:
        return self.newest_run_at is not None and timezone.now() - self.newest_run_at < RUNNING_FOR

    @property
    def words(self) -> str:
        runs = ngettext("{n} run so far", "{n} runs so far", self.runs).format(n=numbers.count(self.runs))
        if self.planned is None:
            return runs
        return _("{runs}; the suite has {planned} on each machine").format(
            runs=runs, planned=numbers.count(self.planned)
        )


def progress_of(experiment: Experiment) -> Progress:
    found = runs_of(experiment)
    return Progress(found.runs, planned_runs(experiment.suite), found.machines, found.newest_run_at)


@cache
def planned_runs(suite: str) -> int | None:
    if suite not in shipped():
        return None
    try:
        plan = make_plan(load(suite), lambda name, samples: DataSet("any", "synthetic", "0" * 32, 100, 100))
    except RunsError:
        return None
    return len(plan.runs)
