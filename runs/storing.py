"""Many runs into their table at once."""

from __future__ import annotations

from collections.abc import Sequence

from runs.models import Run


def insert_runs(runs: Sequence[Run]) -> None:
    """Raises IntegrityError where a run id is there already."""
    Run.objects.bulk_create(runs)
