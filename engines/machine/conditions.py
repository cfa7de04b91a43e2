"""How a machine is doing, and what two looks at it say of the time between. Pure; `sensors.py` looks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from engines.gpus.nvidia import GpuState

# How often a second the kernel counts in /proc/stat; a share of very few such ticks would be mostly rounding.
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_MIN_TICKS_FOR_A_SHARE = 50
_MICROSECONDS = 1e6
_IN_WORDS = {
    "uptime_seconds": "time since boot",
    "load_1min": "load",
    "cpu_ticks": "CPU time by use, steal",
    "own_cpu_seconds": "own CPU time",
    "cpu_pressure_us": "CPU pressure",
    "memory_pressure_us": "memory pressure",
    "involuntary_switches": "involuntary context switches",
    "governor": "frequency governor",
    "turbo": "turbo",
    "cpu_celsius": "CPU temperature",
    "cpu_throttle_events": "throttling by heat",
}


@dataclass(frozen=True)
class CpuTicks:
    """Sums over all CPUs since boot, in the kernel's ticks. `stolen`: a CPU was wanted, the hypervisor ran others."""

    busy: int
    stolen: int


@dataclass(frozen=True)
class Readings:
    """One look at the machine. None (empty for GPUs): the OS does not tell. Counters count since boot."""

    cpus: int = 1
    uptime_seconds: float | None = None
    load_1min: float | None = None
    cpu_ticks: CpuTicks | None = None
    own_cpu_seconds: float | None = None
    """CPU time of this process, of its children that have ended, and of the process that was named."""
    cpu_pressure_us: int | None = None
    memory_pressure_us: int | None = None
    involuntary_switches: int | None = None
    governor: str | None = None
    turbo: str | None = None
    cpu_celsius: float | None = None
    cpu_throttle_events: int | None = None
    gpus: tuple[GpuState, ...] = ()


@dataclass(frozen=True)
class Change:
    """What happened between two readings; None where it cannot be told."""

    seconds: float | None = None
    steal_share: float | None = None
    """Stolen time over the time in which a CPU was wanted, 0 to 1."""
    others_cpus: float | None = None
    """How many CPUs' worth of time processes that are not ours took, on average."""
    cpu_pressure_share: float | None = None
    memory_pressure_share: float | None = None
    involuntary_switches: int | None = None
    cpu_throttle_events: int | None = None


def change(before: Readings, after: Readings) -> Change:
    """Pure: what the counters say of the time between two readings."""
    seconds = _difference(before.uptime_seconds, after.uptime_seconds)
    busy, stolen = _ticks_between(before, after)
    return Change(
        seconds=seconds,
        steal_share=_steal_share(busy, stolen),
        others_cpus=_others_cpus(busy, _difference(before.own_cpu_seconds, after.own_cpu_seconds), seconds),
        cpu_pressure_share=_share_of_us(_difference(before.cpu_pressure_us, after.cpu_pressure_us), seconds),
        memory_pressure_share=_share_of_us(_difference(before.memory_pressure_us, after.memory_pressure_us), seconds),
        involuntary_switches=_count(before.involuntary_switches, after.involuntary_switches),
        cpu_throttle_events=_count(before.cpu_throttle_events, after.cpu_throttle_events),
    )


def delta(before: Readings, after: Readings) -> dict[str, str]:
    """Facts for `run_record.Conditions.readings`: units in the names, what is unknown left out. Pure."""
    return {name: text for name, text in _facts(before, after, change(before, after)) if text}


def labelled_readings(state: Readings) -> list[tuple[str, str]]:
    """One look at the machine for people: what is known, as label and text with its unit."""
    told = [
        ("load (1 minute)", _text(state.load_1min, ".2f")),
        ("governor", state.governor or ""),
        ("turbo", state.turbo or ""),
        ("CPU temperature", _text(state.cpu_celsius, ".0f", " °C")),
        ("slowed by heat since boot", _text(state.cpu_throttle_events, "d", " times")),
    ]
    told += [(f"GPU {index}", _gpu_text(gpu)) for index, gpu in enumerate(state.gpus)]
    return [(label, text) for label, text in told if text]


def withheld_readings(state: Readings) -> tuple[str, ...]:
    """What this OS does not give, in words. A GPU's absence is the machine's, not the OS's."""
    return tuple(words for name, words in _IN_WORDS.items() if getattr(state, name) is None)


def parse_uptime(text: str) -> float | None:
    found = re.match(r"\d+(\.\d+)?", text)
    return float(found[0]) if found else None


def parse_cpu_ticks(text: str) -> CpuTicks | None:
    """From /proc/stat: user, nice, system, irq and softirq are work; idle and waiting for input are not."""
    found = re.match(r"cpu +(\d+) (\d+) (\d+) \d+ \d+ (\d+) (\d+) (\d+)", text)
    if not found:
        return None
    *work, stolen = map(int, found.groups())
    return CpuTicks(sum(work), stolen)


def parse_pressure(text: str) -> int | None:
    """Microseconds in which some task was stalled, from /proc/pressure/*."""
    found = re.search(r"^some .*\btotal=(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def parse_process_ticks(text: str) -> int | None:
    """CPU ticks of a process and its ended children, from /proc/PID/stat, whose second field may hold anything."""
    after_name = text.rpartition(")")[2].split()
    return sum(map(int, after_name[11:15])) if len(after_name) > 15 else None


def parse_switches(text: str) -> int | None:
    """Involuntary context switches of one thread, from /proc/PID/task/*/status."""
    found = re.search(r"^nonvoluntary_ctxt_switches:\s*(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def _facts(before: Readings, after: Readings, between: Change) -> Iterator[tuple[str, str]]:
    yield "load_1min_before", _text(before.load_1min, ".2f")
    yield "load_1min_after", _text(after.load_1min, ".2f")
    yield "steal_percent", _percent(between.steal_share)
    yield "others_cpus", _text(between.others_cpus, ".3f")
    yield "cpu_pressure_percent", _percent(between.cpu_pressure_share)
    yield "memory_pressure_percent", _percent(between.memory_pressure_share)
    yield "involuntary_switches", _text(between.involuntary_switches, "d")
    yield "governor", _then(before.governor, after.governor)
    yield "turbo", _then(before.turbo, after.turbo)
    yield "cpu_before_celsius", _text(before.cpu_celsius, ".1f")
    yield "cpu_after_celsius", _text(after.cpu_celsius, ".1f")
    yield "cpu_throttle_events", _text(between.cpu_throttle_events, "d")
    for index, state in enumerate(after.gpus):
        yield from ((f"gpu{index}_{name}", text) for name, text in _gpu_facts(state))


def _gpu_facts(state: GpuState) -> Iterator[tuple[str, str]]:
    yield "sm_mhz", _text(state.sm_megahertz, ".0f")
    yield "memory_mhz", _text(state.memory_megahertz, ".0f")
    yield "celsius", _text(state.celsius, ".0f")
    yield "watts", _text(state.watts, ".1f")
    yield "throttled_by", ", ".join(state.throttle_reasons)


def _gpu_text(state: GpuState) -> str:
    slowed = ", ".join(state.throttle_reasons)
    told = [
        _text(state.sm_megahertz, ".0f", " MHz"),
        _text(state.celsius, ".0f", " °C"),
        _text(state.watts, ".0f", " W"),
        f"slowed by {slowed}" if slowed else "",
    ]
    return ", ".join(filter(None, told))


def _text(number: float | None, form: str, unit: str = "") -> str:
    return "" if number is None else format(number, form) + unit


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _then(before: str | None, after: str | None) -> str:
    return f"{before}, then {after}" if before and after and before != after else after or before or ""


def _difference(before: float | None, after: float | None) -> float | None:
    """None where either is unknown or a counter went back (a reboot, a process that ended)."""
    return None if before is None or after is None or after < before else after - before


def _count(before: int | None, after: int | None) -> int | None:
    difference = _difference(before, after)
    return None if difference is None else int(difference)


def _ticks_between(before: Readings, after: Readings) -> tuple[int | None, int | None]:
    if before.cpu_ticks is None or after.cpu_ticks is None:
        return None, None
    old, new = before.cpu_ticks, after.cpu_ticks
    return _count(old.busy, new.busy), _count(old.stolen, new.stolen)


def _steal_share(busy: int | None, stolen: int | None) -> float | None:
    if busy is None or stolen is None or busy + stolen < _MIN_TICKS_FOR_A_SHARE:
        return None
    return stolen / (busy + stolen)


def _others_cpus(busy_ticks: int | None, own_seconds: float | None, seconds: float | None) -> float | None:
    """Never negative: ticks are coarser than a process's own account."""
    if busy_ticks is None or own_seconds is None or not seconds or seconds < _MIN_TICKS_FOR_A_SHARE / TICKS_PER_SECOND:
        return None
    return max(0.0, busy_ticks / TICKS_PER_SECOND - own_seconds) / seconds


def _share_of_us(microseconds: float | None, seconds: float | None) -> float | None:
    return min(1.0, microseconds / _MICROSECONDS / seconds) if microseconds is not None and seconds else None
