"""What machines of several kinds answer, shortened to what is read and what could be mistaken for it."""

from __future__ import annotations


def _x86(cpu: int, *, package: int, core: int, siblings: int, cores: int, head: str, flags: str) -> str:
    return f"""processor\t: {cpu}
{head}
physical id\t: {package}
siblings\t: {siblings}
core id\t\t: {core}
cpu cores\t: {cores}
apicid\t\t: {cpu}
fpu\t\t: yes
flags\t\t: {flags}
bogomips\t: 4890.81
cache_alignment\t: 64
power management:
"""


_EPYC_HEAD = """vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC
stepping\t: 1
microcode\t: 0x1000065
cpu MHz\t\t: 2445.406
cache size\t: 512 KB"""
_EPYC_FLAGS = "fpu vme sse sse2 ht syscall constant_tsc fma sse4_1 sse4_2 avx f16c hypervisor bmi1 avx2 smep vaes"

EPYC_VIRTUAL = "\n".join(
    _x86(cpu, package=0, core=cpu, siblings=2, cores=2, head=_EPYC_HEAD, flags=_EPYC_FLAGS) for cpu in range(2)
)

_XEON_HEAD = """vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 85
model name\t: Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz
stepping\t: 4
microcode\t: 0x2007006
cpu MHz\t\t: 1000.123
cache size\t: 28160 KB"""
_XEON_FLAGS = "fpu sse2 ht sse4_2 avx fma avx2 avx512f avx512dq avx512cd avx512bw avx512vl"

XEON_TWO_SOCKETS = "\n".join(
    _x86(cpu, package=cpu // 20 % 2, core=cpu % 20, siblings=40, cores=20, head=_XEON_HEAD, flags=_XEON_FLAGS)
    for cpu in range(80)
)

_OPTERON_HEAD = """vendor_id\t: AuthenticAMD
cpu family\t: 16
model\t\t: 9
model name\t: AMD Opteron(tm) Processor 6168
stepping\t: 1
microcode\t: 0x10000d9
cpu MHz\t\t: 800.000
cache size\t: 512 KB"""

OPTERON_FOUR_SOCKETS = "\n".join(
    # Two dies of six cores in a package, and each die counts its cores from 0.
    _x86(
        cpu, package=cpu // 12, core=cpu % 6, siblings=12, cores=12, head=_OPTERON_HEAD, flags="fpu sse2 ht 3dnow sse4a"
    )
    for cpu in range(48)
)


def arm(cpus: int, implementer: str, part: str) -> str:
    return "\n".join(
        f"""processor\t: {cpu}
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: {implementer}
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: {part}
CPU revision\t: 1
"""
        for cpu in range(cpus)
    )


GRAVITON_2 = arm(4, "0x41", "0xd0c")
RASPBERRY_PI = arm(4, "0x41", "0xd08") + "\nRevision\t: d03114\nSerial\t\t: 10000000abcdef\nModel\t\t: Raspberry Pi 4\n"

APPLE_M1_PRO = """machdep.cpu.cores_per_package: 10
machdep.cpu.core_count: 10
machdep.cpu.logical_per_package: 10
machdep.cpu.thread_count: 10
machdep.cpu.brand_string: Apple M1 Pro
hw.ncpu: 10
hw.byteorder: 1234
hw.memsize: 34359738368
hw.activecpu: 10
hw.perflevel0.physicalcpu: 8
hw.perflevel1.physicalcpu: 2
hw.physicalcpu: 10
hw.physicalcpu_max: 10
hw.logicalcpu: 10
hw.logicalcpu_max: 10
hw.cputype: 16777228
hw.l1icachesize: 131072
hw.l1dcachesize: 65536
hw.l2cachesize: 4194304
hw.packages: 1
hw.model: MacBookPro18,3
kern.hv_vmm_present: 0
"""

INTEL_MAC = """machdep.cpu.vendor: GenuineIntel
machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz
machdep.cpu.microcode_version: 244
hw.memsize: 17179869184
hw.physicalcpu: 6
hw.logicalcpu: 12
hw.packages: 1
hw.cpufrequency: 2600000000
"""

ONE_GPU = "NVIDIA H100 80GB HBM3, 81559, 550.54.15, 700.00\n"
FOUR_GPUS = """Tesla K80, 11441, 470.82.01, 149.00
Tesla K80, 11441, 470.82.01, 149.00
NVIDIA GeForce RTX 3090, 24576, 470.82.01, [N/A]
NVIDIA GeForce RTX 3090, 24576, 470.82.01, [Not Supported]
"""
NVIDIA_SMI = """+---------------------------------------------------------------------------------------+
| NVIDIA-SMI 535.104.05             Driver Version: 535.104.05   CUDA Version: 12.2     |
|-----------------------------------------+----------------------+----------------------+
"""
NVIDIA_SMI_FAILED = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n"
GPU_STATES = """1980, 2619, 34, 71.35, 0x0000000000000001
1410, 2619, 88, 699.80, 0x0000000000000024
[N/A], [N/A], 41, [N/A], [N/A]
"""
GPU_INFORMATION = """Model: \t\t NVIDIA H100 80GB HBM3
IRQ:   \t\t 43
GPU UUID: \t GPU-00000000-0000-0000-0000-000000000000
Bus Type: \t PCIe
"""

PROC_STAT = "cpu  1000 10 500 96964 642 5 15 40 7 0\ncpu0 500 5 250 47049 540 2 8 20 3 0\nintr 12345\n"
PRESSURE = """some avg10=2.13 avg60=0.80 avg300=1.76 total=18150170
full avg10=0.00 avg60=0.00 avg300=0.00 total=17
"""
