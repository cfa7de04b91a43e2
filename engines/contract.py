"""What the measuring half and the recording half say to each other: cells, run records, the Engine protocol.

The dataclasses are the one schema of a run record: the worker's results are put into them, the spool holds
their JSON, the site validates uploads against the very same annotations. Ranges are `annotated-types`
metadata, so that a bench machine needs no validation library. Units stand in the names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, runtime_checkable

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]
    Weights = list[Array]

SCHEMA_VERSION = 1

NetworkType = Literal["mlp", "cnn"]
Device = Literal["cpu", "gpu"]
Track = Literal["idiomatic", "tuned"]
Status = Literal["finished", "unsupported", "out_of_memory", "timed_out", "crashed", "diverged"]
DataSource = Literal["shipped", "downloaded", "imported", "synthetic"]
Equivalence = Literal["passed", "failed", "unverified"]
StopReason = Literal["precise", "block limit", "out of budget"]

Name = Annotated[str, MinLen(1), MaxLen(100)]
Text = Annotated[str, MaxLen(500)]
LongText = Annotated[str, MaxLen(8000)]
Digest = Annotated[str, MinLen(8), MaxLen(64)]
Timestamp = Annotated[str, MinLen(20), MaxLen(40)]
Seconds = Annotated[float, Ge(0), Le(1e9)]
Count = Annotated[int, Ge(0), Le(2**53)]
Bytes = Annotated[int, Ge(0), Le(2**53)]
Facts = Annotated[dict[Annotated[str, MaxLen(100)], Text], MaxLen(1000)]


class Document:
    """Base of what is read from outside: whoever validates it with pydantic refuses fields that it does not know."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


# ---------------------------------------------------------------- what is trained


@dataclass(frozen=True)
class Network(Document):
    """A network of the study. For a CNN, `hidden_layers` counts convolutions and `width` maps per colour."""

    type: NetworkType
    hidden_layers: Annotated[int, Ge(1), Le(256)]
    width: Annotated[int, Ge(1), Le(65536)]

    def __str__(self) -> str:
        return f"{self.type.upper()} {self.hidden_layers}x{self.width}"


@dataclass(frozen=True)
class DataSet(Document):
    """The data that a run trained on. `sha256` is that of the samples' source files, or of the recipe if synthetic."""

    name: Name
    source: DataSource
    sha256: Digest
    train_samples: Annotated[int, Ge(1), Le(10**9)]
    test_samples: Annotated[int, Ge(1), Le(10**9)]


@dataclass(frozen=True)
class Optimizer(Document):
    name: Name = "sgd"
    learning_rate: Annotated[float, Gt(0), Le(10)] = 1e-3


@dataclass(frozen=True)
class Workload(Document):
    network: Network
    dataset: DataSet
    batch_size: Annotated[int, Ge(1), Le(10**6)] = 100
    optimizer: Optimizer = Optimizer()


@dataclass(frozen=True)
class Cell(Document):
    """What is compared: a workload, the engine that trains it and what it may use."""

    workload: Workload
    engine: Name
    track: Track
    device: Device
    threads: Annotated[int, Ge(1), Le(4096)]


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


def as_json(value: Any) -> str:
    """The canonical JSON of a contract dataclass: sorted keys, no spaces, no NaN."""
    return json.dumps(dataclasses.asdict(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_hash(*parts: Any) -> str:
    """A 32-digit hash of contract dataclasses and plain JSON values: equal content, equal hash."""
    digest = hashlib.sha256()
    for part in parts:
        text = as_json(part) if dataclasses.is_dataclass(part) else json.dumps(part, sort_keys=True)
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:32]


# ---------------------------------------------------------------- what an engine is


@dataclass(frozen=True)
class SampleShape:
    """What a data set's samples are: one sample's shape, (features,) or (height, width, channels), and the classes."""

    shape: tuple[int, ...]
    classes: int


@dataclass(frozen=True)
class Setup:
    """All that an engine is told before it imports its framework."""

    engine: str
    network: Network
    batch_size: int = 100
    learning_rate: float = 1e-3
    track: Track = "idiomatic"
    device: Device = "cpu"
    device_index: int = 0
    threads: int = 1
    dtype: Literal["float32", "float64"] = "float32"
    sample: SampleShape | None = None
    """Of the data set that it trains on; the study's for this type of network if None."""


@dataclass(frozen=True)
class TrainingData:
    """Samples in C order. MLP inputs are (n, features), images (n, height, width, channels); labels are int64 (n,)."""

    train_inputs: Array
    train_labels: NDArray[np.int64]
    test_inputs: Array
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Evaluation:
    loss: float
    accuracy: float


class Engine(Protocol):
    """One framework training one network; each file of `frameworks/` has a class `Engine` made as `Engine(setup)`.

    Making it imports the framework. Then the caller goes through `build`, `compile`, epochs, `evaluate`, and reads
    the clock around each; an engine never does. Weights travel in the order and layout of
    `networks.parameter_shapes`: convolution kernels (height, width, in, out), dense kernels (in, out), each
    followed by its bias; a dense layer after a convolution reads its input in (height, width, channel) order.
    """

    def build(self, weights: Weights, data: TrainingData) -> None:
        """Make the network with these weights and put the data where the device wants it."""

    def compile(self) -> None:
        """Compile ahead of time where the framework can; the weights are left as they were."""

    def train_epoch(self, order: NDArray[np.int64]) -> None:
        """Train on `train_inputs[order]`, batch by batch; a short last batch is dropped. May return early."""

    def synchronize(self) -> None:
        """Return when the device has done all that was asked of it."""

    def step_losses(self) -> list[float]:
        """The loss of each step of the last epoch, before its update.

        Asked after the clock has stopped: the place to give up the arrays that held them. Freed by the next epoch,
        they would count in it, for JAX 3 % of a small MLP's.
        """

    def weights(self) -> Weights:
        """The weights now, as NumPy arrays in the contract's layout."""

    def evaluate(self) -> Evaluation:
        """Mean loss and accuracy on the test set."""

    def settings(self) -> Mapping[str, str]:
        """What this track sets, in the framework's own words; ends up in the record."""


class EpochClock(Protocol):
    """What an engine that drives its own epochs calls around each of them."""

    def begin_epoch(self) -> None:
        """Start an epoch's clock."""

    def end_epoch(self, loss: float) -> bool:
        """Stop the epoch's clock (after `synchronize`); true when the run has enough epochs."""


@runtime_checkable
class SelfDrivenEngine(Protocol):
    """An engine whose users never write the loop: `fit` trains until the clock has enough. It shuffles by itself."""

    def fit(self, clock: EpochClock, *, seed: int, epoch_limit: int) -> None:
        """Train at most `epoch_limit` epochs in one call, with the clock around each."""
