"""What is kept of runs beside them: summaries and coverage, to be held against a rebuild."""

from __future__ import annotations

from typing import Any

from runs.models import Coverage, Summary

_PLACE = ("experiment__name", "machine__name", "environment__sha256", "engine", "track")
_CELL = ("workload__key", "device", "threads", "engine_sha256", "samples", "status_counts", "reason")
_GATE = ("equivalence", "verified_at")


def kept_rows() -> list[tuple[Any, ...]]:
    """Every row, in one order, without its number."""
    summaries = Summary.objects.values_list(*_PLACE, *_CELL, *_GATE, "newest_run_at")
    coverage = Coverage.objects.values_list(*_PLACE, "cells", "runs", "newest_run_at")
    return sorted([*summaries, *coverage], key=str)
