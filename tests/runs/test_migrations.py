"""Migrations run forwards and backwards with data in place, from the first one on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from engines.contract import as_json
from runs.models import Run, Summary
from runs.services import record_runs
from tests.records import make_record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _whole_again() -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


def at(name: str) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([("runs", name)])
    return executor.loader.project_state([("runs", name)]).apps


def test_records_split_and_joined_are_the_same() -> None:
    records = [make_record(block=block, reason="é “…”" if block else "") for block in range(3)]
    record_runs(records=records)
    summaries = list(Summary.objects.values_list("samples", "status_counts"))
    whole = {record.run_id: json.loads(as_json(record)) for record in records}
    old = at("0001_initial").get_model("runs", "Run")
    assert {str(row.run_id): row.record for row in old.objects.all()} == whole
    call_command("migrate", verbosity=0)
    assert {str(run.run_id): run.record for run in Run.objects.all()} == whole
    assert {run.record_text for run in Run.objects.all()} == {as_json(record) for record in records}
    assert list(Summary.objects.values_list("samples", "status_counts")) == summaries
    assert record_runs(records=records).known == tuple(record.run_id for record in records)


def test_each_step_back_can_be_gone_forward_again() -> None:
    record_runs(records=[make_record()])
    names = [name for app, name in MigrationExecutor(connection).loader.graph.nodes if app == "runs"]
    for name in sorted(names, reverse=True):
        at(name)
        call_command("migrate", verbosity=0)
        assert Run.objects.count() == 1


def test_everything_can_be_undone_with_data_in_place() -> None:
    record_runs(records=[make_record()])
    call_command("migrate", "runs", "zero", verbosity=0)
    assert not [name for name in connection.introspection.table_names() if name.startswith("runs_")]


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
