"""Writes of profiles: of each cell the newest is kept, apart from everything that runs add up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from engines.contract import as_json
from engines.profile_record import ProfileRecord
from runs.models import Machine, Profile
from runs.records.run_records import aware_time
from runs.services.registration import environments_of, register_machine, workload_key, workloads_of


@transaction.atomic
def record_profiles(*, records: Sequence[ProfileRecord], accept_hardware: bool = False) -> int:
    """How many were stored: those that are newer than what is stored of their cells. Twice changes nothing.

    Raises ConflictError where a machine's name stands for other hardware.
    """
    workloads = workloads_of({workload_key(record.cell.workload): record.cell.workload for record in records})
    environments = environments_of({record.environment.sha256: record.environment for record in records})
    stored = 0
    for record in sorted(records, key=lambda each: aware_time(each.finished_at)):
        machine, cell = register_machine(machine=record.machine, accept_hardware=accept_hardware), record.cell
        columns = {
            "machine_id": machine.pk,
            "environment_id": environments[record.environment.sha256],
            "workload_id": workloads[workload_key(cell.workload)],
            "engine": cell.engine,
            "track": cell.track,
            "device": cell.device,
            "threads": cell.threads,
        }
        stored += _keep_if_newer(record, columns)
    return stored


def move_profiles(*, source: Machine, target: Machine) -> None:
    """Where both machines have a cell, the newer profile stays. Within a transaction of whoever merges them."""
    for row in Profile.objects.filter(machine=source):
        same = Profile.objects.filter(
            machine=target,
            environment=row.environment_id,
            workload=row.workload_id,
            engine=row.engine,
            track=row.track,
            device=row.device,
            threads=row.threads,
        )
        if same.filter(finished_at__gte=row.finished_at).exists():
            row.delete()
            continue
        same.delete()
        row.machine = target
        row.save(update_fields=["machine"])


def _keep_if_newer(record: ProfileRecord, columns: dict[str, Any]) -> bool:
    finished_at = aware_time(record.finished_at)
    known = Profile.objects.select_for_update().filter(**columns).first()
    if known and known.finished_at >= finished_at:
        return False
    row = known or Profile(**columns)
    row.profile_id, row.finished_at, row.body = UUID(record.profile_id), finished_at, as_json(record)
    row.save()
    return True
