"""What NVIDIA's driver says of its GPUs: what they are and how they are doing."""

from __future__ import annotations

import csv
import ctypes
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HARDWARE_QUERY = "name,memory.total,driver_version,power.limit"
# Drivers from 535 on call the last field clocks_event_reasons.active and still know it by this name.
STATE_QUERY = "clocks.sm,clocks.mem,temperature.gpu,power.draw,clocks_throttle_reasons.active"
# NVML's nvmlClocksThrottleReason* bits. Idle (bit 0) and settings that a user made are no trouble.
_THROTTLE_BITS = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "thermal slowdown (software)",
    0x40: "thermal slowdown (hardware)",
    0x80: "power brake",
}
THERMAL_BITS = 0x20 | 0x40
_CUDA_VERSION = re.compile(r"CUDA (?:\w+ )?Version\s*:\s*(\d+\.\d+)")


UNSUPPORTED = ""
DEVICE_NAMES = {"theano": "cuda", "torch": "cuda"}
_TIMEOUT_SECONDS = 10
_DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Gpu:
    name: str
    memory_bytes: int | None = None
    driver: str = ""
    power_limit_watts: float | None = None


@dataclass(frozen=True)
class GpuState:
    """`throttle_bits` is NVML's mask of reasons why the clocks are not higher."""

    sm_megahertz: float | None = None
    memory_megahertz: float | None = None
    celsius: float | None = None
    watts: float | None = None
    throttle_bits: int | None = None

    @property
    def throttle_reasons(self) -> tuple[str, ...]:
        bits = self.throttle_bits or 0
        return tuple(name for bit, name in _THROTTLE_BITS.items() if bits & bit)

    @property
    def throttled_by_heat(self) -> bool:
        return bool((self.throttle_bits or 0) & THERMAL_BITS)


def names() -> list[str]:
    """The names of the cards that the driver shows."""
    answer = query_gpus("name", _TIMEOUT_SECONDS) or ""
    return [line.strip() for line in answer.splitlines() if line.strip()]


def hardware() -> tuple[Gpu, ...]:
    """From nvidia-smi, else the names that the driver lists in /proc."""
    return parse_nvidia_smi(query_gpus(HARDWARE_QUERY, _TIMEOUT_SECONDS) or "") or gpus_of_driver()


def states() -> tuple[GpuState, ...]:
    return parse_gpu_states(query_gpus(STATE_QUERY, _TIMEOUT_SECONDS) or "")


def energy_joules(index: int) -> float | None:
    """Since the driver was loaded, by NVML, which is asked without a process of its own; None where it cannot be.

    nvmlDeviceGetTotalEnergyConsumption: millijoules, from Volta on.
    """
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        handle, millijoules = ctypes.c_void_p(), ctypes.c_ulonglong()
        done = [
            nvml.nvmlInit_v2(),
            nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)),
            nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)),
        ]
    except (OSError, AttributeError):
        return None
    return None if any(done) else millijoules.value / 1e3


def visible(index: int | None) -> dict[str, str]:
    """Numbered as nvidia-smi numbers them."""
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "-1" if index is None else str(index)}


def served_cuda() -> str:
    """The newest CUDA that the driver serves; empty if it does not tell."""
    return parse_cuda_version(ask_nvidia_smi([], _TIMEOUT_SECONDS) or "")


def gpus_of_driver(folder: Path = _DRIVER) -> tuple[Gpu, ...]:
    """The names that the kernel module lists, for when nvidia-smi is missing or does not answer."""
    texts = (path.read_text(errors="replace") for path in sorted(folder.glob("*/information")))
    return tuple(gpu for text in texts if (gpu := parse_driver_information(text)))


def parse_nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """The GPUs, from `nvidia-smi --query-gpu=HARDWARE_QUERY --format=csv,noheader,nounits`."""
    return tuple(Gpu(row[0], _mebibytes(row[1]), _told(row[2]), _number(row[3])) for row in _rows(text, HARDWARE_QUERY))


def parse_gpu_states(text: str) -> tuple[GpuState, ...]:
    """The GPUs' states, from the same command with STATE_QUERY."""
    return tuple(
        GpuState(_number(sm), _number(memory), _number(celsius), _number(watts), _mask(reasons))
        for sm, memory, celsius, watts, reasons in _rows(text, STATE_QUERY)
    )


def parse_cuda_version(text: str) -> str:
    """The newest CUDA that the driver serves, from plain `nvidia-smi`'s heading; empty if it is not there."""
    found = _CUDA_VERSION.search(text)
    return found[1] if found else ""


def parse_driver_information(text: str) -> Gpu | None:
    """A GPU's name from /proc/driver/nvidia/gpus/*/information, which answers even when nvidia-smi does not."""
    found = re.search(r"^Model:\s*(\S.*?)\s*$", text, re.MULTILINE)
    return Gpu(found[1]) if found else None


def query_gpus(fields: str, timeout_seconds: float) -> str | None:
    """`nvidia-smi`'s answer as CSV; None if it is not installed, fails or takes too long."""
    return ask_nvidia_smi([f"--query-gpu={fields}", "--format=csv,noheader,nounits"], timeout_seconds)


def ask_nvidia_smi(arguments: Sequence[str], timeout_seconds: float) -> str | None:
    program = find_nvidia_smi()
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=timeout_seconds, check=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout


def find_nvidia_smi() -> str | None:
    """On the path, or where WSL keeps it, which is not always on the path."""
    in_wsl = Path("/usr/lib/wsl/lib/nvidia-smi")
    return shutil.which("nvidia-smi") or (str(in_wsl) if in_wsl.exists() else None)


def _rows(text: str, query: str) -> list[list[str]]:
    """The rows of a full answer; messages such as `No devices were found` are not as wide and fall out."""
    width = query.count(",") + 1
    rows = ([value.strip() for value in row] for row in csv.reader(text.splitlines()))
    return [row for row in rows if len(row) == width]


def _told(text: str) -> str:
    """nvidia-smi writes [N/A], [Not Supported] or [Unknown Error] where it has no value."""
    return "" if text.startswith("[") else text


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _mebibytes(text: str) -> int | None:
    number = _number(text)
    return None if number is None else int(number) * 2**20


def _mask(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None
