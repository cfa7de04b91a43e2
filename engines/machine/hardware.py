"""What a machine is: its parts, its fingerprint, its description. Pure; `detection.py` fills it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engines import contract, run_record
from engines.gpus.nvidia import Gpu

_MAX_FACT = 500
_CACHE_KINDS = {"Data": "d", "Instruction": "i", "Unified": ""}


@dataclass(frozen=True)
class Cache:
    """`kind` is Data, Instruction or Unified; `shared_by` counts the CPUs that one such cache serves, if told."""

    level: int
    kind: str
    size_bytes: int
    shared_by: int | None = None

    @property
    def label(self) -> str:
        return f"L{self.level}{_CACHE_KINDS.get(self.kind, '')} cache"


@dataclass(frozen=True)
class Frequencies:
    """Megahertz. `nominal` is what a machine without frequency scaling (most virtual ones) runs at."""

    lowest: float | None = None
    base: float | None = None
    highest: float | None = None
    nominal: float | None = None

    def __str__(self) -> str:
        told = ((name, getattr(self, name)) for name in ("lowest", "base", "highest", "nominal"))
        return ", ".join(f"{name} {megahertz:.0f} MHz" for name, megahertz in told if megahertz)


@dataclass(frozen=True)
class Hardware:
    """A machine as its OS tells it. `withheld` names what the OS did not tell; such fields are empty or None.

    `cpus_allowed` are those that this process may use; everything else is of the whole machine. The quota (in CPUs)
    and the memory limit are the control group's, so a container's.
    """

    cpu: str
    sockets: int
    cores: int
    threads: int
    memory_bytes: int
    vendor: str = ""
    gpus: tuple[Gpu, ...] = ()
    cuda: str = ""
    caches: tuple[Cache, ...] = ()
    frequencies: Frequencies = Frequencies()
    microcode: str = ""
    vector_instructions: tuple[str, ...] = ()
    numa_nodes: int | None = None
    product: str = ""
    architecture: str = ""
    system: str = ""
    kernel: str = ""
    cpus_allowed: tuple[int, ...] = ()
    cpu_quota: float | None = None
    memory_limit_bytes: int | None = None
    container: str = ""
    virtualization: str = ""
    withheld: tuple[str, ...] = ()


def fingerprint(hardware: Hardware) -> str:
    """A hash of what the machine is made of: new with other parts, the same after a reboot or an OS upgrade."""
    return contract.content_hash(_parts(hardware, _gpu_names(hardware)))


def as_contract(hardware: Hardware, name: str) -> run_record.Machine:
    """The machine as a run record holds it, under its user's name for it."""
    return run_record.Machine(
        name=name,
        fingerprint=fingerprint(hardware),
        cpu=hardware.cpu[:_MAX_FACT],
        sockets=hardware.sockets,
        cores=hardware.cores,
        threads=hardware.threads,
        memory_bytes=hardware.memory_bytes,
        gpus=_gpu_names(hardware),
        system=hardware.system[:_MAX_FACT],
        facts=facts(hardware),
    )


def differences(before: run_record.Machine, after: run_record.Machine) -> list[str]:
    """In which parts two machines differ, a line each; empty exactly if their hardware has one fingerprint."""
    old, new = _parts(before, before.gpus), _parts(after, after.gpus)
    return [f"{part}: {old[part]}, now {new[part]}" for part in old if old[part] != new[part]]


def describe(hardware: Hardware) -> list[str]:
    """Lines for people: the parts, the facts, and what the OS withheld."""
    lines = [f"{label}: {value}" for label, value in labelled(hardware)]
    return [*lines, f"withheld: {', '.join(hardware.withheld)}"] if hardware.withheld else lines


def labelled(hardware: Hardware) -> list[tuple[str, str]]:
    """All that is known, as label and text with its unit."""
    parts = _parts(hardware, _gpu_names(hardware))
    parts["memory"] = _binary_size(hardware.memory_bytes) + " usable"
    return [*parts.items(), ("system", hardware.system or "unknown"), *facts(hardware).items()]


def facts(hardware: Hardware) -> dict[str, str]:
    """What was told beyond the parts. Holds no host name, user name or path."""
    return {label: text[:_MAX_FACT] for label, text in _all_facts(hardware) if text}


def installed_bytes(usable_bytes: int) -> int:
    """The size that was probably bought: rounded up to a sixteenth of the next power of two.

    Kernels keep a few percent of the memory, a little more or less with each version; 15.4 and 15.6 GiB are
    both 16 GiB.
    """
    step = max(1 << max(usable_bytes - 1, 0).bit_length(), 16) // 16
    return -(-usable_bytes // step) * step


def cpu_ranges(cpus: Iterable[int]) -> str:
    """`0-3,8`: CPU numbers as the kernel writes them."""
    ranges: list[list[int]] = []
    for cpu in sorted(cpus):
        if ranges and cpu == ranges[-1][-1] + 1:
            ranges[-1][1:] = [cpu]
        else:
            ranges.append([cpu])
    return ",".join("-".join(map(str, ends)) for ends in ranges)


def _parts(machine: Hardware | run_record.Machine, gpu_names: Sequence[str]) -> dict[str, str]:
    """What makes a machine this machine: the fingerprint is of this, and so are the differences."""
    return {
        "CPU": machine.cpu[:_MAX_FACT],
        "sockets": str(machine.sockets),
        "cores": str(machine.cores),
        "threads": str(machine.threads),
        "memory": _binary_size(installed_bytes(machine.memory_bytes)),
        "GPUs": _counted(gpu_names) or "none",
    }


def _gpu_names(hardware: Hardware) -> tuple[str, ...]:
    return tuple(gpu.name[:_MAX_FACT] for gpu in hardware.gpus)


def _counted(names: Iterable[str]) -> str:
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in sorted(Counter(names).items()))


def _all_facts(hardware: Hardware) -> Iterator[tuple[str, str]]:
    yield "CPU vendor", hardware.vendor
    yield "architecture", hardware.architecture
    yield from ((cache.label, _cache_text(cache)) for cache in hardware.caches)
    yield "CPU frequency", str(hardware.frequencies)
    yield "microcode", hardware.microcode
    yield "vector instructions", " ".join(hardware.vector_instructions)
    yield "NUMA nodes", _plain(hardware.numa_nodes)
    yield from _gpu_facts(hardware)
    yield "product", hardware.product
    yield "kernel", hardware.kernel
    yield "virtual machine", hardware.virtualization
    yield "container", hardware.container
    yield "CPUs allowed", cpu_ranges(hardware.cpus_allowed)
    yield "CPU quota", f"{hardware.cpu_quota:g} CPUs" if hardware.cpu_quota else ""
    yield "memory limit", _binary_size(hardware.memory_limit_bytes) if hardware.memory_limit_bytes else ""


def _gpu_facts(hardware: Hardware) -> Iterator[tuple[str, str]]:
    for index, gpu in enumerate(hardware.gpus):
        yield f"GPU {index} memory", _binary_size(gpu.memory_bytes) if gpu.memory_bytes else ""
        yield f"GPU {index} power limit", f"{gpu.power_limit_watts:g} W" if gpu.power_limit_watts else ""
    yield "NVIDIA driver", ", ".join(sorted({gpu.driver for gpu in hardware.gpus if gpu.driver}))
    yield "CUDA served by the driver", hardware.cuda


def _cache_text(cache: Cache) -> str:
    shared = f", shared by {cache.shared_by} threads" if cache.shared_by and cache.shared_by > 1 else ""
    return _binary_size(cache.size_bytes) + shared


def _plain(number: int | None) -> str:
    return "" if number is None else str(number)


def _binary_size(size: int) -> str:
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20)):
        if size >= factor:
            return f"{round(size / factor, 1):g} {unit}"
    return f"{size / 2**10:g} KiB"
