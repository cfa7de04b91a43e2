"""Apple's GPUs, built into its processors: known to be there, and not used yet."""

from __future__ import annotations

import platform

from engines.gpus.nvidia import Gpu, GpuState

UNSUPPORTED = (
    "unsupported, since no engine here trains through Metal. Whoever has such a machine can fill engines/gpus/apple.py."
)
DEVICE_NAMES: dict[str, str] = {}


def names() -> list[str]:
    """Each of its own processors has one."""
    return ["Apple GPU"] if (platform.system(), platform.machine()) == ("Darwin", "arm64") else []


def hardware() -> tuple[Gpu, ...]:
    return ()


def states() -> tuple[GpuState, ...]:
    return ()


def energy_joules(index: int) -> float | None:
    return None


def visible(index: int | None) -> dict[str, str]:
    """No variable hides it: frameworks use it where they are told to."""
    return {}
