"""Results that ship, into the database: under experiments that say where and when they were measured."""

from __future__ import annotations

from runs.models import Experiment, Run
from runs.records.run_records import aware_time
from runs.records.shipped import ShippedResults
from runs.services.recording import RecordingReport, record_runs


def load_shipped(*, shipped: ShippedResults) -> RecordingReport:
    """Loading twice changes nothing. Their experiments count as begun when they were: a site's own come first."""
    new = [name for name in shipped.began if not Experiment.objects.filter(name=name).exists()]
    report = record_runs(records=shipped.records)
    for name in new:
        Experiment.objects.filter(name=name).update(created_at=aware_time(shipped.began[name]))
    return report


def is_empty() -> bool:
    """Whether the site has no run at all."""
    return not Run.objects.exists()
