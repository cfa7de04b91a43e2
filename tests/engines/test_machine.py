"""What is known of a machine: parsed from the text of several kinds of machine, told apart, and described."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import contract, machine
from engines.gpus.nvidia import Gpu
from engines.machine import detection
from engines.machine.hardware import Cache, Frequencies, Hardware, cpu_ranges, installed_bytes
from engines.machine.processor import Processor, count_cpus, parse_cpuinfo, parse_meminfo, parse_sysctl
from tests.engines import machine_samples as samples

GIB = 2**30
XEON = Hardware(
    cpu="Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz",
    sockets=2,
    cores=40,
    threads=80,
    memory_bytes=188 * GIB,
    gpus=(Gpu("Tesla V100", 16 * GIB, "550.54", 300.0), Gpu("Tesla V100", 16 * GIB, "550.54", 300.0)),
    cuda="12.4",
    caches=(Cache(1, "Data", 32 * 1024, 2), Cache(3, "Unified", 28160 * 1024, 40)),
    frequencies=Frequencies(1000, 2400, 3700),
    kernel="Linux 6.1.0",
    cpus_allowed=(0, 1, 2, 5),
)


# ---------------------------------------------------------------- the processor


@pytest.mark.parametrize(
    ("text", "model", "vendor", "counts"),
    [
        (samples.EPYC_VIRTUAL, "AMD EPYC", "AMD", (1, 2, 2)),
        (samples.XEON_TWO_SOCKETS, "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", "Intel", (2, 40, 80)),
        (samples.OPTERON_FOUR_SOCKETS, "AMD Opteron(tm) Processor 6168", "AMD", (4, 48, 48)),
        (samples.GRAVITON_2, "ARM Neoverse-N1", "ARM", (None, None, 4)),
        (samples.RASPBERRY_PI, "ARM Cortex-A72", "ARM", (None, None, 4)),
        (samples.arm(2, "0xc0", "0xac3"), "Ampere Ampere-1", "Ampere", (None, None, 2)),
        (samples.arm(1, "0x99", "0x123"), "implementer 0x99 part 0x123", "", (None, None, 1)),
    ],
)
def test_a_processor_is_read_from_cpuinfo(
    text: str, model: str, vendor: str, counts: tuple[int | None, int | None, int]
) -> None:
    processor = parse_cpuinfo(text)
    assert (processor.model, processor.vendor) == (model, vendor)
    assert (processor.sockets, processor.cores, processor.threads) == counts


def test_only_a_virtual_machine_shows_a_hypervisor() -> None:
    assert parse_cpuinfo(samples.EPYC_VIRTUAL).hypervisor
    assert not parse_cpuinfo(samples.XEON_TWO_SOCKETS).hypervisor


def test_microcode_frequency_and_vector_instructions_are_read() -> None:
    processor = parse_cpuinfo(samples.EPYC_VIRTUAL)
    assert processor.microcode == "0x1000065"
    assert processor.megahertz == 2445.406
    assert processor.vector_instructions == ("avx", "avx2", "fma", "sse2", "sse4_2")
    assert "avx512f" in parse_cpuinfo(samples.XEON_TWO_SOCKETS).vector_instructions
    assert parse_cpuinfo(samples.GRAVITON_2).vector_instructions == ("asimd",)


def test_an_apple_processor_is_read_from_sysctl() -> None:
    processor = parse_sysctl(samples.APPLE_M1_PRO)
    assert (processor.model, processor.vendor) == ("Apple M1 Pro", "Apple")
    assert (processor.sockets, processor.cores, processor.threads) == (1, 10, 10)
    assert processor.memory_bytes == 32 * GIB
    assert not processor.hypervisor


def test_an_intel_mac_has_a_frequency_and_hyper_threads() -> None:
    processor = parse_sysctl(samples.INTEL_MAC)
    assert (processor.vendor, processor.cores, processor.threads) == ("Intel", 6, 12)
    assert processor.megahertz == 2600.0
    assert processor.microcode == "244"


@given(st.text())
def test_any_text_gives_a_processor_or_nothing(text: str) -> None:
    assert isinstance(parse_cpuinfo(text), Processor)
    assert isinstance(parse_sysctl(text), Processor)


def test_memory_is_read_in_bytes() -> None:
    assert parse_meminfo("MemTotal:       24683656 kB\nMemFree: 1 kB\n") == 24683656 * 1024
    assert parse_meminfo("") is None


@given(st.frozensets(st.integers(0, 300)))
def test_cpu_ranges_count_what_they_name(cpus: frozenset[int]) -> None:
    assert (count_cpus(cpu_ranges(cpus)) or 0) == len(cpus)


def test_cpu_ranges_are_written_as_the_kernel_does() -> None:
    assert cpu_ranges([8, 0, 1, 2, 3]) == "0-3,8"
    assert count_cpus("garbage") is None


# ---------------------------------------------------------------- the fingerprint and the record


def changed(**fields: object) -> Hardware:
    return replace(XEON, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        changed(kernel="Linux 7.0.0", system="Another Linux", microcode="0x99"),
        changed(cpus_allowed=(0,), cpu_quota=2.0, memory_limit_bytes=GIB, container="docker"),
        changed(memory_bytes=188 * GIB - 300 * 2**20),
        changed(frequencies=Frequencies(nominal=1234.5), caches=(), product="told now", withheld=("caches",)),
        changed(cuda="13.0", gpus=tuple(replace(gpu, driver="600.1", power_limit_watts=250.0) for gpu in XEON.gpus)),
    ],
    ids=["kernel", "affinity", "memory jitter", "what is told", "driver"],
)
def test_the_fingerprint_stays_when_no_part_changed(other: Hardware) -> None:
    assert machine.fingerprint(other) == machine.fingerprint(XEON)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (changed(cpu="AMD EPYC"), "CPU: Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz, now AMD EPYC"),
        (changed(sockets=1), "sockets: 2, now 1"),
        (changed(cores=20), "cores: 40, now 20"),
        (changed(threads=40), "threads: 80, now 40"),
        (changed(memory_bytes=94 * GIB), "memory: 192 GiB, now 96 GiB"),
        (changed(gpus=XEON.gpus[:1]), "GPUs: 2 x Tesla V100, now Tesla V100"),
        (changed(gpus=()), "GPUs: 2 x Tesla V100, now none"),
    ],
    ids=["cpu", "sockets", "cores", "threads", "memory", "gpus", "no gpu"],
)
def test_another_part_gives_another_fingerprint_and_is_named(other: Hardware, difference: str) -> None:
    assert machine.fingerprint(other) != machine.fingerprint(XEON)
    assert machine.differences(machine.as_contract(XEON, "a"), machine.as_contract(other, "a")) == [difference]


def test_gpus_in_another_order_are_the_same_gpus() -> None:
    mixed = changed(gpus=(Gpu("A"), Gpu("B")))
    assert machine.fingerprint(mixed) == machine.fingerprint(changed(gpus=(Gpu("B"), Gpu("A"))))


hardware = st.builds(
    Hardware,
    cpu=st.sampled_from(["AMD EPYC", "Apple M1"]),
    sockets=st.integers(1, 2),
    cores=st.integers(1, 3),
    threads=st.integers(1, 3),
    memory_bytes=st.sampled_from([15 * GIB, 15 * GIB + 2**29, 31 * GIB]),
    gpus=st.sampled_from([(), (Gpu("A"),), (Gpu("A", driver="1"),), (Gpu("A"), Gpu("B"))]),
    kernel=st.sampled_from(["", "Linux 6"]),
)


@given(hardware, hardware)
def test_differences_are_told_exactly_if_fingerprints_differ(one: Hardware, other: Hardware) -> None:
    told = machine.differences(machine.as_contract(one, "a"), machine.as_contract(other, "b"))
    assert bool(told) == (machine.fingerprint(one) != machine.fingerprint(other))


@pytest.mark.parametrize(
    ("usable_gib", "installed_gib"),
    [(7.6, 8), (15.4, 16), (15.6, 16), (16, 16), (23.54, 24), (31.1, 32), (62.7, 64), (188.4, 192), (503.5, 512)],
)
def test_usable_memory_is_taken_for_the_size_that_was_bought(usable_gib: float, installed_gib: int) -> None:
    assert installed_bytes(int(usable_gib * GIB)) == installed_gib * GIB


@given(st.integers(0, 2**50))
def test_installed_memory_holds_the_usable_and_little_more(usable: int) -> None:
    assert usable <= installed_bytes(usable) <= usable + max(usable // 8, 1)


def test_the_contract_holds_facts_as_text_with_units() -> None:
    record = machine.as_contract(XEON, "lab")
    assert record.name == "lab"
    assert record.gpus == ("Tesla V100", "Tesla V100")
    assert record.facts["L1d cache"] == "32 KiB, shared by 2 threads"
    assert record.facts["L3 cache"] == "27.5 MiB, shared by 40 threads"
    assert record.facts["CPU frequency"] == "lowest 1000 MHz, base 2400 MHz, highest 3700 MHz"
    assert record.facts["GPU 1 power limit"] == "300 W"
    assert record.facts["NVIDIA driver"] == "550.54"
    assert record.facts["CPUs allowed"] == "0-2,5"


def test_facts_that_are_not_known_are_left_out() -> None:
    bare = Hardware(cpu="x", sockets=1, cores=1, threads=1, memory_bytes=0)
    assert machine.as_contract(bare, "m").facts == {}


def test_the_description_names_the_parts_and_what_was_withheld() -> None:
    lines = machine.describe(changed(withheld=("microcode", "product name")))
    assert "GPUs: 2 x Tesla V100" in lines
    assert lines[-1] == "withheld: microcode, product name"


# ---------------------------------------------------------------- this machine


def test_what_is_not_told_is_replaced_by_the_plainest_reading() -> None:
    found = detection.assemble(Processor(), memory_bytes=None, fallback_threads=6)
    assert (found.cpu, found.sockets, found.cores, found.threads) == ("unknown CPU", 1, 6, 6)
    withheld = detection.withheld_facts(found, card_present=True)
    assert {"CPU model", "memory", "caches", "product name"} <= set(withheld)
    assert any("NVIDIA" in name for name in withheld)


def test_an_arm_machine_has_no_microcode_to_withhold() -> None:
    assert "microcode" not in detection.withheld_facts(changed(architecture="aarch64"), card_present=False)
    assert "microcode" in detection.withheld_facts(changed(architecture="x86_64"), card_present=False)


def test_this_machine_is_detected_and_fits_the_contract() -> None:
    found = machine.detect()
    assert found.threads >= found.cores >= found.sockets >= 1
    assert set(found.cpus_allowed) == set(machine.allowed_cpus())
    record = machine.as_contract(found, "this")
    assert record.fingerprint == machine.fingerprint(found)
    assert json.loads(contract.as_json(record)) == json.loads(json.dumps(asdict(record)))


def test_the_record_holds_no_home_folder_and_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USER", "LOGNAME", "HOSTNAME", "APPTAINER_NAME"):
        monkeypatch.setenv(variable, "/home/secret-name")
    assert "secret-name" not in contract.as_json(machine.as_contract(machine.detect(), "this"))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this OS knows no affinity")
def test_a_narrowed_process_reports_its_own_cpus() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.allowed_cpus() == (min(before),)
    finally:
        os.sched_setaffinity(0, before)
