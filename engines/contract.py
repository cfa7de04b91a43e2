"""What the measuring half and the recording half say to each other: workloads, cells, the Engine protocol.

Ranges are `annotated-types` metadata, so that a bench machine needs no validation library. What a run gave is in
`run_record.py`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, runtime_checkable

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]
    Samples = NDArray[Any]
    """Floating, or int64 where they are tokens."""
    Weights = list[Array]

NetworkType = Literal["mlp", "cnn", "resnet", "lstm", "gru", "transformer"]
Task = Literal["train", "infer"]
Device = Literal["cpu", "gpu"]
Track = Literal["idiomatic", "tuned"]
DataSource = Literal["shipped", "downloaded", "imported", "synthetic"]

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


SINCE_2 = {"since": 2}

# ---------------------------------------------------------------- what is trained


@dataclass(frozen=True)
class Option(Document):
    """What a family has beside depth and width: a transformer's heads, its context."""

    name: Annotated[str, MinLen(1), MaxLen(20)]
    value: Annotated[int, Ge(1), Le(2**31 - 1)]

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


@dataclass(frozen=True)
class Network(Document):
    """A network of a family, `type`. Each family says what its depth, `hidden_layers`, and its width count.

    `options` are those of its family that are not at their defaults, by name: see `networks.checked`.
    """

    type: NetworkType
    hidden_layers: Annotated[int, Ge(1), Le(256)]
    width: Annotated[int, Ge(1), Le(65536)]
    options: Annotated[tuple[Option, ...], MaxLen(10)] = dataclasses.field(default=(), metadata=SINCE_2)

    def __str__(self) -> str:
        return " ".join([f"{self.type.upper()} {self.hidden_layers}x{self.width}", *map(str, self.options)])


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
    """`sgd`, with momentum where it is not 0, or `adam` with the constants of its paper."""

    name: Name = "sgd"
    learning_rate: Annotated[float, Gt(0), Le(10)] = 1e-3
    momentum: Annotated[float, Ge(0), Lt(1)] = dataclasses.field(default=0.0, metadata=SINCE_2)

    def __str__(self) -> str:
        return f"{self.name} momentum {self.momentum:g}" if self.momentum else self.name


@dataclass(frozen=True)
class Workload(Document):
    """What is timed: epochs that train a network, or calls that ask one, which has the default optimizer."""

    network: Network
    dataset: DataSet
    batch_size: Annotated[int, Ge(1), Le(10**6)] = 100
    optimizer: Optimizer = Optimizer()
    task: Task = dataclasses.field(default="train", metadata=SINCE_2)
    replicas: Annotated[int, Ge(1), Le(1024)] = dataclasses.field(default=1, metadata=SINCE_2)
    """How many copies of the network train together, each on its share of every batch."""


@dataclass(frozen=True)
class Cell(Document):
    """What is compared: a workload, the engine that trains it and what it may use."""

    workload: Workload
    engine: Name
    track: Track
    device: Device
    threads: Annotated[int, Ge(1), Le(4096)]
    """Of each replica."""

    @property
    def processors(self) -> int:
        """Logical CPUs that it may use, where a CPU does the work."""
        return self.threads * self.workload.replicas


def as_json(value: Any) -> str:
    """The canonical JSON of a contract dataclass: sorted keys, no spaces, no NaN."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def plain(value: Any) -> Any:
    """A contract dataclass as plain values, as version 1 had it wherever what is newer is at its default.

    So the same workload has the same text, key and cell in both versions.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = ((each, getattr(value, each.name)) for each in dataclasses.fields(value))
        return {each.name: plain(part) for each, part in parts if "since" not in each.metadata or part != each.default}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return {name: plain(each) for name, each in value.items()} if isinstance(value, dict) else value


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
    optimizer: Optimizer = Optimizer()
    track: Track = "idiomatic"
    device: Device = "cpu"
    device_index: int = 0
    threads: int = 1
    dtype: Literal["float32", "float64"] = "float32"
    sample: SampleShape | None = None
    """Of the data set that it trains on; the study's for this type of network if None."""
    task: Task = "train"
    """An engine that is only asked need not get ready to train."""
    replicas: int = 1
    rank: int = 0
    """Which replica this process has, where each has a process of its own."""


@dataclass(frozen=True)
class TrainingData:
    """Samples in C order, (n, *shape) as `networks.input_shape` says. Labels are int64: (n,), or (n, steps) for tokens.

    Tokens are int64 as well, and stay whole numbers whatever the element type.
    """

    train_inputs: Samples
    train_labels: NDArray[np.int64]
    test_inputs: Samples
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Evaluation:
    loss: float
    accuracy: float


class Engine(Protocol):
    """One framework training one network; each file of `frameworks/` has a class `Engine` made as `Engine(setup)`.

    Making it imports the framework. Then the caller goes through `build`, `compile`, epochs, `evaluate`, and reads
    the clock around each; an engine never does. Weights travel in the order and layout of
    `networks.parameter_shapes`: convolution kernels (height, width, in, out), dense kernels (in, out); a dense layer
    after a convolution reads its input in (height, width, channel) order. Running statistics travel with them.
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

    def predict(self, inputs: Samples) -> Array:
        """Class probabilities, (n, classes) or (n, steps, classes): from the host's memory to the host's memory.

        A NumPy array that holds them when this returns: inference is timed by the call. The network as it was trained:
        batch normalisation goes by its running statistics. What is compiled for a batch size is compiled at the first
        call of that size.
        """

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
