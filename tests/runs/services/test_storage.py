"""The runner's way into the database: what it lacks is offered to it, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engines.run_record import RunRecord
from runs.models import Run
from runs.records.spool import Spool
from runs.services import storage
from runs.services.recording import record_runs
from tests.records import make_record

pytestmark = pytest.mark.django_db


def test_the_database_is_offered_what_it_lacks_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool.jsonl")
    kept = [make_record(block=block) for block in range(3)]
    lacked = [make_record(block=block, experiment=name) for name in ("quick", "another") for block in range(3, 6)]
    record_runs(records=kept)
    for record in [*lacked, *kept]:
        spool.append(record)
    monkeypatch.setattr(storage, "_BATCH", 4)
    offered: list[RunRecord] = []

    def store(records: Sequence[RunRecord]) -> None:
        assert len(records) <= 4
        offered.extend(records)
        storage.store(records)

    storage.catch_up(spool, spool.outlines().runs, store)
    assert sorted(record.run_id for record in offered) == sorted(record.run_id for record in lacked)
    assert Run.objects.count() == 9
    storage.catch_up(spool, spool.outlines().runs, store)
    assert len(offered) == 6
