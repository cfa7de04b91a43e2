"""The canary sings at the machine's peak, and the host judges by it whether a block is stable."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import canary
from engines.canary import instability_reasons
from engines.gpus.nvidia import GpuState
from engines.machine.conditions import TICKS_PER_SECOND, CpuTicks, Readings

BEFORE = Readings(
    cpus=4, uptime_seconds=0.0, cpu_ticks=CpuTicks(0, 0), own_cpu_seconds=0.0, cpu_throttle_events=5, gpus=(GpuState(),)
)
QUIET = replace(BEFORE, uptime_seconds=10.0, cpu_ticks=CpuTicks(10 * TICKS_PER_SECOND, 0), own_cpu_seconds=10.0)


def test_a_measurement_is_finite_and_its_best_is_no_less_than_its_median() -> None:
    result = canary.measure(seconds=0.0, threads=2, size=32)
    assert 0 < result.gflops <= result.peak_gflops
    assert (result.threads, result.size, result.products) == (2, 32, 1)


def test_a_measurement_goes_on_until_its_time_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 400, 1000, 1500, 2000, 2200])  # nanoseconds: products of 400, 500 and 200
    monkeypatch.setattr(canary, "now_ns", lambda: next(clock))
    result = canary.measure(seconds=1e-6, size=10)
    assert result.products == 3
    assert result.seconds == pytest.approx(1.1e-6)
    assert result.gflops == pytest.approx(2000 / 400)
    assert result.peak_gflops == pytest.approx(2000 / 200)


@given(st.integers(1, 1024))
def test_more_threads_never_get_less_work(threads: int) -> None:
    size = canary.size_for(threads)
    assert size <= canary.size_for(threads + 1)
    assert 3 * 4 * size**2 <= 2**28


@pytest.mark.parametrize("rate", [97.1, 100.0, 102.9])
def test_a_canary_within_three_percent_is_stable(rate: float) -> None:
    assert instability_reasons([100.0, rate], 100.0, before=BEFORE, after=QUIET) == ()


@pytest.mark.parametrize(
    ("rates", "told"),
    [([99.0, 91.8], "8.2 % slower"), ([104.0, 100.0], "4.0 % faster"), ([96.0, 105.0], "5.0 % faster")],
)
def test_a_canary_that_strays_farther_is_unstable(rates: list[float], told: str) -> None:
    assert instability_reasons(rates, 100.0) == (f"The canary ran {told} than the session's median.",)


@pytest.mark.parametrize("session_median", [None, 0.0])
def test_without_a_session_median_the_canary_says_nothing(session_median: float | None) -> None:
    assert instability_reasons([50.0], session_median) == ()
    assert instability_reasons([], 100.0) == ()


def test_stolen_time_over_two_percent_is_unstable() -> None:
    stolen = replace(QUIET, cpu_ticks=CpuTicks(10 * TICKS_PER_SECOND, TICKS_PER_SECOND // 2))
    assert instability_reasons([], None, before=BEFORE, after=stolen) == (
        "The hypervisor took 4.8 % of the CPU time for other machines.",
    )
    little = replace(QUIET, cpu_ticks=CpuTicks(10 * TICKS_PER_SECOND, TICKS_PER_SECOND // 10))
    assert instability_reasons([], None, before=BEFORE, after=little) == ()


def test_other_processes_on_a_tenth_of_the_cpus_are_unstable() -> None:
    crowded = replace(QUIET, own_cpu_seconds=5.0)
    assert instability_reasons([], None, before=BEFORE, after=crowded) == ("Other processes kept 0.50 of 4 CPUs busy.",)
    assert instability_reasons([], None, before=BEFORE, after=replace(crowded, cpus=64)) == ()


def test_heat_is_unstable_on_cpu_and_gpu() -> None:
    hot = replace(QUIET, cpu_throttle_events=8, gpus=(GpuState(throttle_bits=0x1), GpuState(throttle_bits=0x40)))
    assert instability_reasons([], None, before=BEFORE, after=hot) == (
        "Heat slowed the CPU 3 times.",
        "Heat slows GPU 1.",
    )


def test_a_power_cap_is_how_a_gpu_works_and_no_trouble() -> None:
    capped = replace(QUIET, gpus=(GpuState(throttle_bits=0x4),))
    assert instability_reasons([], None, before=BEFORE, after=capped) == ()


def test_readings_that_the_os_withholds_are_no_reason() -> None:
    assert instability_reasons([100.0], 100.0, before=Readings(), after=Readings()) == ()
