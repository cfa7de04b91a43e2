"""One sitting: where its records go, what each of them says, and how it ends."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from engines import host, machine
from engines.contract import as_json
from engines.run_record import RunRecord, Status
from runs.bench import provenance, resuming, session
from runs.records.outlines import outline
from runs.records.run_records import parse_record
from tests.records import ENVIRONMENT, MACHINE
from tests.runs.bench import sittings
from tests.runs.bench.sittings import CELL, RIVAL, Hosts, Watcher, can_run, make_plan, sitting, spool_in

PLAN = make_plan(CELL)
SUITE = PLAN.suite


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    return sittings.install(monkeypatch)


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
    rest = resuming.remaining(make_plan(CELL, RIVAL), map(outline, records))
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
    assert resuming.remaining(PLAN, map(outline, [first, second])).runs == ()


def test_an_unsupported_run_is_recorded_without_a_process(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_run(monkeypatch, f"No GPU in {Path.home()}/gpus.")
    first, _ = session.carry_out(sitting(tmp_path, PLAN), Watcher())
    assert (first.status, first.reason, first.exit_code) == ("unsupported", "No GPU in <home>/gpus.", None)
    assert hosts.jobs == []


def test_which_gpu_is_used_is_the_job_s_and_the_record_s(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "gpus", lambda: ("A100", "H100"))
    cells = (CELL, dataclasses.replace(CELL, device="gpu"))
    chosen = dataclasses.replace(sitting(tmp_path, make_plan(*cells, blocks=1)), gpu_index=1)
    records = {record.cell.device: record for record in session.carry_out(chosen, Watcher())}
    assert {job.setup.device: job.setup.device_index for job in hosts.jobs} == {"cpu": 0, "gpu": 1}
    assert records["gpu"].conditions.readings["GPU used"] == "1: H100"
    assert "GPU used" not in records["cpu"].conditions.readings
    assert "--gpu-index 1" in records["gpu"].command
