"""What changed over time, as answers: the shapes, checked and described in the schema."""

from __future__ import annotations

from datetime import datetime

from runs.api.documents import Document


class Change(Document):
    """One change. `kind` is `release` (in the same blocks), `step` (over time) or `machine` (as a whole)."""

    number: int
    kind: str
    machine: str
    machine_id: int
    experiment: str
    before_experiment: str | None
    workload_id: int | None
    engine: str
    track: str
    device: str
    threads: int | None
    before_release: str
    after_release: str
    before_at: datetime
    after_at: datetime
    ratio: float
    """After over before: 1.1 is 10 % slower."""
    low: float | None
    high: float | None
    p: float
    """Adjusted for all that was looked at with it."""
    runs_before: int
    runs_after: int
    series: int
    changed: list[str]
    found_at: datetime
    gone_at: datetime | None
    episode: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledgement: str


class Moment(Document):
    """What one experiment says of the engine in one release."""

    experiment: str
    at: datetime
    release: str
    environment_id: int
    engine_sha256: str
    seconds: float
    low: float | None
    high: float | None
    runs: int


class Transition(Document):
    """From one moment to the next; `verdict` is empty where only time lies between them and the series has no step."""

    before: Moment
    after: Moment
    ratio: float
    low: float | None
    high: float | None
    verdict: str
    how: str
    p: float | None
    changed: list[str]


class Line(Document):
    track: str
    device: str
    threads: int
    over_time: list[Moment]
    """Of each experiment its highest release."""
    over_releases: list[Moment]
    """Of each release its newest time."""
    transitions: list[Transition]


class History(Document):
    """One engine at one network on one machine; all null and empty where nothing is stored."""

    machine: str | None
    machine_id: int | None
    engine: str | None
    workload_id: int | None
    network: str | None
    data: str | None
    lines: list[Line]
