"""What one sitting of `runbench` does around its runs: gate, canaries, stopping, and a database that fails.

Nothing is trained here, so that it costs no time; the gate and all else are real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError

from engines.run_record import RunRecord
from runs.bench import canaries, gate, session
from runs.bench.canaries import Rate
from runs.models import Run
from runs.records.run_records import parse_record
from runs.records.spool import spool_for
from runs.services import recording
from tests.runs.bench.benches import RUNS, Bench, install, places
from tests.runs.bench.benches import runbench as run_command
from tests.runs.bench.sittings import finished

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SMALLEST = ("--engines", "tf", "--networks", "mlp:1x2")


@pytest.fixture
def bench(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(session, "_ask_worker", lambda sitting, planned, on_event: finished(cell=planned.cell))
    return install(tmp_path, settings, monkeypatch)


@pytest.fixture
def rates(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the next canaries will measure, in GFLOP/s; 90 when there are none left."""
    rates: list[float] = []
    monkeypatch.setattr(canaries, "measure", lambda threads: Rate(rates.pop(0) if rates else 90.0, 100.0))
    return rates


def runbench(bench: Bench, *options: str, verify: bool = False) -> None:
    run_command("--suite", bench.suite, *options, *(() if verify else ("--no-verify",)))


def refusal(bench: Bench, *options: str) -> str:
    with pytest.raises(CommandError) as caught:
        runbench(bench, *options)
    assert caught.value.returncode == 1
    return str(caught.value)


def stored() -> list[RunRecord]:
    """What the database has, in the order of the spool."""
    return [parse_record(run.record_text) for run in Run.objects.order_by("started_at")]


# ---------------------------------------------------------------- the gate


def test_an_engine_is_checked_before_its_first_run_and_not_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    runbench(bench, *SMALLEST, verify=True)
    told = capsys.readouterr().err
    assert "Checking first that these do the reference's work: TensorFlow. --no-verify leaves it out." in told
    assert "TensorFlow · idiomatic · MLP 1x2 · float64: passed: losses 0, weights 0, updates 0" in told
    assert {record.equivalence for record in bench.records} == {"passed"}
    assert set(bench.records[0].gate) == {"MLP 1x2, float64", "MLP 1x2, float32"}
    runbench(bench, *SMALLEST, "--fresh", verify=True)
    assert "Checking" not in capsys.readouterr().err


def test_a_suite_goes_on_with_an_engine_that_failed_the_gate_and_marks_its_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.behave("nan")
    verdicts = gate.Verdicts(bench.var / "equivalence.json")
    gate.ask({gate.Subject("tensorflow", "cpu"): (gate.FULL[0],)}, verdicts, lambda *_: None)
    monkeypatch.setattr(
        gate.Subject, "key", lambda *_, **others: "the same software"
    )  # of a stand-in that trains, and lies to the gate
    verdicts.keep(gate.Subject("tensorflow", "cpu"), [*verdicts._known.values()].pop())
    bench.behave("train")
    runbench(bench, *SMALLEST, verify=True)
    assert [(record.status, record.equivalence) for record in bench.records] == [("finished", "failed")] * 2
    assert all("failed: losses 1e+09" in words for words in bench.records[0].gate.values())
    assert stored() == list(bench.records)


def test_without_the_gate_runs_are_marked_unverified(bench: Bench) -> None:
    runbench(bench, *SMALLEST)
    assert {record.equivalence for record in bench.records} == {"unverified"}
    assert not (bench.var / "equivalence.json").exists()


def test_damaged_verdicts_are_told_before_anything_runs(bench: Bench) -> None:
    (bench.var / "equivalence.json").write_text("{")
    assert "equivalence.json is damaged. Delete it; the gate will be asked again." in refusal(bench)
    assert bench.records == ()


# ---------------------------------------------------------------- blocks, spool and database


def test_the_database_is_the_spool_with_all_that_the_blocks_ends_added(bench: Bench, rates: list[float]) -> None:
    bench.plan(preset="standard")
    rates += [90.0, 90.0, 90.0, 80.0]
    runbench(bench)
    assert len(bench.records) == RUNS
    assert stored() == list(bench.records)
    unstable = [bool(record.conditions.unstable) for record in bench.records]
    assert unstable[2:4] == [True, True], "the canary after the second block strayed"
    assert len({record.placement.session for record in stored()}) == 1


def test_what_a_broken_block_left_in_the_spool_is_stored_by_the_next_sitting(bench: Bench) -> None:
    bench.plan(preset="standard")
    runbench(bench, "--no-database")
    first_line = bench.spool.path.read_bytes().splitlines()[0]
    bench.spool.path.write_bytes(first_line + b"\n")
    runbench(bench)
    assert len(places(bench.records)) == len(set(places(bench.records))) == RUNS
    assert stored() == list(bench.records)
    assert bench.records[0].conditions.canary_after_gflops is None


def test_a_rigorous_suite_may_take_fewer_blocks_than_it_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.plan(preset="rigorous", blocks=9)
    monkeypatch.setattr("runs.bench.stopping.stats.half_width_of_log_ratio", lambda *_: 0.01)
    runbench(bench, "--plan")
    assert "Estimated time: at most " in capsys.readouterr().out
    runbench(bench, "--networks", "mlp:1x2")
    assert "Left out 2 blocks: the ratios of their networks are precise." in capsys.readouterr().out
    assert [record.placement.stop_reason for record in stored()] == [None] * 12 + ["precise"] * 2
    runbench(bench, "--networks", "mlp:1x2")
    assert "Left out 2 blocks" in capsys.readouterr().out
    assert len(bench.records) == 14


def test_a_budget_too_small_for_one_block_says_so_and_is_no_failure(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    runbench(bench, "--budget", "1s")
    told = capsys.readouterr().out
    assert "Left out 4 blocks: they would end after the budget; the same command continues with them." in told
    assert "Experiment 'tiny': nothing was run." in told
    runbench(bench, "--budget", "1h")
    assert len(bench.records) == RUNS


@pytest.mark.parametrize("value", ["0", "-1s", "soon", "1d", "31d", "nan", "inf", ""])
def test_a_time_that_is_none_is_refused(bench: Bench, value: str) -> None:
    with pytest.raises(CommandError, match="is not a time such as 90s, 30m or 2h"):
        runbench(bench, f"--budget={value}")


# ---------------------------------------------------------------- a database that fails while a suite runs


class FailingDatabase:
    """Refuses to store while it `fails`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails = False
        self._record_runs = recording.record_runs
        monkeypatch.setattr(recording, "record_runs", self.record_runs)

    def record_runs(self, *, records: Sequence[RunRecord], accept_hardware: bool) -> recording.RecordingReport:
        if records and self.fails:
            raise DatabaseError("database or disk is full")
        return self._record_runs(records=records, accept_hardware=accept_hardware)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> FailingDatabase:
    return FailingDatabase(monkeypatch)


def test_a_database_that_fails_in_mid_suite_is_told_once_and_the_suite_goes_on(
    bench: Bench, database: FailingDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    database.fails = True
    message = refusal(bench)
    assert message.startswith("8 runs are in the spool alone; the next runbench stores them. The database cannot be ")
    assert (len(bench.records), stored()) == (RUNS, [])
    told = capsys.readouterr()
    assert told.err.count("The database cannot be written: database or disk is full.") == 1
    assert "Experiment 'tiny': 8 finished." in told.out
    database.fails = False
    runbench(bench)
    assert stored() == list(bench.records)


def test_a_database_that_comes_back_gets_all_that_it_missed(
    bench: Bench, database: FailingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[int] = []

    def measure(threads: int) -> Rate:
        """Called before and after each of the four blocks: the database is away during the second."""
        measured.append(threads)
        database.fails = len(measured) in (3, 4)
        return Rate(90.0, 100.0)

    bench.plan(preset="standard")
    monkeypatch.setattr(canaries, "measure", measure)
    runbench(bench)
    assert stored() == list(bench.records)


def test_other_hardware_under_the_machine_s_name_is_refused_before_anything_runs(bench: Bench) -> None:
    runbench(bench, *SMALLEST, "--blocks", "1", "--machine", "lab")
    machine = Run.objects.get().machine
    machine.fingerprint = "f" * 32
    machine.save()
    bench.spool.path.unlink()
    message = refusal(bench)
    assert message.startswith("The machine 'lab' has other hardware here: ")
    assert "--accept-hardware" in message
    assert bench.records == ()
    runbench(bench, *SMALLEST, "--accept-hardware")
    assert len(bench.records) == 2


# ---------------------------------------------------------------- one suite, one experiment


def test_an_experiment_is_not_gone_on_with_by_another_suite(bench: Bench) -> None:
    """Its runs would count as done, noise would hide in another suite, and progress would count the wrong plan."""
    runbench(bench, *SMALLEST, "--experiment", "lab")
    spool = spool_for(bench.var / "spool", "lab")
    before = spool.path.read_bytes()
    for options in ((), ("--plan",)):
        with pytest.raises(CommandError, match="The experiment 'lab' is one of the suite tiny, not quick"):
            run_command("--experiment", "lab", "--devices", "cpu", "--synthetic", *options)
    assert spool.path.read_bytes() == before


def test_names_that_share_a_file_are_no_matter_to_each_other(bench: Bench) -> None:
    runbench(bench, *SMALLEST, "--blocks", "1", "--experiment", "quick")
    options = ("--suite", "quick", "--devices", "cpu", "--engines", "tf", "--networks", "mlp:2x25", "--no-verify")
    run_command("--experiment", "Quick!", *options)
    assert sorted((run.experiment.name, run.experiment.suite) for run in Run.objects.all()) == [
        ("Quick!", "quick"), ("Quick!", "quick"), ("Quick!", "quick"), ("quick", "tiny"),
    ]  # fmt: skip


def test_a_suite_of_one_s_own_may_grow(bench: Bench) -> None:
    runbench(bench, *SMALLEST)
    bench.plan(preset="standard", blocks=3)
    runbench(bench, *SMALLEST)
    assert [record.placement.block for record in bench.records] == [0, 1, 2]


def test_calls_of_one_session_are_one_sitting_whose_canaries_belong_together(
    bench: Bench, rates: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    """The second call's canary strays from the first's: a call by itself could not know."""
    bench.plan(preset="standard", blocks=3)
    runbench(bench, *SMALLEST, "--plan", "--json")
    blocks = [block["id"] for block in json.loads(capsys.readouterr().out)["left"]]
    rates[:] = [90.0, 90.0]
    runbench(bench, *SMALLEST, "--only", blocks[0], "--session", "night")
    rates[:] = [60.0, 60.0]
    runbench(bench, *SMALLEST, "--only", blocks[1], "--session", "night")
    rates[:] = [60.0, 60.0]
    runbench(bench, *SMALLEST, "--only", blocks[2], "--session", "another")
    first, second, third = stored()
    assert not first.conditions.unstable
    assert any("canary" in reason for reason in second.conditions.unstable)
    assert not third.conditions.unstable
