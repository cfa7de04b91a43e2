"""GPUs, by vendor: what they are, how they are doing, what shows a framework one of them. One module each."""

from __future__ import annotations

from typing import Protocol

from engines.gpus import amd, apple, nvidia
from engines.gpus.nvidia import Gpu, GpuState

__all__ = ["Gpu", "GpuState", "device_name", "energy_joules", "hardware", "names", "states", "unsupported", "visible"]


class Vendor(Protocol):
    """What a module of this folder has."""

    UNSUPPORTED: str
    """Why no engine can use its GPUs yet; empty where engines can."""
    DEVICE_NAMES: dict[str, str]
    """Backend -> what it calls such a device."""

    def names(self) -> list[str]:
        """What GPUs it has on this machine."""

    def hardware(self) -> tuple[Gpu, ...]:
        """What they are."""

    def states(self) -> tuple[GpuState, ...]:
        """How they are doing."""

    def energy_joules(self, index: int) -> float | None:
        """What one has used so far, by its own counter; None where it has none."""

    def visible(self, index: int | None) -> dict[str, str]:
        """Environment variables that show a framework one GPU, by its number, or none."""


VENDORS: tuple[Vendor, ...] = (nvidia, amd, apple)
_SUPPORTED = tuple(vendor for vendor in VENDORS if not vendor.UNSUPPORTED)


def names() -> list[str]:
    """The GPUs that engines can use here."""
    return [name for vendor in _SUPPORTED for name in vendor.names()]


def unsupported() -> list[str]:
    """The GPUs that are here and cannot be used, each kind with the reason, as sentences."""
    others = ((vendor, vendor.names()) for vendor in VENDORS if vendor.UNSUPPORTED)
    return [f"{', '.join(found)}: {vendor.UNSUPPORTED}" for vendor, found in others if found]


def hardware() -> tuple[Gpu, ...]:
    return tuple(gpu for vendor in _SUPPORTED for gpu in vendor.hardware())


def states() -> tuple[GpuState, ...]:
    return tuple(state for vendor in _SUPPORTED for state in vendor.states())


def energy_joules(index: int) -> float | None:
    """What the GPU of this number that engines can use has used so far; None where nobody counts."""
    told = (vendor.energy_joules(index) for vendor in _SUPPORTED)
    return next((joules for joules in told if joules is not None), None)


def visible(index: int | None) -> dict[str, str]:
    """Environment variables that show a framework the GPU of this number and no other; None shows none."""
    return {name: value for vendor in VENDORS for name, value in vendor.visible(index).items()}


def device_name(backend: str) -> str:
    """What a backend calls the GPUs that engines can use here."""
    return next(vendor.DEVICE_NAMES[backend] for vendor in _SUPPORTED if backend in vendor.DEVICE_NAMES)
