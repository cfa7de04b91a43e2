"""Migrations run forwards and backwards with data in place, from the first one on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from engines.contract import as_json
from engines.run_record import Code
from runs.models import Run, Summary
from runs.services.curation import exclude_run
from runs.services.recording import record_runs
from runs.services.summaries import rebuild_summaries
from tests.records import make_record
from tests.runs.kept import kept_rows
from tests.runs.management.test_export_import import exported

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


def test_cells_of_changed_code_that_were_pooled_are_separated_and_no_record_changes() -> None:
    codes = [Code("0.1.0", "0" * 40, dirty=False, engine_sha256=digit * 32) for digit in "ab"]
    records = [
        make_record(block=block, epoch_seconds=1 + at, code=code, equivalence=word, gate={"MLP 2x25": word})
        for at, (code, word) in enumerate(zip(codes, ("passed", "failed"), strict=True))
        for block in range(3)
    ]
    record_runs(records=records)
    excluded = Run.objects.filter(block=0).order_by("pk")[0]
    exclude_run(run_id=str(excluded.run_id), reason="The fan was off.")
    kept, export = kept_rows(), exported()
    pooled = at("0007_fill_coverage").get_model("runs", "Summary").objects.get()
    assert len(pooled.samples) == 5
    assert pooled.status_counts == {"finished": 5, "excluded": 1}
    call_command("migrate", verbosity=0)
    assert kept_rows() == kept
    assert exported() == export
    rebuild_summaries()
    assert kept_rows() == kept
    found = {row.engine_sha256[0]: (row.equivalence, len(row.samples)) for row in Summary.objects.all()}
    assert found == {"a": ("passed", 2), "b": ("failed", 3)}


def test_a_migration_that_was_interrupted_goes_on() -> None:
    record_runs(records=[make_record(block=block) for block in range(3)])
    kept = kept_rows()
    at("0008_code_and_gate_columns")
    Run.objects.filter(block=0).update(engine_sha256="a" * 32, equivalence="unverified")  # filled before it stopped
    call_command("migrate", verbosity=0)
    assert kept_rows() == kept


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_runs_of_before_get_how_long_they_lasted() -> None:
    record_runs(records=[make_record(block=0), make_record(block=1, finished_at="2026-11-24T08:01:05.250000+00:00")])
    at("0016_replicas")
    call_command("migrate", verbosity=0)
    lasted = Run.objects.order_by("block").values_list("lasted_seconds", flat=True)
    assert list(lasted) == pytest.approx([10.0, 65.25], abs=1e-3)


@pytest.mark.parametrize(("start", "way", "end"), [("0018", "pack", "0020"), ("0020", "unpack", "0018")])
def test_packing_bodies_can_be_stopped_and_goes_on_either_way(
    monkeypatch: pytest.MonkeyPatch, start: str, way: str, end: str
) -> None:
    """Of four chunks of one row each, the third is never reached."""
    record_runs(records=[make_record(block=block, reason="é “…” \\ \t\0"[:8]) for block in range(4)])
    export, packing = exported(), import_module("runs.migrations.0019_pack_bodies")
    names = {name[:4]: name for app, name in MigrationExecutor(connection).loader.graph.nodes if app == "runs"}
    at(names[start])
    converted = iter(range(2))
    whole = getattr(packing, way)

    def stopping(value: Any) -> Any:
        if next(converted, None) is None:
            raise KeyboardInterrupt
        return whole(value)

    monkeypatch.setattr(packing, "_CHUNK", 1)
    monkeypatch.setattr(packing, way, stopping)
    with pytest.raises(KeyboardInterrupt):
        at(names[end])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM runs_run WHERE packed IS NOT NULL")
        assert cursor.fetchone() == (2,)
    monkeypatch.setattr(packing, way, whole)
    at(names[end])
    call_command("migrate", verbosity=0)
    assert exported() == export
