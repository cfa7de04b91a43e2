"""What is left of a plan, which records count, and what is tried again."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from engines.run_record import RunRecord, Status
from runs.bench import here, resuming
from runs.records.outlines import outline
from runs.suites.plan import Plan
from tests.records import MACHINE, make_record
from tests.runs.bench import sittings
from tests.runs.bench.sittings import CELL, Hosts, can_run, make_plan, small

PLAN = make_plan(CELL)
SUITE = PLAN.suite
THERE = dataclasses.replace(MACHINE, name="lab-2")


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    return sittings.install(monkeypatch)


def recorded(*, block: int = 0, status: Status = "finished", **changes: Any) -> RunRecord:
    record = make_record(cell=CELL, block=block, status=status, experiment="any")
    return dataclasses.replace(record, **{"cell_key": here.cell_key(CELL), **changes})


def left(*records: RunRecord, plan: Plan = PLAN) -> list[int]:
    own = resuming.of_experiment(map(outline, records), "any", MACHINE)
    return [run.block for run in resuming.remaining(plan, own).runs]


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
        {"machine": THERE},
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
    today, older = outline(recorded()), outline(recorded(cell_key="b" * 32))
    other = outline(dataclasses.replace(recorded(), cell=small(width=100), cell_key=here.cell_key(small(width=100))))
    assert resuming.measured_alike(PLAN, [today, older, other]) == [today]
