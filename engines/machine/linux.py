"""Reads a Linux machine from /proc and /sys. Each function takes the root folder, so that tests can make one up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engines.machine.hardware import Cache, Frequencies
from engines.machine.processor import Processor, count_cpus, count_topology, parse_cpuinfo, parse_meminfo
from engines.machine.system_files import first_told, matching, read, read_integer

ROOT = Path("/")
_CPUS = "sys/devices/system/cpu"
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
_NVIDIA_PCI_VENDOR = "0x10de"
_DISPLAY_CLASS = "0x03"
# Control groups write "no limit" as a huge number in version 1.
_NO_LIMIT = 2**60
# What hypervisors put into the product name, and what cloud machines have there.
_HYPERVISORS = {
    "QEMU": "QEMU",
    "KVM": "KVM",
    "VMware": "VMware",
    "VirtualBox": "VirtualBox",
    "Microsoft Corporation Virtual Machine": "Hyper-V",
    "Xen": "Xen",
    "Amazon EC2": "Amazon EC2",
    "Google Compute Engine": "Google Compute Engine",
    "Parallels": "Parallels",
    "OpenStack": "OpenStack",
}
_CONTAINER_FILES = {".dockerenv": "docker", "run/.containerenv": "podman"}
_CONTAINER_VARIABLES = {
    "APPTAINER_NAME": "apptainer",
    "SINGULARITY_NAME": "singularity",
    "KUBERNETES_PORT": "kubernetes",
}
_CONTAINER_GROUPS = re.compile(r"/(kubepods|docker|lxc|containerd|libpod)")


def read_processor(root: Path = ROOT) -> Processor:
    """From /proc/cpuinfo, with sockets and cores from sysfs where it has none (ARM)."""
    processor = parse_cpuinfo(read(root / "proc/cpuinfo") or "")
    if processor.sockets and processor.cores:
        return processor
    sockets, cores = count_topology(_read_places(root))
    return replace(processor, sockets=processor.sockets or sockets, cores=processor.cores or cores)


def read_memory_bytes(root: Path = ROOT) -> int | None:
    return parse_meminfo(read(root / "proc/meminfo") or "")


def read_caches(root: Path = ROOT) -> tuple[Cache, ...]:
    """CPU 0's caches; where cores differ, CPU 0 is one of the fast ones."""
    folders = matching(root / _CPUS / "cpu0/cache", "index*")
    return tuple(cache for folder in folders if (cache := _read_cache(folder)))


def read_frequencies(nominal: float | None, root: Path = ROOT) -> Frequencies:
    """The limits that the scaling driver knows. What a CPU runs at just now is left out: it changes."""
    folder = root / _CPUS / "cpu0/cpufreq"
    lowest, base, highest = (
        _megahertz(read_integer(folder / name)) for name in ("cpuinfo_min_freq", "base_frequency", "cpuinfo_max_freq")
    )
    return Frequencies(lowest, base, highest) if highest else Frequencies(nominal=nominal)


def read_numa_nodes(root: Path = ROOT) -> int | None:
    return count_cpus(read(root / "sys/devices/system/node/online") or "")


def read_product(root: Path = ROOT) -> str:
    """Maker and model, from DMI or (ARM boards) the device tree; serial numbers are another matter and stay unread."""
    folder = root / "sys/class/dmi/id"
    told = [text for name in ("sys_vendor", "product_name") if (text := read(folder / name))]
    return " ".join(told) or read(root / "proc/device-tree/model") or ""


def read_system(root: Path = ROOT) -> str:
    text = first_told([root / "etc/os-release", root / "usr/lib/os-release"]) or ""
    found = re.search(r"^PRETTY_NAME=[\"']?(.*?)[\"']?$", text, re.MULTILINE)
    return found[1] if found else "Linux"


def read_cpu_quota(root: Path = ROOT) -> float | None:
    """How many CPUs' worth of time the control group grants; None without a limit."""
    group = _group(root)
    version_2 = first_told([root / "sys/fs/cgroup" / group / "cpu.max", root / "sys/fs/cgroup/cpu.max"])
    if version_2 is not None:
        return _quota(*version_2.split()[:2])
    folder = root / "sys/fs/cgroup/cpu"
    return _quota(read(folder / "cpu.cfs_quota_us") or "", read(folder / "cpu.cfs_period_us") or "")


def read_memory_limit(root: Path = ROOT) -> int | None:
    groups = root / "sys/fs/cgroup"
    files = (groups / _group(root) / "memory.max", groups / "memory.max", groups / "memory/memory.limit_in_bytes")
    text = first_told(files) or ""
    return int(text) if text.isdecimal() and int(text) < _NO_LIMIT else None


def find_container(environment: Mapping[str, str], root: Path = ROOT) -> str:
    """The kind of container, empty outside one."""
    by_file = next((kind for name, kind in _CONTAINER_FILES.items() if (root / name).exists()), "")
    by_variable = next((kind for name, kind in _CONTAINER_VARIABLES.items() if name in environment), "")
    by_group = _CONTAINER_GROUPS.search(read(root / "proc/1/cgroup") or "")
    return by_file or by_variable or (by_group[1] if by_group else "") or (read(root / "run/systemd/container") or "")


def find_virtualization(hypervisor_flag: bool, product: str, kernel: str, root: Path = ROOT) -> str:
    """The hypervisor, as far as it gives itself away; empty on bare metal."""
    if "microsoft" in kernel.lower():
        return "WSL"
    named = next((name for mark, name in _HYPERVISORS.items() if mark in product), "")
    if product.endswith("metal") or not (hypervisor_flag or named):
        return ""
    xen = "Xen" if read(root / "sys/hypervisor/type") == "xen" else ""
    return named or xen or "yes (hypervisor not told)"


def has_nvidia_card(root: Path = ROOT) -> bool:
    """Whether an NVIDIA display device is on the PCI bus, driver or not."""
    return any(
        read(device / "vendor") == _NVIDIA_PCI_VENDOR and (read(device / "class") or "").startswith(_DISPLAY_CLASS)
        for device in matching(root / "sys/bus/pci/devices", "*")
    )


def _read_places(root: Path) -> list[tuple[str, str]]:
    """Each CPU's (package, core); a package of -1 means that the firmware did not say."""
    folders = matching(root / _CPUS, "cpu[0-9]*/topology")
    places = ((read(folder / "physical_package_id"), read(folder / "core_id")) for folder in folders)
    return [(package, core) for package, core in places if package is not None and core is not None]


def _read_cache(folder: Path) -> Cache | None:
    level, size = read_integer(folder / "level"), _size(read(folder / "size") or "")
    if level is None or size is None:
        return None
    return Cache(level, read(folder / "type") or "", size, count_cpus(read(folder / "shared_cpu_list") or ""))


def _size(text: str) -> int | None:
    found = re.fullmatch(r"(\d+)([KMG]?)", text)
    return int(found[1]) * _UNITS.get(found[2], 1) if found else None


def _megahertz(kilohertz: int | None) -> float | None:
    return kilohertz / 1000 if kilohertz else None


def _group(root: Path) -> str:
    """This process's control group, relative to the hierarchy of version 2."""
    found = re.search(r"^0::/(.*)$", read(root / "proc/self/cgroup") or "", re.MULTILINE)
    return found[1] if found else ""


def _quota(granted: str = "", period: str = "") -> float | None:
    if not granted.isdecimal() or not period.isdecimal() or int(period) == 0:
        return None
    return int(granted) / int(period)
