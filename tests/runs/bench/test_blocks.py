"""Blocks: the canaries around them, what their end adds to their records, and why there are no more of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from engines import canary as judge
from engines import host
from engines.contract import Cell
from engines.run_record import RunRecord, StopReason
from runs.bench import resuming, session
from runs.bench.stopping import Budget
from runs.records.outlines import outline
from runs.records.spool import Spool
from runs.suites.plan import Plan
from tests.runs.bench import sittings
from tests.runs.bench.sittings import CELL, RIVAL, Hosts, Watcher, can_run, canary, finished, make_plan, sitting, small

STRAYED = "The canary ran 11.1 % slower than the session's median."


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    return sittings.install(monkeypatch)


def spooled(folder: Path) -> list[RunRecord]:
    return list(sittings.spool_in(folder).read().records)


# ---------------------------------------------------------------- canaries


@pytest.mark.parametrize("preset", ["standard", "rigorous", "study", "noise"])
def test_each_block_stands_between_two_canaries(tmp_path: Path, hosts: Hosts, preset: str) -> None:
    session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL, preset=preset)), Watcher())  # type: ignore[arg-type]
    assert hosts.log == ["canary", "tensorflow", "keras-tensorflow", "canary"] * 2
    assert {record.conditions.canary_after_gflops for record in spooled(tmp_path)} == {90.0}


def test_a_quick_suite_has_one_canary_for_each_thread_count(tmp_path: Path, hosts: Hosts) -> None:
    two_threads = dataclasses.replace(CELL, threads=2)
    blocks = (*make_plan(CELL).blocks, *make_plan(two_threads).blocks)
    session.carry_out(sitting(tmp_path, dataclasses.replace(make_plan(CELL), blocks=blocks)), Watcher())
    assert hosts.log == ["canary", "tensorflow", "tensorflow", "canary", "tensorflow", "tensorflow"]
    assert [job.setup.threads for job in hosts.canary_jobs] == [1, 2]
    assert {record.conditions.canary_gflops for record in spooled(tmp_path)} == {90.0}
    assert {record.conditions.canary_after_gflops for record in spooled(tmp_path)} == {None}


def test_what_costs_no_time_has_no_canary(tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    can_run(monkeypatch, "No GPU.")
    session.carry_out(sitting(tmp_path, make_plan(CELL, preset="standard")), Watcher())
    assert hosts.log == []
    assert [record.status for record in spooled(tmp_path)] == ["unsupported"] * 2


def test_a_gpu_s_block_has_no_canary_of_the_cpu(tmp_path: Path, hosts: Hosts) -> None:
    on_gpu = dataclasses.replace(CELL, device="gpu")
    session.carry_out(sitting(tmp_path, make_plan(on_gpu, preset="standard")), Watcher())
    assert hosts.log == ["tensorflow"] * 2
    assert {record.conditions.peak_gflops for record in spooled(tmp_path)} == {None}


def test_a_canary_that_strays_marks_every_run_of_its_block_and_no_other(tmp_path: Path, hosts: Hosts) -> None:
    hosts.canary_outcomes = [canary(), canary(), canary(), canary(80.0), canary(), canary()]
    stored: list[RunRecord] = []
    plan = make_plan(CELL, RIVAL, blocks=3, preset="standard")
    made = session.carry_out(sitting(tmp_path, plan, stored=stored), Watcher())
    assert [record.conditions.unstable for record in made] == [(), (), (STRAYED,), (STRAYED,), (), ()]
    assert spooled(tmp_path) == stored == made


def test_what_was_amiss_during_a_run_stays_beside_what_its_block_s_end_adds(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = judge.instability_reasons

    def amiss(rates: Sequence[float], median: float | None, **readings: object) -> tuple[str, ...]:
        return ("Heat slowed the CPU 3 times.",) if readings else reasons(rates, median)

    monkeypatch.setattr(judge, "instability_reasons", amiss)
    hosts.canary_outcomes = [canary(), canary(), canary(), canary(80.0)]
    session.carry_out(sitting(tmp_path, make_plan(CELL, preset="standard")), Watcher())
    assert spooled(tmp_path)[1].conditions.unstable == ("Heat slowed the CPU 3 times.", STRAYED)


def test_where_the_canary_cannot_run_nothing_is_marked(tmp_path: Path, hosts: Hosts) -> None:
    hosts.canary_outcomes = [host.Outcome("crashed")] * 2
    session.carry_out(sitting(tmp_path, make_plan(CELL, preset="standard")), Watcher())
    assert hosts.log == ["canary", "tensorflow"] * 2
    assert {record.conditions.unstable for record in spooled(tmp_path)} == {()}


# ---------------------------------------------------------------- what the end of a block adds


def test_the_spool_has_each_run_at_once_and_again_at_its_block_s_end(tmp_path: Path, hosts: Hosts) -> None:
    session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL, blocks=1, preset="standard")), Watcher())
    lines = sittings.spool_in(tmp_path).path.read_bytes().splitlines()
    assert len(lines) == 4
    early = Spool(tmp_path / "early.jsonl")
    early.path.write_bytes(b"\n".join(lines[:2]) + b"\n")
    assert [record.run_id for record in early.read().records] == [record.run_id for record in spooled(tmp_path)]
    assert {record.conditions.canary_after_gflops for record in early.read().records} == {None}
    assert {record.conditions.canary_after_gflops for record in spooled(tmp_path)} == {90.0}


def test_a_block_to_which_its_end_adds_nothing_is_spooled_once(tmp_path: Path, hosts: Hosts) -> None:
    session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL)), Watcher())
    assert len(sittings.spool_in(tmp_path).path.read_bytes().splitlines()) == 4


def test_a_block_that_was_broken_off_is_finished_without_doubling_a_run(tmp_path: Path, hosts: Hosts) -> None:
    """Killed before the block's end: what was spooled stays as it is, the rest gets canaries of its own."""
    plan = make_plan(CELL, RIVAL, blocks=1, preset="standard")
    hosts.outcomes = [finished(), host.Outcome("crashed")]
    session.run_block(sitting(tmp_path, plan), plan.blocks[0], Watcher())
    spool = sittings.spool_in(tmp_path)
    spool.path.write_bytes(spool.path.read_bytes().splitlines()[0] + b"\n")
    (first,) = spooled(tmp_path)
    session.carry_out(sitting(tmp_path, resuming.remaining(plan, [outline(first)])), Watcher())
    assert [record.cell.engine for record in spooled(tmp_path)] == ["tensorflow", "keras-tensorflow"]
    assert spooled(tmp_path)[0] == first
    assert [record.conditions.canary_after_gflops for record in spooled(tmp_path)] == [None, 90.0]


# ---------------------------------------------------------------- why there are no more blocks


def reasons(folder: Path) -> dict[int, StopReason | None]:
    return {record.placement.block: record.placement.stop_reason for record in spooled(folder)}


def steady(hosts: Hosts, blocks: int) -> None:
    """Two engines in turn, the second 1.1 times as slow as the first, with hardly any spread."""
    hosts.outcomes = [
        finished(seconds * (1 + 1e-4 * (block % 3))) for block in range(blocks) for seconds in (0.25, 0.275)
    ]


def noisy(hosts: Hosts, blocks: int) -> None:
    hosts.outcomes = [finished(0.25 * (1 + 0.5 * (number % 3))) for number in range(2 * blocks)]


def test_a_rigorous_suite_stops_after_seven_blocks_if_it_is_precise(tmp_path: Path, hosts: Hosts) -> None:
    steady(hosts, 7)
    watcher = Watcher()
    session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL, blocks=20, preset="rigorous")), watcher)
    assert reasons(tmp_path) == {**dict.fromkeys(range(6)), 6: "precise"}
    assert watcher.skipped == [(block, "precise") for block in range(7, 20)]


def test_a_rigorous_suite_that_never_gets_precise_ends_at_its_last_block(tmp_path: Path, hosts: Hosts) -> None:
    noisy(hosts, 9)
    session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL, blocks=9, preset="rigorous")), Watcher())
    assert reasons(tmp_path) == {**dict.fromkeys(range(8)), 8: "block limit"}


def test_each_group_stops_at_a_limit_of_its_own(tmp_path: Path, hosts: Hosts) -> None:
    short = make_plan(small(width=25), blocks=1, preset="rigorous")
    long = make_plan(small(width=100), blocks=2, preset="rigorous")
    plan = dataclasses.replace(short, blocks=(*short.blocks, *long.blocks))
    made = session.carry_out(sitting(tmp_path, plan), Watcher())
    assert [record.placement.stop_reason for record in made] == ["block limit", None, "block limit"]


@pytest.mark.parametrize("preset", ["quick", "standard", "study", "noise"])
def test_a_fixed_number_of_blocks_needs_no_reason(tmp_path: Path, hosts: Hosts, preset: str) -> None:
    steady(hosts, 8)
    plan = make_plan(CELL, RIVAL, blocks=8, preset=preset)  # type: ignore[arg-type]
    session.carry_out(sitting(tmp_path, plan), Watcher())
    assert reasons(tmp_path) == dict.fromkeys(range(8))


def test_a_resumed_rigorous_suite_runs_no_group_that_is_precise_already(tmp_path: Path, hosts: Hosts) -> None:
    plan = make_plan(CELL, RIVAL, blocks=20, preset="rigorous")
    steady(hosts, 7)
    session.carry_out(sitting(tmp_path, plan), Watcher())
    hosts.log.clear()
    rest = resuming.remaining(plan, map(outline, spooled(tmp_path)))
    watcher = Watcher()
    assert session.carry_out(sitting(tmp_path, rest, before=spooled(tmp_path)), watcher) == []
    assert hosts.log == []
    assert len(watcher.skipped) == 13


# ---------------------------------------------------------------- the budget


class Clock:
    """Each run takes ten of these seconds."""

    def __init__(self, hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("runs.bench.stopping.time.monotonic", lambda: 10.0 * len(hosts.jobs))

    def budget(self, seconds: float) -> Budget:
        return Budget(seconds, lambda block: 10.0 * len(block.runs), started=0.0)


@pytest.fixture
def clock(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(hosts, monkeypatch)


def round_by_round(*groups: Cell, blocks: int) -> Plan:
    plans = [make_plan(cell, blocks=blocks) for cell in groups]
    rounds = zip(*(plan.blocks for plan in plans), strict=True)
    return dataclasses.replace(plans[0], blocks=tuple(block for each in rounds for block in each))


def test_no_block_is_begun_that_would_end_too_late(tmp_path: Path, hosts: Hosts, clock: Clock) -> None:
    watcher = Watcher()
    session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL, blocks=4), budget=clock.budget(50.0)), watcher)
    assert len(hosts.jobs) == 4
    assert watcher.skipped == [(2, "out of budget"), (3, "out of budget")]
    assert reasons(tmp_path) == {0: None, 1: "out of budget"}


def test_every_group_s_last_block_says_that_the_budget_ended_it(tmp_path: Path, hosts: Hosts, clock: Clock) -> None:
    """The budget's end is foreseen over the other groups' blocks that come between."""
    plan = round_by_round(small(width=25), small(width=100), small(width=200), blocks=3)
    made = session.carry_out(sitting(tmp_path, plan, budget=clock.budget(45.0)), Watcher())
    assert [(record.cell.workload.network.width, record.placement.stop_reason) for record in made] == [
        (25, None),
        (100, "out of budget"),
        (200, "out of budget"),
        (25, "out of budget"),
    ]


def test_a_budget_that_is_enough_leaves_no_trace(tmp_path: Path, hosts: Hosts, clock: Clock) -> None:
    watcher = Watcher()
    session.carry_out(sitting(tmp_path, make_plan(CELL, RIVAL, blocks=4), budget=clock.budget(80.0)), watcher)
    assert reasons(tmp_path) == dict.fromkeys(range(4))
    assert watcher.skipped == []


def test_a_spent_budget_still_records_what_cannot_run(
    tmp_path: Path, hosts: Hosts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    can_run(monkeypatch, "No GPU.")
    session.carry_out(sitting(tmp_path, make_plan(CELL), budget=clock.budget(0.0)), Watcher())
    assert reasons(tmp_path) == {0: None, 1: None}
