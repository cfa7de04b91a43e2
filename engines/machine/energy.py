"""How much energy the hardware says it used: counters of the processor's packages (RAPL, by Linux' powercap) and of an
NVIDIA GPU (NVML). Read between epochs, never within one.

https://docs.kernel.org/power/powercap/powercap.html: `energy_uj` counts microjoules and begins again after
`max_energy_range_uj`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engines import gpus
from engines.contract import Device
from engines.machine.system_files import matching, read, read_integer
from engines.run_record import Energy

PLACE = "BENCHSITE_POWERCAP"
"""The variable that names powercap's folder where it is not the system's: a container's may be elsewhere."""
_USUAL_PLACE = "/sys/class/powercap"
_MOST_WATTS = 2_000.0
"""No zone takes more: by this one knows how soon a counter can have turned over unseen."""
_IDLE_SECONDS = 3.0


class Counter(Protocol):
    """`range_joules` is where it begins again; None if it does not within a machine's life."""

    @property
    def name(self) -> str: ...

    @property
    def range_joules(self) -> float | None: ...

    def read(self) -> float | None:
        """Joules so far; None if it cannot be had."""


@dataclass(frozen=True)
class Zone:
    """A power zone of the kernel's: a package with all its cores, or memory, which no package contains."""

    name: str
    folder: Path

    @property
    def range_joules(self) -> float | None:
        microjoules = read_integer(self.folder / "max_energy_range_uj")
        return microjoules / 1e6 if microjoules else None

    def read(self) -> float | None:
        microjoules = read_integer(self.folder / "energy_uj")
        return None if microjoules is None else microjoules / 1e6


@dataclass(frozen=True)
class Gpu:
    """A GPU by its vendor's own counter."""

    index: int
    range_joules: float | None = None

    @property
    def name(self) -> str:
        return f"GPU {self.index}"

    def read(self) -> float | None:
        return gpus.energy_joules(self.index)


def zones(place: Path | None = None) -> list[Zone]:
    """Each package and each package's memory, once: no part of a package, and not the whole platform beside it."""
    root = place or Path(os.environ.get(PLACE) or _USUAL_PLACE)
    packages = [folder for folder in matching(root, "intel-rapl:*") if folder.name.count(":") == 1]
    memory = [folder for folder in matching(root, "intel-rapl:*") if folder.name.count(":") == 2]
    named = [(read(folder / "name") or "", folder) for folder in [*packages, *memory]]
    return [Zone(name, folder) for name, folder in named if name.startswith("package") or name == "dram"]


def why_withheld(place: Path | None = None) -> str:
    """Why there is no energy of the processor here; empty if there is."""
    found = zones(place)
    if not found:
        return "the system offers no counters of energy (powercap)"
    if any(zone.read() is None for zone in found):
        return "the counters of energy are closed to this user: let it read energy_uj below /sys/class/powercap"
    return ""


def counters(device: Device, index: int = 0, place: Path | None = None) -> list[Counter]:
    """What a run on this device is to be metered by; none where one that counts cannot be read."""
    if why_withheld(place):
        return []
    found: list[Counter] = list(zones(place))
    if device == "gpu":
        found.append(Gpu(index))
    return found if all(counter.read() is not None for counter in found) else []


@dataclass
class Meter:
    """Adds up what counters say from `start` on. To be read oftener than they can begin again."""

    counters: Sequence[Counter]
    clock: Callable[[], float] = time.perf_counter
    joules: float = 0.0
    seconds: float = 0.0
    is_sure: bool = True
    """False once a counter could not be read, or may have begun again unseen."""
    _last: list[float] = field(default_factory=list)
    _at: float = 0.0

    def start(self) -> None:
        self.joules = self.seconds = 0.0
        self._at, self._last = self.clock(), self._read()

    def read(self) -> None:
        """Add what has been used since the last reading."""
        now, found = self.clock(), self._read()
        passed = now - self._at
        for counter, before, after in zip(self.counters, self._last, found, strict=False):
            turn = counter.range_joules
            if turn and passed > turn / _MOST_WATTS:
                self.is_sure = False
            self.joules += after - before + (turn or 0.0) * (after < before)
        self.seconds += passed
        self._at, self._last = now, found

    def _read(self) -> list[float]:
        told = [counter.read() for counter in self.counters]
        self.is_sure = self.is_sure and bool(told) and None not in told
        return [value or 0.0 for value in told]

    @property
    def source(self) -> str:
        return ", ".join(counter.name for counter in self.counters)

    def energy(self) -> Energy | None:
        """All of it, nothing subtracted; None where it is not sure."""
        if not self.is_sure or self.seconds <= 0 or self.joules < 0:
            return None
        return Energy(joules=self.joules, seconds=self.seconds, source=self.source)


def idle_watts(device: Device, index: int = 0, *, seconds: float = _IDLE_SECONDS) -> float | None:
    """What the same counters say while nothing is measured: for `seconds`, in which this process sleeps."""
    found = counters(device, index)
    if not found:
        return None
    meter = Meter(found)
    meter.start()
    time.sleep(seconds)
    meter.read()
    used = meter.energy()
    return used.joules / used.seconds if used else None
