"""The canary: a matrix product whose rate is the machine's peak, and tells when the machine is not itself.

`measure` runs in a worker, whose threads and affinity were set before it imported NumPy. The host judges with
`instability_reasons`, which needs the standard library alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from engines.gpus.nvidia import GpuState
from engines.machine.conditions import Change, Readings, change
from engines.timing import now_ns

MAX_CANARY_DEVIATION = 0.03
MAX_STEAL_SHARE = 0.02
# Of all CPUs that the machine has: what an idle desktop or a monitoring agent takes stays under it.
MAX_SHARE_OF_OTHERS = 0.10
_WARMUP_PRODUCTS = 2
_SEED = 20_170_901


@dataclass(frozen=True)
class CanaryResult:
    """Rates of a float32 product of two square matrices: the median, and the best, which is the machine's peak."""

    gflops: float
    peak_gflops: float
    seconds: float
    threads: int
    size: int
    products: int


def size_for(threads: int) -> int:
    """Rows of the matrices: enough work for each thread to be bound by arithmetic, 200 MB at most."""
    if threads <= 8:
        return 1024
    return 2048 if threads <= 32 else 4096


def measure(seconds: float = 1.0, threads: int = 1, size: int | None = None) -> CanaryResult:
    """Multiply for this long. `threads` is what the process was given; it is recorded, not set."""
    import numpy as np

    rows = size or size_for(threads)
    left, right = np.random.default_rng(_SEED).random((2, rows, rows), dtype=np.float32)
    product = np.empty_like(left)
    durations = _repeat(lambda: np.matmul(left, right, out=product), seconds)
    flops = 2 * rows**3
    return CanaryResult(
        gflops=flops / median(durations),
        peak_gflops=flops / min(durations),
        seconds=sum(durations) / 1e9,
        threads=threads,
        size=rows,
        products=len(durations),
    )


def _repeat(work: Callable[[], object], seconds: float) -> list[int]:
    """Nanoseconds of each repetition, at least one, until they fill the time. A FLOP per ns is a GFLOP/s."""
    for _ in range(_WARMUP_PRODUCTS):
        work()
    durations: list[int] = []
    while not durations or sum(durations) < seconds * 1e9:
        start = now_ns()
        work()
        durations.append(max(now_ns() - start, 1))
    return durations


def instability_reasons(
    canaries: Sequence[float],
    session_median: float | None,
    *,
    before: Readings | None = None,
    after: Readings | None = None,
) -> tuple[str, ...]:
    """Why a block is unstable, as sentences for its readers; empty if it is not. Pure.

    `canaries` are the block's median rates in GFLOP/s, `session_median` that of all canaries of the session with
    as many threads. `before` and `after` are the readings around the block.
    """
    reasons = list(_canary_reasons(canaries, session_median))
    if before is not None and after is not None:
        between = change(before, after)
        reasons += _load_reasons(between, after.cpus) + _heat_reasons(between, after.gpus)
    return tuple(reasons)


def _canary_reasons(canaries: Sequence[float], session_median: float | None) -> list[str]:
    """One reason at most: the canary that strayed farthest."""
    if not canaries or not session_median:
        return []
    farthest = max((rate / session_median - 1 for rate in canaries), key=abs)
    if abs(farthest) <= MAX_CANARY_DEVIATION:
        return []
    direction = "slower" if farthest < 0 else "faster"
    return [f"The canary ran {100 * abs(farthest):.1f} % {direction} than the session's median."]


def _load_reasons(between: Change, cpus: int) -> list[str]:
    reasons = []
    if between.steal_share is not None and between.steal_share > MAX_STEAL_SHARE:
        reasons.append(f"The hypervisor took {100 * between.steal_share:.1f} % of the CPU time for other machines.")
    if between.others_cpus is not None and between.others_cpus > MAX_SHARE_OF_OTHERS * cpus:
        reasons.append(f"Other processes kept {between.others_cpus:.2f} of {cpus} CPUs busy.")
    return reasons


def _heat_reasons(between: Change, gpus: Sequence[GpuState]) -> list[str]:
    reasons = []
    if between.cpu_throttle_events:
        reasons.append(f"Heat slowed the CPU {between.cpu_throttle_events} times.")
    hot = [str(index) for index, gpu in enumerate(gpus) if gpu.throttled_by_heat]
    if hot:
        reasons.append(f"Heat slows GPU {', '.join(hot)}.")
    return reasons
