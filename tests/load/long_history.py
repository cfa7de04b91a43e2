"""A machine that has measured one cell in a thousand experiments, with a step now and then: the longest history."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse

from engines.contract import Network
from engines.run_record import Conditions, RunRecord
from runs.models import Machine, Workload
from runs.services.recording import record_runs
from tests.records import MACHINE, make_cell, make_record
from tests.runs.labs import software

EXPERIMENTS = 1_000
_MACHINE = dataclasses.replace(MACHINE, name="synthetic machine of a thousand nights", fingerprint="7" * 32)
_NETWORK = Network("mlp", 3, 77)
_START = datetime(2023, 1, 1, tzinfo=UTC)
_STEP_EVERY = 90
_BATCH = 500


def store() -> None:
    """Nothing where it is there already."""
    if Machine.objects.filter(name=_MACHINE.name).exists():
        return
    batch: list[RunRecord] = []
    for record in _records():
        batch.append(record)
        if len(batch) == _BATCH:
            record_runs(records=batch)
            batch.clear()
    record_runs(records=batch)


def _records() -> Iterator[RunRecord]:
    dice, seconds = random.Random(1), 0.2
    for number in range(EXPERIMENTS):
        if number % _STEP_EVERY == 0 and number:
            seconds *= dice.choice((1.1, 0.9))
        tonight = seconds * math.exp(dice.gauss(0, 0.02))
        at = _START + timedelta(days=number)
        for block in range(3):
            yield make_record(
                cell=make_cell("jax", _NETWORK),
                epoch_seconds=tonight * math.exp(dice.gauss(0, 0.01)),
                block=block,
                experiment=f"synthetic night {number:04}",
                machine=_MACHINE,
                environment=software("jax", f"0.{number // 30}.{number % 30}"),
                started_at=at.isoformat(),
                finished_at=(at + timedelta(minutes=1 + block)).isoformat(),
                conditions=Conditions(canary_gflops=90.0),
            )


def query() -> str:
    machine, workload = Machine.objects.get(name=_MACHINE.name), Workload.objects.get(width=_NETWORK.width)
    return urlencode({"machine": machine.pk, "engine": "jax", "workload": workload.pk, "x": "date"})


def addresses() -> dict[str, str]:
    return {
        "history of 1,000 experiments": f"{reverse('history')}?{query()}",
        "history of 1,000: its chart": f"{reverse('chart', args=['history'])}?{query()}",
        "history of 1,000: its table": f"{reverse('table', args=['history', 'csv'])}?{query()}",
        "api history of 1,000": f"{reverse('api:history')}?{query().removesuffix('&x=date')}",
        "api changes": reverse("api:changes"),
    }
