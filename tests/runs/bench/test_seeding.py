"""Seeded runs are whole, marked as invented, the same for the same seed, and add up like uploaded ones."""

from __future__ import annotations

import io
from itertools import islice

import pytest
from django.core.management import CommandError, call_command

from engines.contract import as_json
from engines.registry import ENGINES
from runs.bench.seeding import PACKAGES, records_of, sittings
from runs.models import Environment, Experiment, Machine, Run, Workload
from runs.records.run_records import parse_record
from runs.services.summaries import rebuild_summaries
from tests.runs.kept import kept_rows

RUN_COLUMNS = ("run_id", "content_sha256", "experiment__name", "machine__name", "status", "finished_at", "body")


def seed_runs(runs: int, seed: int = 1, suite: str = "study") -> str:
    out = io.StringIO()
    call_command("seedruns", runs=runs, seed=seed, suite=suite, stdout=out)
    return out.getvalue()


def run_rows() -> list[tuple[object, ...]]:
    return list(Run.objects.order_by("run_id").values_list(*RUN_COLUMNS))


@pytest.mark.slow
def test_seeded_records_pass_the_validation_of_an_upload() -> None:
    for record in islice(records_of(sittings(5000, seed=3)[0]), 0, 5000, 97):
        assert parse_record(as_json(record)) == record


def test_seeded_records_are_of_full_size() -> None:
    record = next(record for record in records_of(sittings(100, seed=3)[0]) if record.training)
    assert record.training is not None
    assert len(record.training.epochs) == 10
    assert len(record.environment.packages) == PACKAGES == 60


def test_more_runs_of_a_seed_begin_with_the_same_ones() -> None:
    few, more = sittings(40, seed=2), sittings(6000, seed=2)
    assert len(more) == 2
    assert list(records_of(few[0])) == list(islice(records_of(more[0]), 40))


def test_another_seed_gives_other_runs() -> None:
    first, second = (next(records_of(sittings(1, seed)[0])) for seed in (1, 2))
    assert first.run_id != second.run_id
    assert first.placement.experiment != second.placement.experiment


@pytest.mark.slow
def test_one_run_in_ten_is_a_cell_of_its_own() -> None:
    """A million runs are 100,000 cells at least: so is every sitting, whole or cut short."""
    for sitting in sittings(6000, seed=1):
        cells = {record.cell for record in records_of(sitting)}
        assert len(cells) >= sitting.runs / 10


def test_whatever_is_seeded_says_that_it_is_invented(db: None) -> None:
    seed_runs(300)
    assert all("invented" in name for name in Experiment.objects.values_list("name", flat=True))
    assert all("invented" in name for name in Machine.objects.values_list("name", flat=True))
    assert all("invented" in name for name in Environment.objects.values_list("name", flat=True))
    assert set(Workload.objects.values_list("data_source", flat=True)) == {"synthetic"}


def test_the_same_seed_gives_the_same_rows(db: None) -> None:
    seed_runs(300)
    first = run_rows(), kept_rows()
    Experiment.objects.all().delete()
    seed_runs(300)
    assert (run_rows(), kept_rows()) == first


def test_seeding_again_stores_nothing_twice_and_goes_on_where_it_stopped(db: None) -> None:
    seed_runs(200)
    assert seed_runs(300) == "100 invented runs stored, 200 were there already (seed 1).\n"
    assert Run.objects.count() == 300


def test_the_summaries_of_seeded_runs_are_those_of_a_rebuild(db: None) -> None:
    seed_runs(1200)
    kept = kept_rows()
    rebuild_summaries()
    assert kept_rows() == kept


def test_a_number_of_runs_that_makes_no_sense_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="allowed: 1 to"):
        seed_runs(0)


@pytest.mark.slow
def test_every_seeded_engine_is_one_that_the_site_knows() -> None:
    assert {record.cell.engine for record in records_of(sittings(5_000, 1)[0])} <= set(ENGINES)


def test_a_suite_of_today_is_invented_with_all_its_engines_tracks_and_devices(db: None) -> None:
    seed_runs(400, suite="modern")
    rows = Run.objects.values_list("engine", "track", "device", "experiment__suite", "experiment__name")
    engines, tracks, devices, suites, names = (set(each) for each in zip(*rows, strict=True))
    assert {slug for slug, engine in ENGINES.items() if "train" in engine.tasks} <= engines
    assert tracks == {"idiomatic", "tuned"}
    assert devices == {"cpu", "gpu"}
    assert suites == {"modern"}
    assert all(name.startswith("invented modern") for name in names)


def test_a_suite_that_trains_nothing_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="trains nothing"):
        seed_runs(10, suite="inference")
