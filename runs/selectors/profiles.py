"""Reads of stored profiles: of a run's cell, and of the cells of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engines.profile_record import Profile as ProfileDocument
from engines.profile_record import ProfileRecord
from runs.findings.cells import CellRow
from runs.models import Machine, Profile, Run
from runs.records.run_records import aware_time
from runs.validation import from_json

Key = tuple[int, int, str, str, str, int]
"""Environment, workload, engine, track, device and threads."""


@dataclass(frozen=True)
class StoredProfile:
    id: UUID
    engine: str
    track: str
    finished_at: datetime
    engine_sha256: str
    """The hash of the engine's code that was profiled."""
    profile: ProfileDocument


def profile_of_run(run: Run) -> StoredProfile | None:
    """The newest of the run's cell: the same machine, software and workload."""
    row = Profile.objects.filter(
        machine=run.machine_id,
        environment=run.environment_id,
        workload=run.workload_id,
        engine=run.engine,
        track=run.track,
        device=run.device,
        threads=run.threads,
    ).first()
    return _stored(row) if row else None


def key_of(row: CellRow) -> Key:
    return row.environment_id, row.workload_id, row.engine, row.track, row.device, row.threads


def profiled_cells(machine: Machine | None) -> Mapping[Key, int]:
    """The primary keys of a machine's profiles, by what they are of."""
    columns = ("environment_id", "workload_id", "engine", "track", "device", "threads", "pk")
    rows = Profile.objects.filter(machine=machine).values_list(*columns) if machine else ()
    return {
        (environment, workload, engine, track, device, threads): pk
        for environment, workload, engine, track, device, threads, pk in rows
    }


def profile_by_pk(pk: int) -> StoredProfile:
    return _stored(Profile.objects.get(pk=pk))


def _stored(row: Profile) -> StoredProfile:
    record = from_json(ProfileRecord, row.body)
    return StoredProfile(
        id=row.profile_id,
        engine=row.engine,
        track=row.track,
        finished_at=aware_time(record.finished_at),
        engine_sha256=record.code.engine_sha256,
        profile=record.profile,
    )
