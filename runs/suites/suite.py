"""A suite is a TOML file, validated when read: an unknown key names the known ones, a bad value what is allowed."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from engines import networks, optimizers, registry
from engines.calls import CallPolicy
from engines.contract import Device, Document, Name, Network, NetworkType, Optimizer, Option, Task, Track
from engines.datasets import catalogue
from engines.errors import DataSetError, UnsupportedError
from engines.timing import Policy
from runs.errors import SuiteError
from runs.stats.stopping import MAX_BLOCKS
from runs.validation import DocumentError, from_python

SUITES_FOLDER = Path(__file__).parent

Preset = Literal["quick", "standard", "rigorous", "study", "noise"]
Blocks = Annotated[int, Ge(1), Le(1000)]
Depths = Annotated[tuple[Annotated[int, Ge(1), Le(256)], ...], MinLen(1), MaxLen(50)]
Sizes = Annotated[tuple[Annotated[int, Ge(1), Le(65536)], ...], MinLen(1), MaxLen(50)]

PRESET_BLOCKS: dict[Preset, int] = {
    "quick": 3,
    "standard": 5,
    "rigorous": MAX_BLOCKS,  # at most: it stops when its ratios are precise
    "study": 2,
    "noise": 10,  # five pairs of the same
}


@dataclass(frozen=True)
class Bench(Document):
    """One grid of cells: every engine on every network, device and thread count."""

    network: NetworkType
    hidden_layers: Depths
    widths: Sizes
    engines: Annotated[tuple[Name, ...], MinLen(1)]
    devices: Annotated[tuple[Device, ...], MinLen(1)] = ("cpu",)
    threads: Annotated[tuple[Annotated[int, Ge(1), Le(4096)], ...], MinLen(1)] = (1,)
    tracks: Annotated[tuple[Track, ...], MinLen(1)] = ("idiomatic",)
    """Of each engine those that it has: one that it lacks is no cell."""
    batch_sizes: Annotated[tuple[Annotated[int, Ge(1), Le(10**6)], ...], MaxLen(50)] = ()
    """The suite's `batch_size` if left out."""
    blocks: Blocks | None = None
    train_samples: Annotated[int, Ge(100), Le(10**9)] | None = None
    """The first so many training samples; all of the data set's if left out."""
    dataset: Annotated[str, MaxLen(100)] = ""
    """The network type's own if left out: shuttle for an MLP, cifar10 for a CNN."""
    options: Annotated[dict[Annotated[str, MaxLen(20)], Sizes], MaxLen(10)] = field(default_factory=dict)
    """What the family has beside depth and width: { heads = [2, 4], context = [64] }; defaults if left out."""
    optimizer: Optimizer | None = None
    """Plain descent at the suite's `learning_rate` if left out; inference has none."""
    tasks: Annotated[tuple[Task, ...], MinLen(1)] = ("train",)
    """Of each engine those that it can do: one that it cannot is no cell."""
    replicas: Annotated[tuple[Annotated[int, Ge(1), Le(1024)], ...], MinLen(1), MaxLen(50)] = (1,)
    """How many copies train together, each on its share of every batch; a network that is asked has one."""

    @property
    def networks(self) -> list[Network]:
        """Every depth with every width and every choice of options."""
        defaults = networks.of_type(self.network).options
        choices = [[Option(name, value) for value in values] for name, values in sorted(self.options.items())]
        return [
            Network(self.network, depth, width, tuple(each for each in chosen if defaults.get(each.name) != each.value))
            for depth in self.hidden_layers
            for width in self.widths
            for chosen in product(*choices)
        ]

    @property
    def dataset_name(self) -> str:
        return self.dataset or networks.of_type(self.network).dataset


@dataclass(frozen=True)
class Suite(Document):
    """What to measure and how long. Times in seconds."""

    name: Name
    title: Annotated[str, MaxLen(200)]
    benches: Annotated[tuple[Bench, ...], MinLen(1)]
    preset: Preset = "standard"
    description: Annotated[str, MaxLen(2000)] = ""
    blocks: Blocks | None = None
    warmup_epochs: Annotated[int, Ge(1), Le(100)] = 2
    steady_epochs: Annotated[int, Ge(1), Le(1000)] = 5
    min_steady_seconds: Annotated[float, Ge(0), Le(3600)] = 1.0
    min_calls: Annotated[int, Ge(4), Le(10**6)] = CallPolicy.min_calls
    min_call_seconds: Annotated[float, Ge(0), Le(3600)] = CallPolicy.min_seconds
    timeout_seconds: Annotated[float, Ge(1), Le(86400)] = 1800.0
    batch_size: Annotated[int, Ge(1), Le(10**6)] = 100
    learning_rate: Annotated[float, Ge(1e-9), Le(10)] = 1e-3
    seed: Annotated[int, Ge(0), Le(2**31)] = 2017

    @property
    def policy(self) -> Policy:
        return Policy(
            warmup_epochs=self.warmup_epochs,
            steady_epochs=self.steady_epochs,
            min_steady_seconds=self.min_steady_seconds,
        )

    @property
    def call_policy(self) -> CallPolicy:
        return CallPolicy(min_calls=self.min_calls, min_seconds=self.min_call_seconds)

    def blocks_of(self, bench: Bench) -> int:
        return bench.blocks or self.blocks or PRESET_BLOCKS[self.preset]

    def batch_sizes_of(self, bench: Bench) -> tuple[int, ...]:
        return bench.batch_sizes or (self.batch_size,)

    @property
    def is_quick(self) -> bool:
        """Whether one canary does for the whole sitting, instead of two for each block."""
        return self.preset == "quick"

    @property
    def is_adaptive(self) -> bool:
        """Whether a group of cells may stop before its last block."""
        return self.preset == "rigorous"


def shipped() -> list[str]:
    return sorted(path.stem for path in SUITES_FOLDER.glob("*.toml"))


def load(name: str) -> Suite:
    """A shipped suite by name, or any TOML file by path. Raises SuiteError."""
    path = SUITES_FOLDER / f"{name}.toml" if name in shipped() else Path(name)
    try:
        text = path.read_text()
    except (FileNotFoundError, IsADirectoryError):
        known = ", ".join(shipped())
        raise SuiteError(f"There is no suite {name!r}. Name a TOML file or one of: {known}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"The suite {name!r} cannot be read: {error}.") from None
    return parse(text, source=path.name)


def parse(text: str, *, source: str) -> Suite:
    """Raises SuiteError naming each field that does not fit."""
    try:
        suite = from_python(Suite, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"The suite {source} is not TOML: {error}.") from None
    except DocumentError as error:
        raise SuiteError(f"The suite {source} does not fit: {error}.", {"problems": error.problems}) from None
    return checked(suite, source)


def checked(suite: Suite, source: str) -> Suite:
    """With slugs for engines. Raises SuiteError, naming `source`, where a bench can be measured by nobody."""
    for bench in suite.benches:
        _check_bench(bench, source)
        _check_data_set(bench, source)
    return dataclasses.replace(suite, benches=tuple(_with_slugs(bench) for bench in suite.benches))


def _check_data_set(bench: Bench, source: str) -> None:
    try:
        shape = catalogue.find(bench.dataset_name).shape
    except DataSetError as error:
        raise SuiteError(f"The suite {source} does not fit: benches.dataset: {error}") from None
    if not networks.trains_on(bench.network, shape):
        family = networks.of_type(bench.network)
        fitting = [each.name for each in catalogue.SOURCES.values() if networks.trains_on(bench.network, each.shape)]
        raise SuiteError(
            f"The suite {source} does not fit: benches.dataset is {bench.dataset_name}, which a {family.title} cannot "
            f"read: allowed: {', '.join(fitting)}."
        )


def _check_bench(bench: Bench, source: str) -> None:
    try:
        for network in bench.networks:
            networks.checked(network)
        optimizers.checked(bench.optimizer or Optimizer())
    except ValueError as error:
        raise SuiteError(f"The suite {source} does not fit: benches.{error}.") from None
    for engine in bench.engines:
        try:
            registry.find(engine)
        except UnsupportedError as error:
            raise SuiteError(f"The suite {source} does not fit: {error}") from None


def _with_slugs(bench: Bench) -> Bench:
    """Abbreviations are fine in a file (th, tf, kth, ktf); from here on an engine has its slug."""
    return dataclasses.replace(bench, engines=tuple(registry.find(name).slug for name in bench.engines))
