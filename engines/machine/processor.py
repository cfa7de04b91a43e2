"""What the OS says of the processor, parsed from its text: /proc/cpuinfo on Linux, `sysctl` on macOS. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Fields = Mapping[str, str]

# Who made an ARM core and which core it is: the kernel gives numbers only (arch/arm64/include/asm/cputype.h).
_ARM_IMPLEMENTERS = {0x41: "ARM", 0x46: "Fujitsu", 0x48: "HiSilicon", 0x51: "Qualcomm", 0x61: "Apple", 0xC0: "Ampere"}
_ARM_CORES = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD84): "Neoverse-V3",
    (0x41, 0xD8E): "Neoverse-N3",
    (0x46, 0x001): "A64FX",
    (0xC0, 0xAC3): "Ampere-1",
    (0xC0, 0xAC4): "Ampere-1a",
}
_MODEL_FIELDS = ("model name", "cpu model", "cpu", "Processor", "uarch")
_VENDOR_NAMES = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel", "HygonGenuine": "Hygon"}
# What a matrix product's speed depends on; the rest of the sixty-odd flags says little.
_VECTOR_FLAGS = re.compile(r"sse2|sse4_2|avx|avx2|fma|avx512(f|_bf16|_fp16|_vnni)|amx_\w+|avx_vnni|asimd|sve2?|bf16")


@dataclass(frozen=True)
class Processor:
    """What is empty or None was not told. `threads` counts the CPUs of the machine, not those we may use."""

    model: str = ""
    vendor: str = ""
    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None
    microcode: str = ""
    megahertz: float | None = None
    vector_instructions: tuple[str, ...] = ()
    hypervisor: bool = False
    memory_bytes: int | None = None


def parse_cpuinfo(text: str) -> Processor:
    """The processor of a Linux machine, from /proc/cpuinfo. ARM's has no sockets and cores: see `count_topology`."""
    cpus = _cpus(text)
    if not cpus:
        return Processor()
    shared: Fields = {key: value for block in reversed(_blocks(text)) for key, value in block.items()}
    flags = (shared.get("flags") or shared.get("Features") or "").split()
    sockets, cores = _sockets_and_cores(cpus)
    return Processor(
        model=_model(shared),
        vendor=_vendor(shared),
        sockets=sockets,
        cores=cores,
        threads=len(cpus),
        microcode=shared.get("microcode", ""),
        megahertz=_number(shared.get("cpu MHz", "")),
        vector_instructions=tuple(sorted({flag for flag in flags if _VECTOR_FLAGS.fullmatch(flag)})),
        hypervisor="hypervisor" in flags,
    )


def count_topology(places: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """Sockets and cores, given each CPU's (package, core) as sysfs tells them."""
    return len({package for package, _ in places}), len(set(places))


def count_cpus(cpu_list: str) -> int | None:
    """How many CPUs (or nodes) a kernel list such as `0-3,8` names; None if it is none."""
    try:
        return sum(_range_length(part) for part in cpu_list.strip().split(","))
    except ValueError:
        return None


def parse_sysctl(text: str) -> Processor:
    """The processor of a Mac, from `sysctl machdep.cpu hw kern.hv_vmm_present`."""
    values = dict(_pairs(text.splitlines()))
    model = " ".join(values.get("machdep.cpu.brand_string", "").split())
    vendor = values.get("machdep.cpu.vendor", "Apple" if model.startswith("Apple") else "")
    return Processor(
        model=model,
        vendor=_VENDOR_NAMES.get(vendor, vendor),
        sockets=_integer(values.get("hw.packages", "")),
        cores=_integer(values.get("hw.physicalcpu", "")),
        threads=_integer(values.get("hw.logicalcpu", "")),
        microcode=values.get("machdep.cpu.microcode_version", ""),
        megahertz=_megahertz(_integer(values.get("hw.cpufrequency", ""))),
        hypervisor=values.get("kern.hv_vmm_present") == "1",
        memory_bytes=_integer(values.get("hw.memsize", "")),
    )


def parse_meminfo(text: str) -> int | None:
    """Bytes of memory, from /proc/meminfo: what the kernel may use, a few percent under what is installed."""
    found = re.search(r"^MemTotal:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), value.strip()


def _blocks(text: str) -> list[dict[str, str]]:
    return [block for part in re.split(r"\n\s*\n", text) if (block := dict(_pairs(part.splitlines())))]


def _cpus(text: str) -> list[dict[str, str]]:
    """One per CPU. A last block without a number (a Raspberry Pi's board, POWER's platform) is no CPU."""
    return [block for block in _blocks(text) if block.get("processor", "").isdecimal()]


def _sockets_and_cores(cpus: Sequence[Fields]) -> tuple[int | None, int | None]:
    """Sockets by their number. Cores by the count that each socket states, since core numbers repeat on its dies."""
    stated = {cpu["physical id"]: _integer(cpu.get("cpu cores", "")) for cpu in cpus if "physical id" in cpu}
    if not stated:
        return None, None
    counts = [count for count in stated.values() if count]
    if len(counts) < len(stated):
        return len(stated), None
    return len(stated), min(sum(counts), len(cpus))


def _model(fields: Fields) -> str:
    arm = _arm_model(fields)
    named = next((fields[key] for key in _MODEL_FIELDS if fields.get(key)), "")
    return " ".join((arm if arm and not named else named).split())


def _arm_model(fields: Fields) -> str:
    implementer, part = _hexadecimal(fields.get("CPU implementer")), _hexadecimal(fields.get("CPU part"))
    if implementer is None or part is None:
        return ""
    maker = _ARM_IMPLEMENTERS.get(implementer, f"implementer {implementer:#x}")
    return f"{maker} {_ARM_CORES.get((implementer, part), f'part {part:#x}')}"


def _vendor(fields: Fields) -> str:
    vendor = fields.get("vendor_id", "")
    implementer = _hexadecimal(fields.get("CPU implementer"))
    if implementer is not None:
        return _ARM_IMPLEMENTERS.get(implementer, "")
    return _VENDOR_NAMES.get(vendor, vendor)


def _range_length(part: str) -> int:
    first, _, last = part.partition("-")
    return int(last or first) - int(first) + 1


def _hexadecimal(text: str | None) -> int | None:
    try:
        return int(text or "", 16)
    except ValueError:
        return None


def _integer(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _megahertz(hertz: int | None) -> float | None:
    return hertz / 1e6 if hertz else None
