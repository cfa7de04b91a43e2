"""How long a plan will take: from what its cells took before, else from their size."""

from __future__ import annotations

import dataclasses

import pytest

from engines.contract import Cell, Network
from engines.run_record import Epoch, Phases, RunRecord, Status
from runs.bench.estimate import Predictor
from runs.records.outlines import Outline, outline
from runs.suites.plan import Block, Plan, PlannedRun
from runs.suites.suite import Bench, Suite
from tests.records import make_cell, make_record, planned

SUITE = Suite("any", "Any", (Bench("mlp", (8,), (25,), ("tensorflow",)),), preset="quick")
STANDARD = dataclasses.replace(SUITE, preset="standard")
KNOWN, UNKNOWN = make_cell("tensorflow"), make_cell("keras-tensorflow")


def record(cell: Cell, seconds: float, status: Status = "finished") -> Outline:
    return outline(_record(cell, seconds, status))


def _record(cell: Cell, seconds: float, status: Status = "finished") -> RunRecord:
    return dataclasses.replace(make_record(cell=cell, status=status), phases=Phases(process_seconds=seconds))


def measured(cell: Cell, *, outside: float, epoch: float) -> Outline:
    """A run of four epochs."""
    made = _record(cell, outside + 4 * epoch)
    assert made.training is not None
    epochs = (Epoch(epoch, epoch, 1.0),) * 4
    return outline(dataclasses.replace(made, training=dataclasses.replace(made.training, epochs=epochs)))


def plan(*cells: Cell) -> Plan:
    runs = tuple(PlannedRun(cell, 0, position, 1) for position, cell in enumerate(cells))
    return Plan(SUITE, (Block(0, runs),))


def test_a_measured_cell_takes_the_median_of_what_it_took() -> None:
    predictor = Predictor([record(KNOWN, seconds) for seconds in (4.0, 5.0, 60.0)])
    assert predictor.seconds(planned(KNOWN), SUITE) == 5.0


def test_only_finished_runs_teach() -> None:
    predictor = Predictor([record(KNOWN, 600.0, "timed_out"), record(KNOWN, 1.0, "crashed")])
    assert not predictor.knows(KNOWN)


def test_a_larger_network_is_expected_to_take_longer() -> None:
    predictor = Predictor([])
    widths = [make_cell(network=Network("mlp", 8, width)) for width in (25, 400, 1600)]
    seconds = [predictor.seconds(planned(cell), SUITE) for cell in widths]
    assert seconds == sorted(seconds)
    assert seconds[2] > 2 * seconds[0]


def test_what_an_engine_took_outside_its_epochs_is_expected_of_its_other_networks() -> None:
    cell, other = make_cell("tensorflow", Network("mlp", 8, 25)), make_cell("tensorflow", Network("mlp", 8, 50))
    times = (measured(cell, outside=seconds, epoch=0.01) for seconds in (70.0, 80.0, 90.0))
    assert 80 < Predictor(times).seconds(planned(other), SUITE) < 85
    assert Predictor([measured(cell, outside=80.0, epoch=0.01)]).seconds(planned(UNKNOWN), SUITE) < 20, "another engine"
    elsewhere = dataclasses.replace(other, track="tuned")
    assert Predictor([measured(cell, outside=80.0, epoch=0.01)]).seconds(planned(elsewhere), SUITE) < 20, (
        "another track"
    )


def test_an_engine_that_is_slow_for_its_size_is_expected_to_be_so_again() -> None:
    cell, other = make_cell("tensorflow", Network("mlp", 8, 25)), make_cell("tensorflow", Network("mlp", 8, 50))
    fast, slow = (Predictor([measured(cell, outside=5.0, epoch=epoch)]) for epoch in (1.0, 10.0))
    epochs = [predictor.seconds(planned(other), SUITE) - 5.0 for predictor in (fast, slow)]
    assert epochs[1] == pytest.approx(10 * epochs[0])


def test_what_is_learned_while_a_suite_runs_counts_at_once() -> None:
    predictor = Predictor([])
    predictor.learn(record(KNOWN, 40.0))
    assert predictor.seconds(planned(KNOWN), SUITE) == 40.0
    predictor.learn(record(KNOWN, 9.0))
    assert predictor.seconds(planned(KNOWN), SUITE) == 9.0, "the first run compiled what the second found"


def test_what_is_compiled_to_the_disk_takes_time_in_a_cell_s_first_block_alone() -> None:
    cell = dataclasses.replace(make_cell("torch"), track="tuned")
    first, second = (Block(number, (PlannedRun(cell, number, 0, 1),)) for number in (0, 1))
    predictor = Predictor([])
    assert predictor.seconds_of_block(first, SUITE) > predictor.seconds_of_block(second, SUITE) + 20
    known = Predictor([record(cell, 40.0)])
    assert known.seconds_of_block(first, SUITE) == known.seconds_of_block(second, SUITE) == 40.0


def test_a_suite_s_least_seconds_count() -> None:
    long = dataclasses.replace(SUITE, min_steady_seconds=100.0)
    assert Predictor([]).seconds(planned(UNKNOWN), long) > Predictor([]).seconds(planned(UNKNOWN), SUITE) + 90


def only_known_can_run(run: PlannedRun) -> bool:
    return run.cell != KNOWN


def test_an_estimate_sums_over_the_runs_that_can_run() -> None:
    both, records = plan(KNOWN, KNOWN, UNKNOWN), [record(KNOWN, 5.0)]
    anywhere = Predictor(records)
    whole = anywhere.estimate(both)
    assert whole.seconds == pytest.approx(10.0 + anywhere.seconds(planned(UNKNOWN), SUITE))
    assert whole.measured_share == pytest.approx(2 / 3)
    known = Predictor(records, only_known_can_run).estimate(both)
    assert (known.seconds, known.measured_share) == (10.0, 1.0)


def test_nothing_to_run_takes_no_time() -> None:
    estimate = Predictor([], only_known_can_run).estimate(dataclasses.replace(plan(UNKNOWN), suite=STANDARD))
    assert (estimate.seconds, estimate.measured_share) == (0.0, 0.0)


def test_the_canaries_around_a_block_take_time_where_there_are_any() -> None:
    predictor, block = Predictor([record(KNOWN, 5.0)]), plan(KNOWN, KNOWN).blocks[0]
    assert predictor.seconds_of_block(block, SUITE) == 10.0
    assert predictor.seconds_of_block(block, STANDARD) > 10.0
