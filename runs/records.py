"""Run records as text: read with complete validation, written canonically."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from engines.contract import RunRecord, as_json
from runs import stats
from runs.errors import RecordError
from runs.validation import DocumentError, from_json


def parse_record(text: str | bytes) -> RunRecord:
    """Raises RecordError with every field that does not fit, its value and what is allowed."""
    try:
        record = from_json(RunRecord, text)
    except DocumentError as error:
        raise RecordError(f"This run record does not fit the schema: {error}.", {"problems": error.problems}) from None
    _check_consistency(record)
    return record


def _check_consistency(record: RunRecord) -> None:
    """What no single field's range can say."""
    _check_text("run_id", record.run_id, UUID)
    _check_text("started_at", record.started_at, aware_time)
    _check_text("finished_at", record.finished_at, aware_time)
    if (record.status == "finished") != (record.training is not None):
        raise RecordError(
            f"status is {record.status!r}: a finished run, and no other, has a training part.", {"field": "training"}
        )
    if record.training and not record.training.steady_epochs:
        raise RecordError(
            "training.epochs has no epoch after the warm-up.",
            {"field": "training.epochs", "value": len(record.training.epochs)},
        )


def _check_text(field: str, value: str, parse: Callable[[str], object]) -> None:
    try:
        parse(value)
    except ValueError as error:
        raise RecordError(f"{field} is {value!r}: {error}.", {"field": field, "value": value}) from None


def aware_time(text: str) -> datetime:
    """A moment in ISO 8601 with its offset from UTC; ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset from UTC")
    return moment


def content_sha256(record: RunRecord) -> str:
    return hashlib.sha256(as_json(record).encode()).hexdigest()


def epoch_seconds(record: RunRecord) -> float | None:
    """The run's one number: the median of its steady epochs, in seconds; None if it did not finish."""
    if record.training is None:
        return None
    return stats.run_median([epoch.wall_seconds for epoch in record.training.steady_epochs])


def log_epoch_seconds(record: RunRecord) -> float | None:
    seconds = epoch_seconds(record)
    return math.log(seconds) if seconds else None
