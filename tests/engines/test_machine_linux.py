"""Reading a Linux machine from made-up /proc and /sys folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.machine import linux
from engines.machine.hardware import Cache, Frequencies
from tests.engines import machine_samples as samples


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_an_arm_machine_takes_its_cores_from_sysfs(tmp_path: Path) -> None:
    topology = {
        f"sys/devices/system/cpu/cpu{cpu}/topology/{name}": f"{value}\n"
        for cpu in range(4)
        for name, value in (("physical_package_id", cpu // 2), ("core_id", cpu % 2))
    }
    root = write(tmp_path, {"proc/cpuinfo": samples.GRAVITON_2, **topology})
    processor = linux.read_processor(root)
    assert (processor.sockets, processor.cores, processor.threads) == (2, 4, 4)


def test_caches_and_frequencies_are_read_from_sysfs(tmp_path: Path) -> None:
    folder = "sys/devices/system/cpu/cpu0"
    cache = {"level": "3\n", "type": "Unified\n", "size": "32768K\n", "shared_cpu_list": "0-5,48-53\n"}
    limits = {"cpuinfo_min_freq": "1500000\n", "cpuinfo_max_freq": "3700000\n"}
    files = {f"{folder}/cache/index3/{name}": text for name, text in cache.items()}
    files |= {f"{folder}/cpufreq/{name}": text for name, text in limits.items()}
    root = write(tmp_path, files)
    assert linux.read_caches(root) == (Cache(3, "Unified", 32 * 2**20, 12),)
    assert linux.read_frequencies(2445.4, root) == Frequencies(lowest=1500.0, highest=3700.0)


def test_without_scaling_the_frequency_is_the_nominal_one(tmp_path: Path) -> None:
    assert linux.read_frequencies(2445.4, tmp_path) == Frequencies(nominal=2445.4)


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/jobs/7\n", "sys/fs/cgroup/jobs/7/cpu.max": "400000 100000\n"}, 4.0),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 2.0),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_a_containers_share_of_the_cpus_is_read(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    assert linux.read_cpu_quota(write(tmp_path, files)) == quota


def test_no_memory_limit_is_written_in_two_ways(tmp_path: Path) -> None:
    assert linux.read_memory_limit(write(tmp_path / "2", {"sys/fs/cgroup/memory.max": "max\n"})) is None
    unlimited = {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}
    assert linux.read_memory_limit(write(tmp_path / "1", unlimited)) is None
    assert linux.read_memory_limit(write(tmp_path / "3", {"sys/fs/cgroup/memory.max": "1073741824\n"})) == 2**30


def test_containers_are_known_by_their_traces(tmp_path: Path) -> None:
    assert linux.find_container({}, tmp_path) == ""
    assert linux.find_container({"APPTAINER_NAME": "x.sif"}, tmp_path) == "apptainer"
    assert linux.find_container({}, write(tmp_path / "d", {".dockerenv": ""})) == "docker"
    assert linux.find_container({}, write(tmp_path / "k", {"proc/1/cgroup": "0::/kubepods/pod1"})) == "kubepods"


@pytest.mark.parametrize(
    ("flag", "product", "kernel", "kind"),
    [
        (False, "Dell Inc. PowerEdge R740", "6.1.0", ""),
        (True, "", "6.1.0", "yes (hypervisor not told)"),
        (True, "QEMU Standard PC (Q35 + ICH9, 2009)", "6.1.0", "QEMU"),
        (False, "Amazon EC2 m6g.xlarge", "6.1.0", "Amazon EC2"),
        (False, "Amazon EC2 m6g.metal", "6.1.0", ""),
        (True, "", "5.15.167.4-microsoft-standard-WSL2", "WSL"),
    ],
)
def test_a_virtual_machine_gives_itself_away(tmp_path: Path, flag: bool, product: str, kernel: str, kind: str) -> None:
    assert linux.find_virtualization(flag, product, kernel, tmp_path) == kind


def test_the_system_is_named_as_its_maker_does(tmp_path: Path) -> None:
    root = write(tmp_path, {"etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'})
    assert linux.read_system(root) == "Debian GNU/Linux 12 (bookworm)"


def test_an_nvidia_card_is_seen_on_the_bus_without_a_driver(tmp_path: Path) -> None:
    device = "sys/bus/pci/devices/0000:01:00.0"
    assert not linux.has_nvidia_card(write(tmp_path / "nic", {f"{device}/vendor": "0x10de", f"{device}/class": "0x02"}))
    root = write(tmp_path, {f"{device}/vendor": "0x10de\n", f"{device}/class": "0x030200\n"})
    assert linux.has_nvidia_card(root)


def test_an_empty_root_raises_nothing(tmp_path: Path) -> None:
    assert linux.read_processor(tmp_path).model == ""
    assert linux.read_memory_bytes(tmp_path) is None
    assert linux.read_caches(tmp_path) == ()
    assert linux.read_numa_nodes(tmp_path) is None
    assert linux.read_product(tmp_path) == ""
    assert linux.read_system(tmp_path) == "Linux"
