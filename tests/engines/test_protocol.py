"""What host and worker say to each other survives the way, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import DataSet, Network, Optimizer, Option, Setup
from engines.protocol import Channel, Event, Job, job_from_json, job_to_json, parse_line
from engines.timing import Policy

OPTIONS = st.sampled_from([(), (Option("context", 8), Option("heads", 2))])
NETWORKS = st.builds(
    Network, st.sampled_from(["mlp", "cnn", "transformer"]), st.integers(1, 16), st.integers(1, 1600), OPTIONS
)
SETUPS = st.builds(
    Setup,
    engine=st.sampled_from(["theano", "keras-tensorflow"]),
    network=NETWORKS,
    batch_size=st.integers(1, 10_000),
    optimizer=st.builds(Optimizer, st.sampled_from(["sgd", "adam"]), st.floats(1e-9, 10), st.floats(0, 0.99)),
    track=st.sampled_from(["idiomatic", "tuned"]),
    device=st.sampled_from(["cpu", "gpu"]),
    threads=st.integers(1, 4096),
)
DATASETS = st.builds(
    DataSet, st.text(min_size=1, max_size=40), st.just("imported"), st.just("a" * 64), st.integers(1), st.integers(1)
)
JOBS = st.builds(
    Job,
    kind=st.sampled_from(["train", "verify", "canary"]),
    setup=SETUPS,
    dataset=st.none() | DATASETS,
    seed=st.integers(0, 2**53),
    policy=st.builds(Policy, st.integers(0, 100), st.integers(1, 1000), st.floats(0, 3600)),
    cpus=st.lists(st.integers(0, 4095), max_size=8).map(tuple),
)


@given(JOBS)
def test_a_job_survives_the_way_to_its_worker_in_one_line(job: Job) -> None:
    text = job_to_json(job)
    assert "\n" not in text
    assert job_from_json(text) == job


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b'{"event": "resu', b"W tensorflow: hello", b"null", b"[]", b'"event"', b"{}", b"\xff"],
)
def test_what_is_no_event_is_dropped(line: bytes) -> None:
    assert parse_line(line) is None


@given(st.text(), st.data())
def test_a_torn_event_is_dropped_or_whole(reason: str, data: st.DataObject) -> None:
    line = json.dumps({"event": "failed", "status": "crashed", "reason": reason}).encode()
    length = data.draw(st.integers(0, len(line)))
    event = parse_line(line[:length])
    assert (event is not None) == (length == len(line))


def test_events_travel_a_line_each(tmp_path: Path) -> None:
    events: list[Event] = [{"event": "phase", "name": "imported"}, {"event": "failed", "reason": "two\nlines"}]
    with (tmp_path / "channel").open("wb") as file:
        channel = Channel(file.fileno())
        for event in events:
            channel.send(event)
    lines = (tmp_path / "channel").read_bytes().splitlines()
    assert [parse_line(line) for line in lines] == events


def test_what_json_cannot_hold_is_refused_where_it_arises() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(ValueError, match="not JSON compliant"):
            Channel(writing).send({"event": "result", "result": {"loss": float("nan")}})
    finally:
        os.close(reading)
        os.close(writing)
