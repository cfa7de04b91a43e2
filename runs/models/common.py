"""What several tables share: known words and owners."""

from __future__ import annotations

from typing import Any, get_args

from django.conf import settings
from django.db import models
from django.db.models import Q

from engines import contract, run_record


def _choices(literal: object) -> list[tuple[str, str]]:
    return [(value, value.replace("_", " ")) for value in get_args(literal)]


STATUSES = _choices(run_record.Status)
DEVICES = _choices(contract.Device)
TRACKS = _choices(contract.Track)
DATA_SOURCES = _choices(contract.DataSource)
TASKS = _choices(contract.Task)
EQUIVALENCES = _choices(run_record.Equivalence)


def one_of(field: str, choices: list[tuple[str, str]]) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": [value for value, _ in choices]}), name=f"%(class)s_{field}_is_known"
    )


def owner_column() -> models.ForeignKey[Any, Any]:
    """Null is the site's staff."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
