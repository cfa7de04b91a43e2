"""How the machine is doing: counters parsed, and what lies between two readings."""

from __future__ import annotations

import os
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import machine
from engines.gpus.nvidia import parse_gpu_states
from engines.machine import conditions, sensors
from engines.machine.conditions import CpuTicks, Readings
from tests.engines import machine_samples as samples

HZ = conditions.TICKS_PER_SECOND
BEFORE = Readings(
    cpus=4,
    uptime_seconds=100.0,
    load_1min=0.5,
    cpu_ticks=CpuTicks(busy=1000, stolen=10),
    own_cpu_seconds=3.0,
    cpu_pressure_us=1_000_000,
    memory_pressure_us=0,
    involuntary_switches=7,
    governor="performance",
    turbo="on",
    cpu_celsius=51.0,
    cpu_throttle_events=2,
)
AFTER = Readings(
    cpus=4,
    uptime_seconds=110.0,
    load_1min=1.5,
    cpu_ticks=CpuTicks(busy=1000 + 15 * HZ, stolen=10 + 5 * HZ),
    own_cpu_seconds=13.0,
    cpu_pressure_us=3_000_000,
    memory_pressure_us=500_000,
    involuntary_switches=19,
    governor="powersave",
    turbo="on",
    cpu_celsius=77.25,
    cpu_throttle_events=2,
)


def test_ticks_of_work_and_of_theft_are_summed_without_idle_and_guests() -> None:
    assert conditions.parse_cpu_ticks(samples.PROC_STAT) == CpuTicks(busy=1000 + 10 + 500 + 5 + 15, stolen=40)
    assert conditions.parse_cpu_ticks("cpu0 1 2 3") is None


def test_pressure_is_that_of_some_tasks() -> None:
    assert conditions.parse_pressure(samples.PRESSURE) == 18150170
    assert conditions.parse_pressure("") is None


def test_a_process_name_with_brackets_and_blanks_hides_no_ticks() -> None:
    fields = " ".join(["S", *["0"] * 10, "100", "20", "3", "4", "20", "0"])
    assert conditions.parse_process_ticks(f"42 (a) b ) ({fields}) 1 2") is None
    assert conditions.parse_process_ticks(f"42 (a) b (c)) {fields}") == 127


def test_involuntary_switches_are_not_the_voluntary_ones() -> None:
    assert conditions.parse_switches("voluntary_ctxt_switches:\t9\nnonvoluntary_ctxt_switches:\t4\n") == 4


def test_shares_and_counts_between_two_readings() -> None:
    between = machine.change(BEFORE, AFTER)
    assert between.seconds == 10
    assert between.steal_share == 0.25
    assert between.others_cpus == pytest.approx(0.5)
    assert between.cpu_pressure_share == pytest.approx(0.2)
    assert between.memory_pressure_share == pytest.approx(0.05)
    assert between.involuntary_switches == 12
    assert between.cpu_throttle_events == 0


def test_the_facts_carry_their_units_in_their_names() -> None:
    facts = machine.delta(BEFORE, AFTER)
    assert facts["steal_percent"] == "25.00"
    assert facts["memory_pressure_percent"] == "5.00"
    assert facts["load_1min_before"] == "0.50"
    assert facts["involuntary_switches"] == "12"
    assert facts["governor"] == "performance, then powersave"
    assert facts["turbo"] == "on"
    assert facts["cpu_after_celsius"] == "77.2"


def test_a_gpus_state_is_that_after_the_run() -> None:
    hot = Readings(gpus=parse_gpu_states(samples.GPU_STATES))
    facts = machine.delta(Readings(), hot)
    assert facts["gpu1_throttled_by"] == "power cap, thermal slowdown (software)"
    assert facts["gpu0_sm_mhz"] == "1980"
    assert "gpu0_throttled_by" not in facts
    assert "gpu2_watts" not in facts


def test_what_the_os_withholds_is_left_out_and_named() -> None:
    assert machine.delta(Readings(), Readings()) == {}
    assert "frequency governor" in machine.withheld_readings(Readings())
    assert machine.withheld_readings(BEFORE) == ()


def test_one_look_is_told_in_words_with_units() -> None:
    told = dict(machine.labelled_readings(BEFORE))
    assert (told["load (1 minute)"], told["CPU temperature"], told["governor"]) == ("0.50", "51 °C", "performance")
    gpus = machine.labelled_readings(Readings(gpus=parse_gpu_states(samples.GPU_STATES)))
    assert gpus[1] == ("GPU 1", "1410 MHz, 88 °C, 700 W, slowed by power cap, thermal slowdown (software)")
    assert gpus[2] == ("GPU 2", "41 °C")


def test_every_reading_has_words() -> None:
    assert set(conditions._IN_WORDS) == {field.name for field in fields(Readings)} - {"cpus", "gpus"}


def test_a_counter_that_went_back_tells_nothing() -> None:
    between = machine.change(AFTER, BEFORE)
    assert (between.seconds, between.involuntary_switches, between.steal_share) == (None, None, None)


def test_a_moment_is_too_short_for_shares() -> None:
    soon = Readings(uptime_seconds=100.1, cpu_ticks=CpuTicks(1003, 11), own_cpu_seconds=3.0)
    between = machine.change(BEFORE, soon)
    assert (between.steal_share, between.others_cpus) == (None, None)


counters = st.none() | st.integers(0, 10**9)
states = st.builds(
    Readings,
    uptime_seconds=st.none() | st.floats(0, 1e8),
    cpu_ticks=st.none() | st.builds(CpuTicks, st.integers(0, 10**9), st.integers(0, 10**9)),
    own_cpu_seconds=st.none() | st.floats(0, 1e8),
    cpu_pressure_us=counters,
    involuntary_switches=counters,
    cpu_throttle_events=counters,
)


@given(states, states)
def test_shares_stay_between_nothing_and_all(before: Readings, after: Readings) -> None:
    between = machine.change(before, after)
    shares = (between.steal_share, between.cpu_pressure_share, between.memory_pressure_share)
    assert all(share is None or 0 <= share <= 1 for share in shares)
    assert between.others_cpus is None or between.others_cpus >= 0
    assert all(len(text) <= 500 for text in machine.delta(before, after).values())


def test_this_machines_counters_do_not_go_back() -> None:
    before, after = machine.readings(), machine.readings()
    assert after.own_cpu_seconds is not None
    assert before.own_cpu_seconds is not None
    assert after.own_cpu_seconds >= before.own_cpu_seconds
    assert (after.uptime_seconds or 0) >= (before.uptime_seconds or 0)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs Linux's /proc")  # noqa: PTH112
def test_a_named_process_is_read_and_one_that_has_gone_tells_nothing() -> None:
    assert machine.readings(os.getpid()).involuntary_switches is not None
    gone = sensors.readings(2**22 + 1)
    assert (gone.involuntary_switches, gone.own_cpu_seconds) == (None, None)
