"""The cells that a comparison compares. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext, ngettext

from engines import networks
from engines.contract import Network, NetworkType, Task, content_hash
from engines.run_record import Equivalence
from runs.stats import Estimate, LogSamples, estimate, stalled_runs
from runs.stats.outcomes import MissingStatus
from runs.words import numbers
from runs.words.cells import data_words, missing_words

MISSING_ORDER: tuple[MissingStatus, ...] = (
    "not_equivalent",
    "out_of_memory",
    "timed_out",
    "crashed",
    "diverged",
    "unsupported",
    "excluded",
)


NO_SAMPLES = LogSamples(())


@dataclass(frozen=True)
class CellRow:
    """One summary, with what names its cell."""

    engine: str
    track: str
    device: str
    threads: int
    network_type: NetworkType
    hidden_layers: int
    width: int
    dataset: str
    data_source: str
    data_sha256: str
    train_samples: int
    training: str
    """Batch size, optimizer and replicas, in words."""
    flops: int
    """Of what is timed: an epoch, or a call."""
    environment_id: int
    environment: str
    samples: LogSamples
    newest_run_at: datetime
    status_counts: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    workload_id: int = 0
    experiment_id: int = 0
    experiment: str = ""
    """Its slug."""
    parameters: int = 0
    machine: str = ""
    machine_id: int = 0
    engine_sha256: str = ""
    """The engine's own code: a changed adapter is another cell."""
    release: str = ""
    """The framework's version, and its backend's: what a CPU build and a GPU build have in common."""
    equivalence: Equivalence = "unverified"
    """The gate's newest word on this engine, track and code. Where it is `failed`, `samples` is empty."""
    withheld: LogSamples = NO_SAMPLES
    """Times that count nowhere, since the gate failed: shown, struck through."""
    batch_size: int = 100
    optimizer: str = "sgd"
    learning_rate: float = 1e-3
    options: str = ""
    """What the network's family has beside depth and width, where it is not at its default."""
    task: Task = "train"
    replicas: int = 1
    tails: LogSamples = NO_SAMPLES
    """Of inference, the runs' 99th percentiles, as `samples` are their medians."""
    means: LogSamples = NO_SAMPLES
    finished_runs: int = 0
    """All that the cell has; `samples` are the newest of them."""

    @cached_property
    def network(self) -> Network:
        return Network(self.network_type, self.hidden_layers, self.width, networks.options_in(self.options))

    @property
    def processors(self) -> int:
        """Logical CPUs that all replicas may use together."""
        return self.threads * self.replicas

    @property
    def is_synthetic(self) -> bool:
        return self.data_source == "synthetic"

    @property
    def data_label(self) -> str:
        return data_words(self.dataset, self.train_samples, is_synthetic=self.is_synthetic)

    @cached_property
    def data_key(self) -> str:
        """Readable, and different wherever the data's content differs."""
        rest = content_hash([self.data_source, self.data_sha256])[:8]
        return f"{self.dataset}-{self.train_samples}-{rest}"

    @cached_property
    def training_key(self) -> str:
        shared = "" if self.replicas == 1 else f"-{self.replicas}-replicas"
        return f"{self.batch_size}-{self.optimizer}-{self.learning_rate:g}{shared}"

    @cached_property
    def estimate(self) -> Estimate | None:
        return estimate(self.samples) if len(self.samples) else None

    @property
    def missing_status(self) -> MissingStatus:
        """Why there is no time; of several reasons, the one that says most."""
        if self.equivalence == "failed":
            return "not_equivalent"
        return next((status for status in MISSING_ORDER if self.status_counts.get(status)), "not_run")

    @property
    def missing(self) -> str:
        """The words for why there is no time; empty if there is one."""
        return "" if len(self.samples) else missing_words(self.missing_status)

    @property
    def outcome(self) -> MissingStatus:
        """`finished` where there is a time, else why there is none."""
        return "finished" if len(self.samples) else self.missing_status


def stalled_words(row: CellRow) -> str:
    """Empty where no run is far off the cell's others."""
    stalled = len(stalled_runs(row.samples))
    if not stalled:
        return ""
    if row.estimate and row.estimate.stalled:
        words = ngettext(
            "{n} of {runs} runs took far longer or shorter than the others: it is set aside.",
            "{n} of {runs} runs took far longer or shorter than the others: they are set aside.",
            stalled,
        )
    else:
        words = gettext("A run took far longer or shorter than the others. Three runs cannot do without it: run more.")
    return words.format(n=numbers.count(stalled), runs=numbers.count(len(row.samples)))
