"""Profile records for tests: plausible, whole, and each of its own id."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from engines.contract import Network, as_json, content_hash
from engines.profile_record import Operation, Profile, ProfileRecord
from engines.run_record import Code
from runs import models
from tests.records import ENVIRONMENT, MACHINE, make_cell

OPERATIONS = (Operation("MatMul", 300, 0.06, 0.6), Operation("Relu", 100, 0.03, 0.3), Operation("Mul", 50, 0.01, 0.1))


def make_profile(engine: str = "tensorflow", network: Network = Network("mlp", 8, 25), **changes: Any) -> ProfileRecord:
    """`changes` replace whole parts."""
    cell = make_cell(engine, network)
    record = ProfileRecord(
        profile_id=str(uuid.uuid4()),
        started_at="2026-11-24T07:59:00+00:00",
        finished_at="2026-11-24T08:00:00+00:00",
        cell=cell,
        machine=MACHINE,
        environment=ENVIRONMENT,
        code=Code("0.1.0", "0" * 40, dirty=False, engine_sha256="a" * 32),
        cell_key=content_hash(cell),
        command="python manage.py runbench --profile",
        profile=Profile("tf.profiler", "2.21.0", 100, 0.15, 0.1, OPERATIONS),
    )
    return dataclasses.replace(record, **changes)


def store_profile(cell: models.Run, **changes: Any) -> models.Profile:
    """A profile of a stored run's cell."""
    record = make_profile(cell.engine, **changes)
    return models.Profile.objects.create(
        profile_id=uuid.UUID(record.profile_id),
        machine=cell.machine,
        environment=cell.environment,
        workload=cell.workload,
        engine=cell.engine,
        track=cell.track,
        device=cell.device,
        threads=cell.threads,
        finished_at=record.finished_at,
        body=as_json(record),
    )
