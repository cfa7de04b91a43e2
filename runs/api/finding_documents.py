"""What follows from runs, as answers: the shapes, checked and described in the schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from runs.api.documents import Document


class Scope(Document):
    """The experiment and the machine that an answer is about; null where nothing is stored."""

    experiment: str | None
    machine: str | None
    machine_id: int | None
    gpu_machine: str | None
    """Where the GPU's times come from, if that is another machine."""
    is_synthetic: bool


class Held(Document):
    """All that says which cell it is beside engine and network: what a comparison holds equal, or lets differ."""

    network_options: str
    dataset: str
    data_source: str
    data_sha256: str
    train_samples: int
    task: str
    batch_size: int
    optimizer: str
    learning_rate: float
    replicas: int
    experiment: str
    machine: str
    machine_id: int
    environment: str
    environment_id: int
    engine_sha256: str
    equivalence: str
    track: str
    device: str
    threads: int


class OfCell(Document):
    """What is said of one cell: an engine at a network, and all else that says which cell it is."""

    engine: str
    network: str
    layers: int
    width: int
    environment_id: int
    held: Held


class Ratio(Document):
    value: float
    low: float | None
    high: float | None
    runs: int
    stalled: int
    """Of the runs, or pairs of them: how many were set aside."""


class Estimate(Document):
    seconds: float
    low: float | None
    high: float | None
    runs: int
    stalled: int


class Standing(OfCell):
    """One engine at one network. `to_fastest` is its time over the fastest's; without a time, `missing` says why."""

    estimate: Estimate | None
    to_fastest: Ratio | None
    verdict: str | None
    missing: str | None
    reason: str


class Comparison(Document):
    scope: Scope
    conditions: str
    cells: int
    standings: list[Standing]


class SpeedUp(Document):
    """Time on one CPU thread over time on the GPU."""

    network: str
    engine: str
    layers: int
    width: int
    published: float | None
    measured: Ratio | None
    data: str | None
    cpu: Held | None
    gpu: Held | None
    is_chosen: bool
    """Whether it is the one of its engine and network that the page's table in the study's form shows."""


class SpeedUps(Document):
    """`not_compared` has a sentence for each engine and network whose two times differ in more than the device."""

    scope: Scope
    speed_ups: list[SpeedUp]
    not_compared: list[str]


class ScalingPoint(Document):
    threads: int
    speed_up: Ratio
    efficiency: Ratio


class Line(Document):
    """One engine at one network, along what is varied."""

    engine: str
    track: str
    network: str
    layers: int
    width: int
    data: str


class ScalingOf(Line):
    environment_id: int
    held: Held
    """Of all its points, but for `threads`: the fewest."""
    points: list[ScalingPoint]


class Scaling(Document):
    """Speed-up and efficiency over CPU threads, held against one thread.

    `not_compared` has a sentence for each engine and network whose thread counts differ in more than threads.
    """

    scope: Scope
    scaling: list[ScalingOf]
    not_compared: list[str]


class ReplicaPoint(Document):
    """`speed_up` is samples a second over those of one replica; `efficiency` is that over the number of replicas."""

    replicas: int
    speed_up: Ratio
    efficiency: Ratio
    held: Held


class ReplicationOf(Line):
    """`scaling` is `strong` where replicas share a batch, and `weak` where the batch grows with them."""

    scaling: str
    points: list[ReplicaPoint]


class Replication(Document):
    """Data-parallel training, held against one replica. `not_compared` has a sentence for each cell without one."""

    scope: Scope
    replication: list[ReplicationOf]
    not_compared: list[str]


class Choice(Document):
    value: str
    label: str
    is_held: bool


class ChoiceOf(Document):
    """What an answer holds equal, and could have held instead: ask with `name=value`."""

    name: str
    values: list[Choice]


class Rate(Document):
    """Samples a second, by the mean call."""

    value: float
    low: float | None
    high: float | None
    runs: int


class Calls(OfCell):
    """One engine that is asked a batch of one size. Without times, `missing` says why."""

    call: Estimate | None
    """The median call, in seconds."""
    tail: Estimate | None
    """The 99th percentile of the calls, in seconds."""
    samples_per_second: Rate | None
    to_fastest: Ratio | None
    """Of its batch size, whatever the engine and track."""
    verdict: str | None
    front: str | None
    """front: no other engine or batch size answers more samples a second and each call sooner; beaten; unresolved."""
    missing: str | None
    reason: str


class Inference(Document):
    """One network that is asked, and how its engines stand when they train it on the same machine, if they did."""

    scope: Scope
    conditions: str
    choices: list[ChoiceOf]
    calls: list[Calls]
    trained_in: str | None
    """The experiment."""
    trained: list[Standing]
    not_compared: list[str]


class OnData(OfCell):
    """One engine on one data set. Times are seconds; the ratios are to the same engine on the reference data."""

    data: str
    flops_per_sample: float
    per_sample: Estimate
    sample_ratio: Ratio | None
    flop_ratio: Ratio | None
    to_fastest: Ratio
    """Of its data set, whatever the engine and track."""
    verdict: str


class DataSets(Document):
    """One network on several data sets."""

    scope: Scope
    conditions: str
    choices: list[ChoiceOf]
    reference: str | None
    """The data that each engine's ratios are to."""
    answer: str | None
    """Whether the choice of an engine depends on the data."""
    cells: list[OnData]
    not_compared: list[str]


class OnHardware(OfCell):
    """One machine, device and thread count, by its fastest engine there."""

    track: str
    device: str
    threads: int
    seconds: Estimate
    to_fastest: Ratio
    """Of two sets of runs: machines share no block."""
    verdict: str
    cost: float | None
    """Of 1,000 epochs, in `currency`; null where nobody said what the machine costs."""
    currency: str | None


class BestHardware(Document):
    """A network's fastest place, and the fastest of another machine."""

    fastest: OnHardware
    next: OnHardware


class Hardware(Document):
    """One network on the machines of an experiment, the fastest first."""

    scope: Scope
    conditions: str
    choices: list[ChoiceOf]
    engines: list[str]
    """By which places are compared: what each of them has in the same release and code."""
    places: list[OnHardware]
    networks: list[BestHardware]


class Candidate(Document):
    engine: str
    verdict: str | None
    to_best: Ratio | None
    missing: str | None
    reason: str
    held: Held | None


class Situation(Document):
    """`preferred` and `not_slower` are empty where nothing can be told yet; `reason` says why."""

    situation: str
    network: str
    device: str
    published: list[str]
    preferred: str | None
    not_slower: list[str]
    reason: str
    basis: str
    choices: list[ChoiceOf]
    notes: list[str]
    """Where an interval by itself says more than the verdict: by what it was decided."""
    candidates: list[Candidate]


class Recommendation(Document):
    scope: Scope
    situations: list[Situation]


class CasePlace(Document):
    """One experiment on one machine. `not_held` are titles of what was asked for and was not measured there."""

    experiment: str
    machine: str
    machine_id: int
    measured_at: datetime
    not_held: list[str]
    answer: Situation


class MeasuredSize(Document):
    layers: int
    width: int


class YourCase(Document):
    """`places` begins with the page's; none is mixed with another. `nearest` are measured ones of the same family."""

    network: str
    layers: int
    width: int
    device: str
    is_synthetic: bool
    places: list[CasePlace]
    nearest: list[MeasuredSize]


class Claims(Document):
    scope: Scope
    claims: list[dict[str, Any]]


class ChartEntry(Document):
    slug: str
    title: str
    address: str


class Chart(Document):
    """What Chart.js draws."""

    type: str
    summary: str
    data: dict[str, Any]
    options: dict[str, Any]
