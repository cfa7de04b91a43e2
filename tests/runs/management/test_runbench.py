"""`runbench` in this process: what it measures, prints, stores and refuses. The framework alone is a stand-in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from engines import machine
from engines.datasets.sources import shuttle
from runs.models import Run
from tests.runs.bench.benches import RUNS, TOO_MANY_THREADS, Bench, install, places
from tests.runs.bench.benches import runbench as run_command

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def bench(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return install(tmp_path, settings, monkeypatch)


def runbench(bench: Bench, *options: str) -> None:
    """Without the gate: it takes a second."""
    run_command("--no-verify", "--suite", bench.suite, *options)


def refusal(bench: Bench, *options: str) -> str:
    with pytest.raises(CommandError) as caught:
        runbench(bench, *options)
    assert caught.value.returncode == 1
    return str(caught.value)


ONE = ("--engines", "tf", "--networks", "mlp:1x2", "--blocks", "1")
"""A single run: tests that are about something else need no more."""


def stored_ids() -> set[str]:
    return {str(run_id) for run_id in Run.objects.values_list("run_id", flat=True)}


def test_a_suite_is_carried_out_and_stored(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench(bench)
    assert len(bench.records) == len(set(places(bench.records))) == RUNS
    assert stored_ids() == {record.run_id for record in bench.records}
    assert {record.status for record in bench.records} == {"finished"}
    lines = capsys.readouterr().out.splitlines()
    assert sum("s per epoch" in line for line in lines) == RUNS
    assert lines[-1].startswith("Experiment 'tiny': 8 finished.")
    assert "1 thread" in lines[0]
    assert lines[0].startswith("[1/8, ")


def test_the_same_command_again_runs_nothing_twice(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench(bench, *ONE)
    runbench(bench, *ONE)
    assert len(bench.records) == 1
    assert "nothing was left to run" in capsys.readouterr().out


def test_a_torn_last_line_is_run_again(bench: Bench) -> None:
    runbench(bench, *ONE)
    torn = bench.spool.path.read_bytes()[:-20]
    bench.spool.path.write_bytes(torn)
    runbench(bench, *ONE)
    (record,) = bench.records
    assert bench.contents.damaged == ()
    assert record.run_id in stored_ids()


def test_a_damaged_line_is_told_and_its_run_is_made_again(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench(bench, *ONE)
    bench.spool.path.write_bytes(bench.spool.path.read_bytes().replace(b'"status":"finished"', b'"status":"finishe"'))
    runbench(bench, *ONE)
    assert "tiny.jsonl: lines 1 are no run records" in capsys.readouterr().err
    assert (len(bench.records), bench.contents.damaged) == (1, (1,))


def test_fresh_begins_another_experiment(bench: Bench) -> None:
    runbench(bench, *ONE)
    runbench(bench, *ONE, "--fresh")
    spools = sorted(path.name for path in (bench.var / "spool").glob("*.jsonl"))
    assert spools == ["tiny-2.jsonl", "tiny.jsonl"]
    assert set(Run.objects.values_list("experiment__name", flat=True)) == {"tiny", "tiny 2"}


def test_names_whose_files_are_one_stay_two_experiments(bench: Bench) -> None:
    runbench(bench, *ONE, "--experiment", "tiny")
    runbench(bench, *ONE, "--experiment", "Tiny!")
    assert [record.placement.experiment for record in bench.records] == ["tiny", "Tiny!"]


def test_without_a_database_the_spool_has_it_and_the_next_runbench_stores_it(bench: Bench) -> None:
    runbench(bench, *ONE, "--no-database")
    assert stored_ids() == set()
    runbench(bench, *ONE)
    assert stored_ids() == {record.run_id for record in bench.records}
    assert len(bench.records) == 1


def test_json_is_all_that_is_printed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench(bench, *ONE, "--json")
    document = json.loads(capsys.readouterr().out)
    assert document == {"experiment": "tiny", "runs": [record.run_id for record in bench.records]}


def test_a_machine_is_named_once(bench: Bench) -> None:
    runbench(bench, *ONE, "--machine", "bench 7")
    runbench(bench, *ONE, "--fresh")
    assert set(Run.objects.values_list("machine__name", flat=True)) == {"bench 7"}


def test_synthetic_runs_are_labelled_and_repeated_as_such(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench(bench, *ONE, "--synthetic")
    (record,) = bench.records
    assert record.cell.workload.dataset.source == "synthetic"
    assert "--synthetic" in record.command
    assert "(synthetic)" in capsys.readouterr().out


# ---------------------------------------------------------------- what cannot run


def test_unsupported_runs_are_recorded_without_a_process_and_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two_threads = (*ONE, "--threads", "1", "2")
    monkeypatch.setattr(machine, "allowed_cpus", lambda: (0,))
    runbench(bench, *two_threads)
    assert sorted(record.status for record in bench.records) == ["finished", "unsupported"]
    assert "Cannot run here: TensorFlow on the CPU. 2 threads asked" in capsys.readouterr().err
    runbench(bench, *two_threads)
    assert len(bench.records) == 2
    monkeypatch.setattr(machine, "allowed_cpus", lambda: (0, 1))
    runbench(bench, *two_threads)
    assert [record.status for record in bench.records].count("finished") == 2


def test_where_not_one_run_could_finish_the_exit_code_says_so_each_time(bench: Bench) -> None:
    options = (*ONE, "--threads", str(TOO_MANY_THREADS))
    for _ in range(2):
        assert "Not one of these runs could finish" in refusal(bench, *options)
    assert [record.status for record in bench.records] == ["unsupported"]


def test_a_missing_environment_is_unsupported_with_what_to_type(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (bench.var / "environments.json").write_text(json.dumps({"tensorflow": str(bench.var / "gone")}))
    refusal(bench, *ONE)
    assert "engines use tensorflow --python PATH" in capsys.readouterr().err
    (record,) = bench.records
    assert (record.status, record.environment.origin) == ("unsupported", "missing")
    bench.behave("train")
    runbench(bench, *ONE)
    assert [each.status for each in bench.records] == ["unsupported", "finished"]


def test_a_suite_goes_on_after_crashes(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.behave("segfault")
    assert "Not one of these runs could finish" in refusal(bench, "--engines", "tf")
    assert [record.status for record in bench.records] == ["crashed"] * 4
    assert {record.exit_code for record in bench.records} == {-11}
    assert capsys.readouterr().out.count("killed by signal 11 (SIGSEGV)") == 4
    assert Run.objects.filter(status="crashed").count() == 4


# ---------------------------------------------------------------- one clear message each


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--engines", "caffe"), "There is no engine 'caffe'. Known engines: theano (th), tensorflow (tf)"),
        (("--networks", "mlp:9x9"), "The suite tiny has no network mlp:9x9. It has: mlp, mlp:1x2, mlp:1x4."),
        (("--engines", "th"), "These options leave nothing of the suite to run."),
        (("--experiment", "x" * 101), "An experiment's name has 1 to 100 characters, not 101"),
        (("--machine", "x" * 101), "A machine's name has 1 to 100 characters, not 101."),
        (("--suite", "nope"), "There is no suite 'nope'. Name a TOML file or one of: "),
    ],
)
def test_a_wrong_option_is_told_before_anything_runs(bench: Bench, options: tuple[str, ...], sentence: str) -> None:
    assert sentence in refusal(bench, *options)
    assert not (bench.var / "spool").exists()


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "1001", "²"])
def test_a_number_out_of_range_names_the_range(bench: Bench, value: str) -> None:
    with pytest.raises(CommandError, match="is not a number from 1 to 1000"):
        runbench(bench, f"--threads={value}")


def test_a_wrong_suite_key_names_the_known_ones(bench: Bench) -> None:
    Path(bench.suite).write_text(Path(bench.suite).read_text() + "layers = 3\n")
    message = refusal(bench)
    assert "benches.0.layers is 3, allowed: no such field; known fields: batch_size," not in message
    assert (
        "benches.0.layers is 3, allowed: no such field; known fields: batch_sizes, blocks, dataset, devices" in message
    )


def test_a_corrupt_data_file_is_told_before_anything_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(shuttle.SHIPPED_FILE.read_bytes())
    content[1000] ^= 1
    (bench.var / "shuttle.xz").write_bytes(content)
    monkeypatch.setattr(shuttle, "SHIPPED_FILE", bench.var / "shuttle.xz")
    assert "is missing or damaged. Get the file again" in refusal(bench)
    assert not bench.spool.path.exists()


def test_a_full_disk_is_told_and_nothing_finished_is_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    runbench(bench, *ONE)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", _no_space)
        assert "The disk is full" in refusal(bench, "--engines", "tf", "--blocks", "1")
    runbench(bench, "--engines", "tf", "--blocks", "1")
    assert len(places(bench.records)) == len(set(places(bench.records))) == 2


def _no_space(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_under_the_temporary_files_is_told_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.scratch.tempfile.mkdtemp", _no_space)
    assert "No space left on device" in refusal(bench, *ONE)


def test_a_read_only_database_is_told_before_anything_runs(bench: Bench) -> None:
    read_only = "PRAGMA query_only = ON" if connection.vendor == "sqlite" else "SET TRANSACTION READ ONLY"
    with connection.cursor() as cursor:
        cursor.execute(read_only)
    try:
        message = refusal(bench, *ONE)
    finally:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA query_only = OFF")
    assert message.startswith("The database cannot be written: ")
    assert "or measure with --no-database" in message
    assert not bench.spool.path.exists()


def test_a_database_that_was_never_set_up_is_told_before_anything_runs(bench: Bench) -> None:
    MigrationRecorder.Migration.objects.filter(app="runs").delete()
    assert refusal(bench, *ONE) == "The database is not set up. Type: python manage.py migrate"
    assert not bench.spool.path.exists()


def test_a_second_runbench_waits_for_nobody(bench: Bench) -> None:
    from runs.records.lock import sole_measurer

    with sole_measurer(bench.var / "spool"):
        for options, said in (
            ((), "Another runbench is measuring here."),
            (("--wait", "1s"), "Another measurement kept"),
        ):
            with pytest.raises(CommandError, match=said) as caught:
                runbench(bench, *ONE, *options)
            assert caught.value.returncode == 75


def test_ctrl_c_has_an_exit_code_of_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engines.host.run", interrupt)
    for options, sentence in [
        ((), "the same command continues."),
        (("--fresh",), "--experiment 'tiny 2', not --fresh,"),
    ]:
        with pytest.raises(CommandError) as caught:
            runbench(bench, *ONE, *options)
        assert caught.value.returncode == 130
        assert sentence in str(caught.value)
