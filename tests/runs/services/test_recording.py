"""Runs are stored once, whole, with their summaries, whoever brings them and in whatever order."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from engines.run_record import RunRecord, Status
from runs.errors import ConflictError
from runs.models import Experiment, Machine, Run, Summary
from runs.services.curation import exclude_run, restore_run
from runs.services.recording import record_runs
from runs.services.registration import register_experiment, register_machine
from runs.services.summaries import rebuild_summaries
from tests.records import MACHINE, make_record
from tests.runs.kept import kept_rows

pytestmark = pytest.mark.django_db


def other_hardware() -> RunRecord:
    return make_record(machine=dataclasses.replace(MACHINE, fingerprint="0" * 32, memory_bytes=64 * 2**30))


def test_a_record_is_stored_whole() -> None:
    record = make_record(epoch_seconds=0.5)
    report = record_runs(records=[record])
    run = Run.objects.get()
    assert report.stored == (record.run_id,)
    assert str(run.run_id) == record.run_id
    assert run.seconds == 0.5
    assert run.record["cell"]["workload"]["network"] == {"type": "mlp", "hidden_layers": 8, "width": 25}
    assert run.record["training"]["epochs"][0]["wall_seconds"] == 0.5


def test_a_known_run_changes_nothing() -> None:
    record = make_record()
    record_runs(records=[record])
    before = kept_rows()
    report = record_runs(records=[record, record])
    assert report.known == (record.run_id, record.run_id)
    assert report.stored == ()
    assert Run.objects.count() == 1
    assert kept_rows() == before


def test_a_known_id_with_other_content_is_refused_and_the_rest_is_stored() -> None:
    first, second = make_record(epoch_seconds=0.5), make_record()
    record_runs(records=[first])
    report = record_runs(records=[make_record(run_id=first.run_id, epoch_seconds=9.0), second])
    assert [refusal.run_id for refusal in report.refused] == [first.run_id]
    assert report.stored == (second.run_id,)
    assert Run.objects.get(run_id=first.run_id).seconds == 0.5


def test_one_id_twice_in_a_batch_is_stored_once() -> None:
    record = make_record()
    report = record_runs(records=[record, record])
    assert (report.stored, report.known) == ((record.run_id,), (record.run_id,))


def test_a_summary_holds_the_log_median_of_each_run_with_its_block() -> None:
    record_runs(records=[make_record(block=1, epoch_seconds=0.2), make_record(block=0, epoch_seconds=0.1)])
    summary = Summary.objects.get()
    assert [block for block, _ in summary.samples] == [0, 1]
    assert [log_seconds for _, log_seconds in summary.samples] == pytest.approx([math.log(0.1), math.log(0.2)])
    assert summary.status_counts == {"finished": 2}


def test_a_summary_keeps_ways_to_fail_apart() -> None:
    statuses: tuple[Status, ...] = ("crashed", "timed_out", "timed_out", "out_of_memory")
    record_runs(records=[make_record(status=status, block=block) for block, status in enumerate(statuses)])
    summary = Summary.objects.get()
    assert summary.status_counts == {"crashed": 1, "timed_out": 2, "out_of_memory": 1}
    assert summary.samples == []
    assert summary.reason


def test_the_reason_goes_when_a_run_finishes() -> None:
    record_runs(records=[make_record(status="crashed")])
    record_runs(records=[make_record(block=1)])
    assert Summary.objects.get().reason == ""


@pytest.mark.parametrize(
    "differ",
    [
        lambda: make_record(experiment="other"),
        lambda: make_record(machine=dataclasses.replace(MACHINE, name="lab-2")),
        lambda: make_record(environment=dataclasses.replace(make_record().environment, sha256="d" * 32)),
        lambda: make_record(engine="theano"),
    ],
)
def test_nothing_is_pooled_over_experiments_machines_environments_or_engines(differ: Callable[[], RunRecord]) -> None:
    record_runs(records=[make_record(), differ()])
    assert Summary.objects.count() == 2


@pytest.mark.parametrize("seed", range(3))
def test_no_order_of_arrival_shows_in_the_summaries(seed: int) -> None:
    records = [
        make_record(engine, block=block, epoch_seconds=0.1 + block / 10)
        for engine in ("theano", "tensorflow")
        for block in range(4)
    ]
    record_runs(records=records)
    expected = kept_rows()
    Experiment.objects.all().delete()
    random.Random(seed).shuffle(records)
    for record in records:
        record_runs(records=[record])
    assert kept_rows() == expected


def test_a_rebuild_gives_the_same_summaries() -> None:
    record_runs(records=[make_record(block=block) for block in range(3)])
    record_runs(records=[make_record(block=3, status="timed_out"), make_record("theano", status="crashed")])
    before = kept_rows()
    assert rebuild_summaries() == 2
    assert kept_rows() == before


def test_other_hardware_under_a_known_name_is_refused_with_both_descriptions() -> None:
    record_runs(records=[make_record()])
    report = record_runs(records=[other_hardware()])
    assert report.stored == ()
    assert "16" in report.refused[0].reason
    assert "64" in report.refused[0].reason
    assert Run.objects.count() == 1


def test_accepted_hardware_is_known_from_then_on() -> None:
    record_runs(records=[make_record()])
    record_runs(records=[other_hardware()], accept_hardware=True)
    assert record_runs(records=[make_record(), other_hardware()]).refused == ()
    assert Machine.objects.count() == 1


def test_registering_a_machine_with_other_hardware_says_what_to_do() -> None:
    register_machine(machine=MACHINE)
    with pytest.raises(ConflictError, match="--accept-hardware"):
        register_machine(machine=dataclasses.replace(MACHINE, fingerprint="1" * 32))


def test_experiments_whose_names_look_alike_get_addresses_of_their_own() -> None:
    first = register_experiment(name="My lab", suite="quick", preset="quick")
    second = register_experiment(name="my-lab", suite="quick", preset="quick")
    assert first.slug != second.slug
    assert register_experiment(name="My lab", suite="quick", preset="quick") == first


@pytest.mark.parametrize(
    "change",
    [
        {"status": "unheard-of"},
        {"device": "tpu"},
        {"seconds": -1.0},
        {"seconds": None},
        {"status": "crashed"},
    ],
)
def test_the_database_itself_refuses_what_cannot_be(change: dict[str, object]) -> None:
    record_runs(records=[make_record()])
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.update(**change)


def test_the_database_itself_refuses_a_second_summary_of_a_cell() -> None:
    record_runs(records=[make_record()])
    twin = Summary.objects.get()
    twin.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save(force_insert=True)


def test_storing_takes_as_many_queries_for_many_runs_as_for_few(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    record_runs(records=[make_record()])
    with django_assert_max_num_queries(20):
        record_runs(records=[make_record(block=block) for block in range(200)])


def test_a_cell_of_any_number_of_runs_keeps_the_newest_samples_and_counts_all() -> None:
    records = [make_record(block=block, epoch_seconds=1 + block / 1000) for block in range(130)]
    shuffled = random.Random(3).sample(records, len(records))
    for start in range(0, len(shuffled), 40):
        record_runs(records=shuffled[start : start + 40])
    row = Summary.objects.get()
    assert [block for block, _ in row.samples] == list(range(30, 130))
    assert row.status_counts == {"finished": 130}
    kept = kept_rows()
    rebuild_summaries()
    assert kept_rows() == kept


def test_an_excluded_run_lets_an_older_one_back_among_the_newest() -> None:
    record_runs(records=[make_record(block=block) for block in range(105)])
    newest = Run.objects.get(block=104)
    exclude_run(run_id=str(newest.run_id), reason="The fan was off.")
    row = Summary.objects.get()
    assert [block for block, _ in row.samples] == list(range(4, 104))
    assert row.status_counts == {"finished": 104, "excluded": 1}
    kept = kept_rows()
    rebuild_summaries()
    assert kept_rows() == kept
    restore_run(run_id=str(newest.run_id), reason="It was on.")
    assert [block for block, _ in Summary.objects.get().samples] == list(range(5, 105))


def test_the_gate_s_newest_word_is_the_cell_s_whatever_the_order_of_arrival() -> None:
    words = [("passed", 1), ("failed", 3), ("unverified", 4), ("passed", 2)]
    records = [
        make_record(block=at, equivalence=word, finished_at=f"2026-11-24T08:0{minute}:00+00:00")
        for at, (word, minute) in enumerate(words)
    ]
    for order in (records, records[::-1]):
        Run.objects.all().delete()
        Summary.objects.all().delete()
        for record in order:
            record_runs(records=[record])
        assert Summary.objects.get().equivalence == "failed"
    failed = Run.objects.get(equivalence="failed")
    exclude_run(run_id=str(failed.run_id), reason="A wrong build.")
    assert Summary.objects.get().equivalence == "passed"
