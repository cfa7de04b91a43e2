"""Looks at how the machine is doing: cheap (well under 20 ms without a GPU), without root, and it never raises."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from engines import gpus
from engines.machine.conditions import (
    TICKS_PER_SECOND,
    Readings,
    parse_cpu_ticks,
    parse_pressure,
    parse_process_ticks,
    parse_switches,
    parse_uptime,
)
from engines.machine.detection import allowed_cpus
from engines.machine.system_files import matching, read, read_integer

_CPUS = Path("/sys/devices/system/cpu")
_SENSORS_OF_CPUS = {"coretemp", "k10temp", "zenpower", "cpu_thermal"}
_ZONES_OF_CPUS = re.compile(r"x86_pkg_temp|cpu.*thermal.*|soc.*thermal.*", re.IGNORECASE)


def readings(pid: int | None = None) -> Readings:
    """The state now. Counters of our work are those of ended children, or of process `pid` while it runs."""
    return Readings(
        cpus=os.cpu_count() or 1,
        uptime_seconds=parse_uptime(read(Path("/proc/uptime")) or ""),
        load_1min=_load(),
        cpu_ticks=parse_cpu_ticks(read(Path("/proc/stat")) or ""),
        own_cpu_seconds=_own_cpu_seconds(pid),
        cpu_pressure_us=parse_pressure(read(Path("/proc/pressure/cpu")) or ""),
        memory_pressure_us=parse_pressure(read(Path("/proc/pressure/memory")) or ""),
        involuntary_switches=_switches_of_children() if pid is None else _switches_of(pid),
        governor=_governor(),
        turbo=_turbo(),
        cpu_celsius=_cpu_celsius(),
        cpu_throttle_events=_cpu_throttle_events(),
        gpus=gpus.states(),
    )


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None


def _own_cpu_seconds(pid: int | None) -> float | None:
    times = os.times()
    ours = times.user + times.system + times.children_user + times.children_system
    if pid is None:
        return ours
    ticks = parse_process_ticks(read(Path(f"/proc/{pid}/stat")) or "")
    return None if ticks is None else ours + ticks / TICKS_PER_SECOND


def _switches_of_children() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_nivcsw


def _switches_of(pid: int) -> int | None:
    """Sum over the threads that are alive."""
    texts = (read(path) or "" for path in matching(Path(f"/proc/{pid}/task"), "*/status"))
    told = [count for text in texts if (count := parse_switches(text)) is not None]
    return sum(told) if told else None


def _governor() -> str | None:
    """The governors of all CPUs, usually one."""
    told = {read(path) for path in matching(_CPUS / "cpufreq", "policy*/scaling_governor")} - {None}
    return ", ".join(sorted(filter(None, told))) or None


def _turbo() -> str | None:
    """`on` or `off`, from the generic boost switch or from Intel's, which says the opposite."""
    boost, no_turbo = read(_CPUS / "cpufreq/boost"), read(_CPUS / "intel_pstate/no_turbo")
    if boost is None and no_turbo is None:
        return None
    return "on" if boost == "1" or (boost is None and no_turbo == "0") else "off"


def _cpu_celsius() -> float | None:
    """The hottest of the CPU's sensors."""
    sensors = [folder for folder in matching(Path("/sys/class/hwmon"), "hwmon*") if _is_cpu_sensor(folder)]
    paths = [path for folder in sensors for path in matching(folder, "temp*_input")] or _thermal_zones()
    told = [value / 1000 for path in paths if (value := read_integer(path)) is not None]
    return max(told, default=None)


def _is_cpu_sensor(folder: Path) -> bool:
    return (read(folder / "name") or "") in _SENSORS_OF_CPUS


def _thermal_zones() -> list[Path]:
    zones = matching(Path("/sys/class/thermal"), "thermal_zone*")
    return [zone / "temp" for zone in zones if _ZONES_OF_CPUS.fullmatch(read(zone / "type") or "")]


def _cpu_throttle_events() -> int | None:
    """How often heat slowed the CPUs that we may use, since boot (Intel tells)."""
    counts = (read_integer(_CPUS / f"cpu{cpu}/thermal_throttle/core_throttle_count") for cpu in allowed_cpus())
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
