"""The canary of one sitting: taken around blocks, compared within the sitting."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from engines import host, machine
from engines.contract import Network, Setup
from engines.networks import ARCHITECTURES
from engines.protocol import Job
from engines.run_record import RunRecord

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Rate:
    """GFLOP/s of the matrix product: the median of its repetitions, and the best, the machine's peak."""

    gflops: float | None = None
    peak_gflops: float | None = None


def measure(threads: int) -> Rate:
    """In a worker, held to as many CPUs; an empty rate where the canary cannot run."""
    cpus = machine.allowed_cpus()[:threads]
    job = Job("canary", Setup("", Network(next(iter(ARCHITECTURES)), 1, 1), threads=threads), cpus=cpus)
    result = host.run(Path(sys.executable), job, timeout_seconds=_TIMEOUT_SECONDS).result
    return Rate(result.get("gflops"), result.get("peak_gflops"))


@dataclass
class Canaries:
    """Every rate taken so far, by thread count."""

    taken: dict[int, list[Rate]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[RunRecord]) -> Canaries:
        """Those that a sitting took before it was called again, as its records have them."""
        found, seen = cls(), set()
        for record in records:
            threads, state = record.cell.threads, record.conditions
            for when, gflops in (("before", state.canary_gflops), ("after", state.canary_after_gflops)):
                place = when, record.cell.workload, threads, record.placement.block
                if gflops and place not in seen:
                    seen.add(place)
                    found.taken.setdefault(threads, []).append(Rate(gflops, state.peak_gflops))
        return found

    def take(self, threads: int) -> Rate:
        """One more, now."""
        rate = measure(threads)
        self.taken.setdefault(threads, []).append(rate)
        return rate

    def once(self, threads: int) -> Rate:
        """The sitting's first one, measured if there is none yet."""
        return self.taken[threads][0] if threads in self.taken else self.take(threads)

    def median(self, threads: int) -> float | None:
        rates = [rate.gflops for rate in self.taken.get(threads, []) if rate.gflops]
        return median(rates) if rates else None

    def peak(self, threads: int) -> float | None:
        """The best seen: a ceiling does not sink because a neighbour was busy."""
        return max((rate.peak_gflops for rate in self.taken.get(threads, []) if rate.peak_gflops), default=None)
