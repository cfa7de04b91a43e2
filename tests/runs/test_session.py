"""What is left of a plan, what a run's record says, and what is tried again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from engines import host, machine
from engines.contract import RunRecord, Status, as_json
from runs.bench import here, session
from runs.records import parse_record
from runs.suites.plan import Plan
from tests.records import ENVIRONMENT, MACHINE, make_record
from tests.runs import sittings
from tests.runs.sittings import CELL, RIVAL, Hosts, Watcher, can_run, make_plan, sitting, small, spool_in

PLAN = make_plan(CELL)
SUITE = PLAN.suite
TMACHINE = dataclasses.replace(MACHINE, name="lab-2")


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    return sittings.install(monkeypatch)


def recorded(*, block: int = 0, status: Status = "finished", **changes: Any) -> RunRecord:
    record = make_record(cell=CELL, block=block, status=status, experiment="any")
    return dataclasses.replace(record, **{"cell_key": here.cell_key(CELL), **changes})


def left(*records: RunRecord, plan: Plan = PLAN) -> list[int]:
    own = session.of_experiment(records, "any", MACHINE)
    return [run.block for run in session.remaining(plan, own).runs]


def test_every_run_goes_to_the_spool_then_to_the_store_then_to_the_screen(tmp_path: Path, hosts: Hosts) -> None:
    stored: list[RunRecord] = []
    watcher = Watcher()
    made = session.carry_out(sitting(tmp_path, PLAN, stored=stored), watcher)
    assert made == stored == watcher.shown == list(spool_in(tmp_path).read().records)
    assert [record.placement.block for record in made] == [0, 1]
    assert watcher.events


def test_ctrl_c_keeps_and_stores_what_was_finished(tmp_path: Path, hosts: Hosts) -> None:
    """In the middle of a block, too: the next sitting runs the rest of it."""
    stored: list[RunRecord] = []
    hosts.interrupted_at = 3
    with pytest.raises(KeyboardInterrupt):
        session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL), stored=stored), Watcher())
    records = spool_in(tmp_path).read().records
    assert list(records) == stored
    rest = session.remaining(make_plan(CELL, RIVAL), records)
    assert [(run.cell, run.block) for run in rest.runs] == [(RIVAL, 1)]


def test_a_store_that_fails_finds_the_run_in_the_spool(tmp_path: Path, hosts: Hosts) -> None:
    def refuse(records: object) -> None:
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError):
        session.carry_out(dataclasses.replace(sitting(tmp_path, PLAN), store=refuse), Watcher())
    assert len(spool_in(tmp_path).read().records) == 1


def test_a_record_says_what_ran_where_and_how_it_is_repeated(tmp_path: Path, hosts: Hosts) -> None:
    record = session.carry_out(sitting(tmp_path, PLAN), Watcher())[0]
    assert parse_record(as_json(record)) == record
    assert (record.cell, record.machine, record.environment) == (CELL, MACHINE, ENVIRONMENT)
    assert (record.placement.suite, record.placement.block, record.placement.seed) == ("any", 0, 7)
    assert (record.phases.import_seconds, record.phases.process_seconds) == (2.0, 9.0)
    assert (record.conditions.canary_gflops, record.conditions.peak_gflops) == (90.0, 100.0)
    assert record.started_at <= record.finished_at


def test_a_job_has_the_suite_s_policy_the_block_s_seed_and_its_cpus(tmp_path: Path, hosts: Hosts) -> None:
    session.carry_out(sitting(tmp_path, PLAN), Watcher())
    job = hosts.jobs[0]
    assert (job.seed, job.policy, job.dataset) == (7, SUITE.policy, CELL.workload.dataset)
    assert job.cpus == machine.allowed_cpus()[:1]


@pytest.mark.parametrize("status", ["crashed", "timed_out", "out_of_memory", "diverged"])
def test_a_bad_end_is_a_record_and_the_suite_goes_on(tmp_path: Path, hosts: Hosts, status: Status) -> None:
    bad = host.Outcome(status, reason="Bad luck.", exit_code=-9, stderr_tail="last words", process_seconds=1800.1)
    hosts.outcomes = [bad]
    first, second = session.carry_out(sitting(tmp_path, PLAN), Watcher())
    assert (first.status, first.reason, first.exit_code, first.stderr_tail) == (status, "Bad luck.", -9, "last words")
    assert second.status == "finished"
    assert left(first, second) == []


def test_an_unsupported_run_is_recorded_without_a_process(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_run(monkeypatch, f"No GPU in {Path.home()}/gpus.")
    first, _ = session.carry_out(sitting(tmp_path, PLAN), Watcher())
    assert (first.status, first.reason, first.exit_code) == ("unsupported", "No GPU in <home>/gpus.", None)
    assert hosts.jobs == []


# ---------------------------------------------------------------- what is left


def test_what_is_recorded_is_not_run_again(hosts: Hosts) -> None:
    assert left() == [0, 1]
    assert left(recorded(block=0)) == [1]
    assert left(recorded(block=1), recorded(block=0)) == []


def test_an_unsupported_run_is_tried_again_when_its_cause_is_gone(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [recorded(block=block, status="unsupported") for block in range(2)]
    can_run(monkeypatch, "No GPU.")
    assert left(*records) == []
    can_run(monkeypatch)
    assert left(*records) == [0, 1]
    assert left(*records, recorded(block=0)) == [1]


def test_what_an_engine_itself_refused_is_not_asked_again(hosts: Hosts) -> None:
    assert left(recorded(status="unsupported", exit_code=0)) == [1]


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": TMACHINE},
        {"machine": dataclasses.replace(MACHINE, fingerprint="a" * 32)},
        {"cell_key": "b" * 32},
        {"placement": dataclasses.replace(make_record().placement, experiment="Any")},
    ],
    ids=["another machine", "other hardware", "other code or software", "another experiment in the same file"],
)
def test_what_was_measured_elsewhere_or_otherwise_does_not_count(hosts: Hosts, changes: dict[str, Any]) -> None:
    assert left(recorded(**changes)) == [0, 1]


def test_a_run_that_timed_out_is_tried_again_once_it_has_more_time(hosts: Hosts) -> None:
    phases = dataclasses.replace(recorded().phases, process_seconds=SUITE.timeout_seconds + 0.1)
    late = recorded(status="timed_out", phases=phases)
    assert left(late) == [1]
    patient = dataclasses.replace(PLAN, suite=dataclasses.replace(SUITE, timeout_seconds=SUITE.timeout_seconds * 2))
    assert left(late, plan=patient) == [0, 1]


def test_older_code_and_software_and_other_cells_do_not_tell_when_to_stop(hosts: Hosts) -> None:
    today, older = recorded(), recorded(cell_key="b" * 32)
    other = dataclasses.replace(recorded(), cell=small(width=100), cell_key=here.cell_key(small(width=100)))
    assert session.measured_alike(PLAN, [today, older, other]) == [today]
