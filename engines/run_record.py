"""The run record: the one document of spool, API and database. The worker's results are put into these dataclasses.

The site validates uploads against the very same annotations. Units stand in the names.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from engines.contract import Bytes, Cell, Count, Digest, Document, Facts, LongText, Name, Seconds, Text, Timestamp

SCHEMA_VERSION = 2
"""2 adds network options, momentum, and the task. Each has a default that says what version 1 meant, see `identity`."""

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

    @property
    def steady_epochs(self) -> tuple[Epoch, ...]:
        return self.epochs[self.warmup_epochs :]


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
    """One process that trained one cell, or the reason why it could not. The document of spool, API and database."""

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
