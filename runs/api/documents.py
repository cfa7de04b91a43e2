"""What the API answers with: each document's fields, from which both the answers and the schema are made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

D = TypeVar("D")


class Document(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class PageOf(Document, Generic[D]):
    results: list[D]
    next: str | None
    """The address of the next page; null on the last."""


class Error(Document):
    """Every error has this shape."""

    message: str
    extra: dict[str, Any]


# ---------------------------------------------------------------- what runs refer to


class Extent(Document):
    """How much is stored of something."""

    cells: int
    engines: int
    machines: int
    experiments: int
    newest_run_at: datetime | None


class Experiment(Document):
    slug: str
    name: str
    suite: str
    preset: str
    created_at: datetime
    owner: str | None
    is_private: bool
    extent: Extent


class Machine(Document):
    id: int
    name: str
    fingerprint: str
    created_at: datetime
    owner: str | None
    hardware: dict[str, Any]
    extent: Extent


class Environment(Document):
    id: int
    sha256: str
    name: str
    origin: str
    python: str
    packages: dict[str, str]
    facts: dict[str, str]


class Workload(Document):
    id: int
    network: str
    layers: int
    width: int
    options: str
    """What its family has beside depth and width, where it is not at its default: `context 128 heads 2`."""
    dataset: str
    data_source: str
    data_sha256: str
    train_samples: int
    test_samples: int
    task: str
    batch_size: int
    optimizer: str
    """With its momentum, if it has one: `sgd momentum 0.9`."""
    learning_rate: float
    replicas: int
    """How many copies train together, each on its share of every batch."""
    parameters: int
    flops_per_epoch: int | None
    flops_per_call: int | None
    """Either is null where the other is not."""


class Engine(Document):
    """`is_known` is false for an engine that records name and this site has no title for."""

    slug: str
    title: str
    is_known: bool
    framework: str | None
    backend: str | None
    environment: str | None
    extent: Extent


# ---------------------------------------------------------------- runs


class CellOf(Document):
    """Where a run or a summary stands."""

    experiment: str
    machine: str
    machine_id: int
    environment_id: int
    workload_id: int
    engine: str
    engine_is_known: bool
    engine_sha256: str
    """The hash of the engine's own files: what a changed engine gives is another cell."""
    track: str
    device: str
    threads: int
    network: str
    layers: int
    width: int
    options: str
    dataset: str
    data_source: str
    train_samples: int
    task: str


class Exclusion(Document):
    reason: str
    at: datetime
    by: str | None


class Run(CellOf):
    run_id: UUID
    status: str
    reason: str
    block: int
    position: int
    started_at: datetime
    finished_at: datetime
    received_at: datetime
    has_a_clock_ahead: bool
    epoch_seconds: float | None
    """Median of the steady epochs; null unless the run trained and finished."""
    call_seconds: float | None
    """Median of the calls; null, as all that follows, unless the run was inference and finished."""
    call_tail_seconds: float | None
    """The 99th percentile of the calls."""
    samples_per_second: float | None
    """Of all calls together, one after the other."""
    exclusion: Exclusion | None


class RunWithRecord(Run):
    record: dict[str, Any]
    """The run record, as it was uploaded."""


class Summary(CellOf):
    """`samples` are [block, log of the run's seconds per epoch, or per call where the task is `infer`]."""

    samples: list[tuple[int, float]]
    tails: list[tuple[int, float]]
    """The same of the calls' 99th percentiles; empty where it trains."""
    means: list[tuple[int, float]]
    """The same of the mean call."""
    status_counts: dict[str, int]
    reason: str
    newest_run_at: datetime


# ---------------------------------------------------------------- uploads and acts


class Reason(Document):
    """`code`: invalid, conflict (a known id with other content), hardware, forbidden or atomic."""

    code: str
    field: str
    value: str
    allowed: str
    message: str


class UploadResult(Document):
    index: int
    run_id: str | None
    result: Annotated[str, Field(pattern="^(stored|known|refused)$")]
    reasons: list[Reason]


class UploadAnswer(Document):
    """One result for each record, in their order."""

    stored: int
    known: int
    refused: int
    results: list[UploadResult]


class ExcludedRun(Document):
    run_id: UUID
    experiment: str
    machine: str
    engine: str
    exclusion: Exclusion


class Act(Document):
    kind: str
    at: datetime
    user: str | None
    experiment: str | None
    machine: str | None
    reason: str
    details: dict[str, Any]
