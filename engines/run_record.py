"""The run record: the one document of spool, API and database. The worker's results are put into these dataclasses.

The site validates uploads against the very same annotations. Units stand in the names.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

from engines.contract import (
    SINCE_2,
    Bytes,
    Cell,
    Count,
    Digest,
    Document,
    Facts,
    LongText,
    Name,
    Seconds,
    Text,
    Timestamp,
)

SCHEMA_VERSION = 2
"""2 adds network options, momentum, the task, and what inference gave. Their defaults say what version 1 meant."""

Status = Literal["finished", "unsupported", "out_of_memory", "timed_out", "crashed", "diverged"]
Equivalence = Literal["passed", "failed", "unverified"]
StopReason = Literal["precise", "block limit", "out of budget"]


# ---------------------------------------------------------------- what a run gave


@dataclass(frozen=True)
class Epoch(Document):
    """One epoch; `loss` is the mean over its steps, absent where it is not a finite number."""

    wall_seconds: Seconds
    cpu_seconds: Seconds
    loss: Annotated[float, Ge(-1e30), Le(1e30)] | None = None


@dataclass(frozen=True)
class Phases(Document):
    """Time outside the epochs. What was not reached is 0; `process_seconds` is the whole worker, seen from its host."""

    import_seconds: Seconds = 0.0
    data_seconds: Seconds = 0.0
    build_seconds: Seconds = 0.0
    compile_seconds: Seconds = 0.0
    evaluation_seconds: Seconds = 0.0
    process_seconds: Seconds = 0.0
    process_cpu_seconds: Seconds = 0.0


@dataclass(frozen=True)
class Energy(Document):
    """What the hardware's own counters say was used during the steady epochs, by all that was running.

    From the end of the last warm-up epoch to the end of the last one, what lies between epochs included.
    """

    joules: Annotated[float, Ge(0), Le(1e15)]
    seconds: Annotated[float, Gt(0), Le(1e9)]
    source: Text
    """Which counters: package-0, dram, GPU 0."""
    idle_watts: Annotated[float, Ge(0), Le(1e6)] | None = None
    """What the same counters said before the sitting's first run, while nothing was measured."""

    @property
    def watts(self) -> float | None:
        """What training took beyond the idle machine; None where that is not known. May be below 0 by noise."""
        return None if self.idle_watts is None else self.joules / self.seconds - self.idle_watts


@dataclass(frozen=True)
class Training(Document):
    """What one process measured. The first `warmup_epochs` of `epochs` are not steady; epoch 0 is the first epoch."""

    epochs: Annotated[tuple[Epoch, ...], MinLen(1), MaxLen(10_000)]
    warmup_epochs: Annotated[int, Ge(0), Le(10_000)]
    parameters: Count
    flops_per_epoch: Count
    steps_per_epoch: Count
    threads_observed: Annotated[float, Ge(0), Le(4096)]
    peak_rss_bytes: Bytes
    peak_device_bytes: Bytes | None = None
    test_loss: Annotated[float, Ge(-1e30), Le(1e30)] | None = None
    test_accuracy: Annotated[float, Ge(0), Le(1)] | None = None
    drift: Annotated[float, Ge(-1e9), Le(1e9)] | None = None
    """Last quarter of the steady epochs over the first, minus 1; absent with fewer than four steady epochs."""
    order_from: Literal["harness", "framework"] = "harness"
    """Who shuffled: Keras' `fit` draws its permutation itself, inside the epoch."""
    settings: Facts = dataclasses.field(default_factory=dict)
    """What the engine's track sets, in the framework's own words."""
    energy: Energy | None = dataclasses.field(default=None, metadata=SINCE_2)

    @property
    def steady_epochs(self) -> tuple[Epoch, ...]:
        return self.epochs[self.warmup_epochs :]


QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
"""Of the calls' times, those that a record keeps: 0.5 is the median call, 0.99 the tail."""


@dataclass(frozen=True)
class Inference(Document):
    """What one process measured of calls, each timed alone: a batch in the host's memory to scores in it."""

    calls: Annotated[int, Ge(1), Le(10**9)]
    """All that were timed; `warmup_calls` came before."""
    warmup_calls: Annotated[int, Ge(0), Le(10**9)]
    seconds: Annotated[float, Gt(0), Le(1e9)]
    """Of all timed calls together."""
    quantiles: Annotated[tuple[Seconds, ...], MinLen(len(QUANTILES)), MaxLen(len(QUANTILES))]
    """Of the calls' seconds, as QUANTILES names them, interpolated linearly."""
    parameters: Count
    flops_per_call: Count
    threads_observed: Annotated[float, Ge(0), Le(4096)]
    peak_rss_bytes: Bytes
    peak_device_bytes: Bytes | None = None
    drift: Annotated[float, Ge(-1e9), Le(1e9)] | None = None
    """The median of the last quarter of the calls over that of the first, minus 1; absent with fewer than four."""
    settings: Facts = dataclasses.field(default_factory=dict)

    @property
    def median_seconds(self) -> float:
        return self.quantiles[QUANTILES.index(0.5)]

    @property
    def tail_seconds(self) -> float:
        """The 99th percentile."""
        return self.quantiles[QUANTILES.index(0.99)]

    @property
    def mean_seconds(self) -> float:
        return self.seconds / self.calls


# ---------------------------------------------------------------- where and how it ran


@dataclass(frozen=True)
class Machine(Document):
    """A machine as its user names it, with what was detected of it (no host name, no user name)."""

    name: Name
    fingerprint: Digest
    cpu: Text
    sockets: Annotated[int, Ge(1), Le(1024)]
    cores: Annotated[int, Ge(1), Le(65536)]
    threads: Annotated[int, Ge(1), Le(65536)]
    memory_bytes: Bytes
    gpus: Annotated[tuple[Text, ...], MaxLen(64)] = ()
    system: Text = ""
    facts: Facts = dataclasses.field(default_factory=dict)
    """Everything else the OS gave: caches, frequencies, microcode, kernel, container, driver…"""


@dataclass(frozen=True)
class Environment(Document):
    """The exact software. `sha256` identifies it: Python, every package's version, and the facts below."""

    name: Name
    sha256: Digest
    origin: Literal["locked", "chosen", "missing"]
    """`locked`: made from our lock file; `chosen`: an interpreter that the user named; `missing`: not installed."""
    python: Text = ""
    packages: Facts = dataclasses.field(default_factory=dict)
    facts: Facts = dataclasses.field(default_factory=dict)
    """BLAS, compiler, CUDA, cuDNN, driver, flags, where the framework tells."""


@dataclass(frozen=True)
class Code(Document):
    """The harness that measured: its version, its commit, and the hash of the engine's own files."""

    version: Text
    commit: Text
    dirty: bool
    engine_sha256: Digest


@dataclass(frozen=True)
class Placement(Document):
    """Where a run stands in its experiment: block, place in the block's shuffled order, and the seeds."""

    experiment: Name
    suite: Name
    preset: Name
    block: Annotated[int, Ge(0), Le(100_000)]
    position: Annotated[int, Ge(0), Le(1_000_000)]
    seed: Annotated[int, Ge(0), Le(2**53)]
    """Draws the initial weights and the order of the samples; the same for every cell of a block."""
    session: Annotated[str, MaxLen(36)] = ""
    """One sitting of `runbench`: what the canaries of its blocks are compared within."""
    stop_reason: StopReason | None = None
    """Why this was its group's last block, where the number of blocks was not fixed beforehand."""


@dataclass(frozen=True)
class Conditions(Document):
    """The machine's state around a run or its block; readings that the OS withholds are left out."""

    readings: Facts = dataclasses.field(default_factory=dict)
    canary_gflops: Annotated[float, Ge(0), Le(1e9)] | None = None
    """The canary's rate before the run's block (before the session, in quick suites), with this run's threads."""
    canary_after_gflops: Annotated[float, Ge(0), Le(1e9)] | None = None
    """The same after the block."""
    peak_gflops: Annotated[float, Ge(0), Le(1e9)] | None = None
    """The session's measured matrix-product peak with this run's threads: the ceiling that a result is held against."""
    unstable: Annotated[tuple[Text, ...], MaxLen(20)] = ()
    """Why this run's block is marked unstable; empty if it is not."""


@dataclass(frozen=True)
class RunRecord(Document):
    """One process that measured one cell, or the reason why it could not. The document of spool, API and database.

    A finished run has the part of its task, `training` or `inference`, and no other.
    """

    run_id: Annotated[str, MinLen(36), MaxLen(36)]
    status: Status
    started_at: Timestamp
    finished_at: Timestamp
    cell: Cell
    placement: Placement
    machine: Machine
    environment: Environment
    code: Code
    cell_key: Digest
    command: LongText
    reason: LongText = ""
    phases: Phases = Phases()
    training: Training | None = None
    conditions: Conditions = Conditions()
    equivalence: Equivalence = "unverified"
    gate: Facts = dataclasses.field(default_factory=dict)
    """The equivalence gate's numbers for this engine's code and environment: network and check -> differences."""
    exit_code: Annotated[int, Ge(-1024), Le(1024)] | None = None
    stderr_tail: LongText = ""
    schema_version: Annotated[int, Ge(1), Le(SCHEMA_VERSION)] = SCHEMA_VERSION
    inference: Inference | None = dataclasses.field(default=None, metadata=SINCE_2)
