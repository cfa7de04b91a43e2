"""Profiles as text: read with complete validation, as run records are."""

from __future__ import annotations

from math import fsum, isclose
from uuid import UUID

from engines.profile_record import Profile, ProfileRecord
from runs.errors import RecordError
from runs.records.run_records import aware_time, check_characters, check_text, check_workload, refusal
from runs.validation import DocumentError, from_json

_ROUNDING = 1e-6


def parse_profile(text: str | bytes) -> ProfileRecord:
    """Raises RecordError with every field that does not fit, its value and what is allowed."""
    try:
        record = from_json(ProfileRecord, text, strict=True)
    except DocumentError as error:
        raise RecordError(f"This profile does not fit the schema: {error}.", {"problems": error.problems}) from None
    check_text("profile_id", record.profile_id, UUID)
    check_text("started_at", record.started_at, aware_time)
    check_text("finished_at", record.finished_at, aware_time)
    check_workload(record.cell.workload)
    _check_sums(record.profile)
    check_characters(text)
    return record


def _check_sums(profile: Profile) -> None:
    """The shares are of the whole, and the whole is the sum. Raises RecordError."""
    shares = fsum(operation.share for operation in profile.operations)
    seconds = fsum(operation.seconds for operation in profile.operations)
    if not isclose(shares, 1.0, abs_tol=_ROUNDING):
        raise refusal("profile.operations", f"shares of {shares:g} in all", "1", "The shares do not sum to 1.")
    if not isclose(seconds, profile.total_seconds, rel_tol=_ROUNDING):
        message = "profile.total_seconds is not the sum of the operations' seconds."
        raise refusal("profile.total_seconds", f"{profile.total_seconds:g}", f"{seconds:g}", message)
