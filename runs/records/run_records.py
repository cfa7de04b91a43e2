"""Run records as text: read with complete validation, written canonically."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Annotated
from uuid import UUID

from pydantic import FailFast, TypeAdapter, ValidationError

from engines import networks
from engines.contract import Task, Workload
from engines.run_record import RunRecord
from runs import stats
from runs.errors import RecordError
from runs.validation import DocumentError, from_json

_KEPT = 5_000
"""More than an upload has of records and of moments."""


def parse_record(text: str | bytes) -> RunRecord:
    """Raises RecordError with every field that does not fit, its value and what is allowed."""
    try:
        record = from_json(RunRecord, text, strict=True)
    except DocumentError as error:
        raise RecordError(f"This run record does not fit the schema: {error}.", {"problems": error.problems}) from None
    check_consistency(record)
    check_characters(text)
    return record


def parse_array(text: bytes) -> list[RunRecord] | None:
    """All records of a JSON array in one go; None where one does not fit, for whoever wants to know which."""
    try:
        records = _array_adapter().validate_json(text, strict=True)
        for record in records:
            check_consistency(record)
        check_characters(text)
    except (ValidationError, RecordError):
        return None
    return records


@cache
def _array_adapter() -> TypeAdapter[list[RunRecord]]:
    return TypeAdapter(Annotated[list[RunRecord], FailFast()])


def check_consistency(record: RunRecord) -> None:
    """What no single field's range can say. Raises RecordError."""
    check_text("run_id", record.run_id, run_uuid)
    check_text("started_at", record.started_at, aware_time)
    check_text("finished_at", record.finished_at, aware_time)
    for field, name in (("machine.name", record.machine.name), ("placement.experiment", record.placement.experiment)):
        check_text(field, name, shown_name)
    check_result(record, "training", "train")
    check_result(record, "inference", "infer")
    if record.inference and list(record.inference.quantiles) != sorted(record.inference.quantiles):
        raise refusal(
            "inference.quantiles", "not in order", "times that never fall", "inference.quantiles are not in order."
        )
    if record.training and not record.training.steady_epochs:
        raise refusal(
            "training.epochs",
            str(len(record.training.epochs)),
            f"more than the {record.training.warmup_epochs} of the warm-up",
            "training.epochs has no epoch after the warm-up.",
        )
    check_workload(record.cell.workload)


def check_result(record: RunRecord, part: str, task: Task) -> None:
    """Raises RecordError unless the part is there where such a run finished, and nowhere else."""
    is_there, is_due = getattr(record, part) is not None, record.status == "finished"
    is_due = is_due and record.cell.workload.task == task
    if is_there != is_due:
        raise refusal(
            part,
            "present" if is_there else "missing",
            f"part of a finished run of the task {task}, and of no other",
            f"status is {record.status!r} and the task {record.cell.workload.task!r}: a finished run of the task "
            f"{task!r}, and no other, has the part {part!r}.",
        )


def check_workload(workload: Workload) -> None:
    """Raises RecordError where it cannot be, or its FLOPs could not be reckoned."""
    if problem := _workload_problem(workload):
        raise refusal("cell.workload", str(workload.network), "a network, data and optimizer that fit", problem)


@lru_cache(maxsize=10_000)
def _workload_problem(workload: Workload) -> str:
    """Empty if there is none."""
    try:
        flops = networks.work_of(workload).flops
    except ValueError as error:
        return f"cell.workload: {error}."
    return f"cell.workload has {flops:.1e} FLOPs of what is timed: more than 2 to the 53rd." if flops > 2**53 else ""


def refusal(field: str, value: str, allowed: str, message: str) -> RecordError:
    return RecordError(message, {"problems": [{"field": field, "value": value, "allowed": allowed}]})


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def check_characters(text: str | bytes) -> None:
    """No database keeps U+0000 in a text, so a record that holds one could not be given back as it came."""
    found = text.encode() if isinstance(text, str) else text
    if b"\\u0000" in found and _NUL.search(found):
        raise refusal("document", "a text with U+0000", "texts without it", "A text holds the character U+0000.")


def check_text(field: str, value: str, parse: Callable[[str], object]) -> None:
    try:
        parse(value)
    except ValueError as error:
        raise refusal(field, value, str(error), f"{field} is {value!r}: {error}.") from None


@lru_cache(maxsize=_KEPT)
def shown_name(text: str) -> str:
    """ValueError for a name of blanks and invisible characters alone: nobody could click on it."""
    if not any(character.isprintable() and not character.isspace() for character in text):
        raise ValueError("a name needs a character that can be seen")
    return text


@lru_cache(maxsize=_KEPT)
def run_uuid(text: str) -> UUID:
    """ValueError for what is no UUID. An upload asks several times for each of its records'."""
    return UUID(text)


@lru_cache(maxsize=_KEPT)
def aware_time(text: str) -> datetime:
    """A moment in ISO 8601 with its offset from UTC; ValueError otherwise. A wrong clock is no error."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset from UTC")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment.astimezone(UTC)


_FIRST_YEAR, _LAST_YEAR = 1970, 9998


def timed_seconds(record: RunRecord) -> float | None:
    """The run's one number, in seconds: the median of its steady epochs or of its calls; None if it did not finish."""
    if record.inference:
        return record.inference.median_seconds
    if record.training is None:
        return None
    return stats.run_median([epoch.wall_seconds for epoch in record.training.steady_epochs])
