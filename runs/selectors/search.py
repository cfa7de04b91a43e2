"""Machines, experiments and runs by what a reader types."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q

from runs.models import Experiment, Machine, Run

# ---------------------------------------------------------------- search

HITS = 20


def machines_named(words: str) -> list[Machine]:
    """By a part of the name or of the processor."""
    return list(Machine.objects.filter(Q(name__icontains=words) | Q(hardware__cpu__icontains=words))[:HITS])


def experiments_named(words: str) -> list[Experiment]:
    return list(Experiment.objects.filter(Q(name__icontains=words) | Q(suite__icontains=words))[:HITS])


def runs_by_id(start: str) -> list[Run]:
    """By the whole id, or by its first eight digits or more."""
    digits = start.replace("-", "").lower()
    if not 8 <= len(digits) <= 32 or any(digit not in "0123456789abcdef" for digit in digits):
        return []
    low, high = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    return list(Run.objects.filter(run_id__range=(low, high)).select_related("workload").defer("body")[:HITS])
