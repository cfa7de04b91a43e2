"""What host and worker say to each other: one JSON job on the worker's standard input, JSON lines back.

The lines travel on a file descriptor of their own, which no import banner can pollute.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, cast

from engines.calls import CallPolicy
from engines.contract import DataSet, Network, Optimizer, Option, Setup, Task
from engines.timing import Policy

SCRATCH = "BENCHSITE_SCRATCH"
"""The variable that names a worker's temporary folder. Its host removes it; the worker does if the host is gone."""

JobKind = Literal["train", "infer", "verify", "canary", "profile"]


@dataclass(frozen=True)
class Case:
    """One network, and what is done with it, of an engine that the gate checks."""

    network: Network
    optimizer: Optimizer = field(default_factory=Optimizer)
    task: Task = "train"
    replicas: int = 1

    def __str__(self) -> str:
        if self.task == "infer":
            return f"{self.network}, inference"
        words = [str(self.network)]
        words += [] if self.optimizer == Optimizer() else [str(self.optimizer)]
        words += [] if self.replicas == 1 else [f"{self.replicas} replicas"]
        return ", ".join(words)


@dataclass(frozen=True)
class Job:
    """`cpus` are the logical CPUs that the worker may run on; empty where the OS cannot pin."""

    kind: JobKind
    setup: Setup
    dataset: DataSet | None = None
    seed: int = 0
    policy: Policy = field(default_factory=Policy)
    calls: CallPolicy = field(default_factory=CallPolicy)
    cpus: tuple[int, ...] = ()
    cases: tuple[Case, ...] = ()
    """What the gate checks, one after the other in one process; other jobs have the network of `setup`."""
    ranks_descriptor: int = -1
    """Where the first rank listens to this one, if this is another."""
    addresses: tuple[str, ...] = ()
    """Of the ranks, one for each: 127.0.0.1:40001."""


class Event(TypedDict, total=False):
    """One line from the worker. `event` says which of the other keys are there."""

    event: Literal["phase", "epoch", "result", "failed"]
    name: str
    epoch: dict[str, Any]
    result: dict[str, Any]
    status: str
    reason: str


def job_to_json(job: Job) -> str:
    return json.dumps(dataclasses.asdict(job))


def job_from_json(text: str) -> Job:
    document = json.loads(text)
    setup = document.pop("setup")
    dataset = document.pop("dataset")
    return Job(
        kind=document["kind"],
        setup=Setup(**{**setup, **_trained(setup), "sample": None}),
        dataset=DataSet(**dataset) if dataset else None,
        seed=document["seed"],
        policy=Policy(**document["policy"]),
        calls=CallPolicy(**document["calls"]),
        cpus=tuple(document["cpus"]),
        ranks_descriptor=document["ranks_descriptor"],
        addresses=tuple(document["addresses"]),
        cases=tuple(Case(**{**case, **_trained(case)}) for case in document["cases"]),
    )


def _trained(document: dict[str, Any]) -> dict[str, Any]:
    network = document["network"]
    options = tuple(Option(**option) for option in network["options"])
    return {
        "network": Network(**{**network, "options": options}),
        "optimizer": Optimizer(**document["optimizer"]),
    }


class Channel:
    """The worker's end. Each event is one `write`, so that a killed worker leaves whole lines or one torn last line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, event: Event) -> None:
        os.write(self._descriptor, json.dumps(event, allow_nan=False).encode() + b"\n")


def parse_line(line: bytes) -> Event | None:
    """The event of one line, or None for a torn one."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return cast(Event, event) if isinstance(event, dict) and "event" in event else None
