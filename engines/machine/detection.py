"""Finds out what this machine is. Asks only what works without root; what the OS withholds is named, never raised."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

from engines import gpus
from engines.gpus import nvidia
from engines.machine import linux
from engines.machine.hardware import Cache, Frequencies, Hardware
from engines.machine.processor import Processor, parse_sysctl

# Without its persistence daemon a driver takes seconds to wake up.
_SYSCTL_TIMEOUT_SECONDS = 5.0


def detect() -> Hardware:
    """This machine, from /proc and /sys on Linux, from sysctl on macOS, with whatever Python knows elsewhere."""
    hardware = _DETECTORS.get(sys.platform, _from_python)()
    found = gpus.hardware()
    hardware = replace(
        hardware,
        gpus=found,
        cuda=nvidia.served_cuda() if found else "",
        architecture=platform.machine(),
        kernel=f"{platform.system()} {platform.release()}",
        cpus_allowed=allowed_cpus(),
    )
    return replace(hardware, withheld=withheld_facts(hardware, card_present=linux.has_nvidia_card()))


def allowed_cpus() -> tuple[int, ...]:
    """The CPUs that this process may use; where the OS knows no affinity, all."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def assemble(processor: Processor, *, memory_bytes: int | None, fallback_threads: int) -> Hardware:
    """The parts with what was told, and the plainest reading of what was not: a core a thread, one socket."""
    threads = processor.threads or fallback_threads
    return Hardware(
        cpu=processor.model or "unknown CPU",
        sockets=processor.sockets or 1,
        cores=min(processor.cores or threads, threads),
        threads=threads,
        memory_bytes=memory_bytes or 0,
        vendor=processor.vendor,
        frequencies=Frequencies(nominal=processor.megahertz),
        microcode=processor.microcode,
        vector_instructions=processor.vector_instructions,
        virtualization="yes" if processor.hypervisor else "",
    )


def withheld_facts(hardware: Hardware, *, card_present: bool) -> tuple[str, ...]:
    """Names what a reader would look for and the OS did not tell."""
    told = {
        "CPU model": hardware.cpu != "unknown CPU",
        "memory": hardware.memory_bytes > 0,
        "caches": bool(hardware.caches),
        "CPU frequency limits": hardware.frequencies.highest is not None,
        "microcode": bool(hardware.microcode) or not _has_microcode(hardware),
        "product name": bool(hardware.product),
        "GPU (an NVIDIA card is there, its driver is not responding)": bool(hardware.gpus) or not card_present,
        "GPU memory, driver and power limit": all(gpu.driver for gpu in hardware.gpus),
    }
    return tuple(name for name, is_told in told.items() if not is_told)


def _has_microcode(hardware: Hardware) -> bool:
    return hardware.architecture.lower() in {"x86_64", "amd64", "i686"}


def _from_linux() -> Hardware:
    processor = linux.read_processor()
    hardware = assemble(processor, memory_bytes=linux.read_memory_bytes(), fallback_threads=os.cpu_count() or 1)
    product = linux.read_product()
    return replace(
        hardware,
        caches=linux.read_caches(),
        frequencies=linux.read_frequencies(processor.megahertz),
        numa_nodes=linux.read_numa_nodes(),
        product=product,
        system=linux.read_system(),
        cpu_quota=linux.read_cpu_quota(),
        memory_limit_bytes=linux.read_memory_limit(),
        container=linux.find_container(os.environ),
        virtualization=linux.find_virtualization(processor.hypervisor, product, platform.release()),
    )


def _from_mac() -> Hardware:
    text = _sysctl(["machdep.cpu", "hw", "kern.hv_vmm_present"])
    processor = parse_sysctl(text)
    hardware = assemble(processor, memory_bytes=processor.memory_bytes, fallback_threads=os.cpu_count() or 1)
    return replace(hardware, caches=_mac_caches(text), product=_mac_value(text, "hw.model"), system=_mac_system())


def _from_python() -> Hardware:
    processor = Processor(model=platform.processor())
    hardware = assemble(processor, memory_bytes=None, fallback_threads=os.cpu_count() or 1)
    return replace(hardware, system=f"{platform.system()} {platform.version()}".strip())


_DETECTORS: dict[str, Callable[[], Hardware]] = {"linux": _from_linux, "darwin": _from_mac}


def _sysctl(names: list[str]) -> str:
    """All that is known of these names; sysctl fails if it does not know one, and prints the others."""
    try:
        answer = subprocess.run(
            ["/usr/sbin/sysctl", *names], capture_output=True, text=True, timeout=_SYSCTL_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout


def _mac_value(text: str, name: str) -> str:
    return next((line[len(name) + 1 :].strip() for line in text.splitlines() if line.startswith(f"{name}:")), "")


def _mac_caches(text: str) -> tuple[Cache, ...]:
    names = {"hw.l1dcachesize": (1, "Data"), "hw.l1icachesize": (1, "Instruction")}
    names |= {"hw.l2cachesize": (2, "Unified"), "hw.l3cachesize": (3, "Unified")}
    sizes = ((place, _mac_value(text, name)) for name, place in names.items())
    return tuple(Cache(*place, int(size)) for place, size in sizes if size.isdecimal() and int(size))


def _mac_system() -> str:
    return f"macOS {platform.mac_ver()[0]}".strip()
