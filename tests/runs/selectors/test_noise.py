"""A machine measured against itself."""

from __future__ import annotations

import dataclasses

import pytest

from engines.run_record import Machine as Measured
from runs.models import Machine
from runs.selectors.machines import noise_of, region_of, regions_of
from runs.selectors.scopes import scope
from runs.services.recording import record_runs
from runs.stats import EQUIVALENCE
from tests.records import MACHINE, make_record

pytestmark = pytest.mark.django_db


OTHER = dataclasses.replace(MACHINE, name="other", fingerprint="2" * 32)


def measure(
    *seconds: float,
    experiment: str = "noise",
    preset: str = "noise",
    finished_at: str = "",
    machine: Measured = MACHINE,
) -> None:
    records = []
    for block, each in enumerate(seconds):
        record = make_record(block=block, epoch_seconds=each, experiment=experiment, machine=machine)
        placement = dataclasses.replace(record.placement, preset=preset)
        records.append(dataclasses.replace(record, placement=placement, finished_at=finished_at or record.finished_at))
    record_runs(records=records)


def test_a_machine_that_never_differs_has_no_noise() -> None:
    measure(*[0.2] * 10)
    assert noise_of(Machine.objects.get()) == pytest.approx(0)


def test_pairs_that_differ_by_a_tenth_are_noise_that_verdicts_respect() -> None:
    measure(*[0.20, 0.22, 0.22, 0.20] * 3)
    machine = Machine.objects.get()
    noise = noise_of(machine)
    assert noise is not None
    assert 0.05 < noise < 0.3
    assert region_of(machine) == noise


def test_slow_drift_over_the_session_is_no_noise_between_neighbours() -> None:
    measure(*[0.2 * 1.1 ** (block // 2) for block in range(10)])
    assert noise_of(Machine.objects.get()) == pytest.approx(0)


def test_without_three_pairs_nothing_is_said() -> None:
    measure(0.2, 0.3, 0.2, 0.3, 0.2)
    assert noise_of(Machine.objects.get()) is None


def test_other_experiments_say_nothing_of_noise() -> None:
    measure(*[0.2, 0.4] * 5, experiment="quick", preset="quick")
    assert noise_of(Machine.objects.get()) is None
    assert region_of(Machine.objects.get()) == EQUIVALENCE


def test_the_newest_noise_experiment_counts() -> None:
    measure(*[0.2, 0.4] * 5)
    measure(*[0.2] * 10, experiment="noise 2", finished_at="2026-12-01T08:00:00+00:00")
    assert noise_of(Machine.objects.get()) == pytest.approx(0)


def test_a_machine_that_nobody_chose_has_the_usual_region() -> None:
    assert region_of(None) == EQUIVALENCE


def test_what_is_shown_first_is_never_a_noise_experiment() -> None:
    measure(0.2, 0.2, 0.2, experiment="lab", preset="standard")
    measure(*[0.2] * 10)
    chosen = scope().experiment
    assert chosen is not None
    assert chosen.name == "lab"
    asked = scope("noise").experiment
    assert asked is not None
    assert asked.name == "noise"


def test_the_regions_of_several_machines_are_those_of_each() -> None:
    measure(*[0.20, 0.22, 0.22, 0.20] * 3)
    measure(*[0.2] * 10, experiment="noise 2", finished_at="2026-12-01T08:00:00+00:00", machine=OTHER)
    measure(*[0.2, 0.4] * 5, experiment="noise 3", finished_at="2026-11-01T08:00:00+00:00", machine=OTHER)
    machines = list(Machine.objects.order_by("pk"))
    assert len(machines) == 2
    assert regions_of([*(each.pk for each in machines), 999]) == {
        **{each.pk: region_of(each) for each in machines},
        999: EQUIVALENCE,
    }
