"""The front of latency against throughput."""

from __future__ import annotations

from datetime import UTC, datetime
from math import log

from hypothesis import given
from hypothesis import strategies as st

from runs.findings.cells import CellRow
from runs.findings.inference import Inference
from runs.stats import LogSamples

ENGINES = ("theano", "tensorflow", "jax", "torch", "onnxruntime")
seconds = st.floats(1e-5, 1e-1)


def row(engine: str, batch_size: int, medians: list[float], means: list[float]) -> CellRow:
    return CellRow(
        engine=engine,
        track="idiomatic",
        device="cpu",
        threads=1,
        network_type="mlp",
        hidden_layers=8,
        width=100,
        dataset="shuttle",
        data_source="shipped",
        data_sha256="d" * 64,
        train_samples=14500,
        training=f"batch {batch_size}",
        flops=1,
        environment_id=1,
        environment="",
        samples=LogSamples(tuple(map(log, medians)), tuple(range(len(medians)))),
        means=LogSamples(tuple(map(log, means)), tuple(range(len(means)))),
        newest_run_at=datetime(2026, 11, 1, tzinfo=UTC),
        batch_size=batch_size,
        task="infer",
    )


@st.composite
def cells(draw: st.DrawFn) -> list[CellRow]:
    runs = draw(st.integers(1, 4))
    times = st.lists(seconds, min_size=runs, max_size=runs)
    places = draw(st.lists(st.tuples(st.sampled_from(ENGINES), st.sampled_from((1, 10, 100))), min_size=1, unique=True))
    return [row(engine, batch, draw(times), draw(times)) for engine, batch in places]


@given(cells())
def test_the_quickest_call_and_the_highest_rate_are_never_beaten_and_nothing_on_the_front_seems_beaten(
    rows: list[CellRow],
) -> None:
    found = Inference(rows, {})
    words = found.front
    assert words[id(min(found.points, key=lambda each: (each.call.seconds, -each.rate.value)).row)] == "front"
    assert words[id(max(found.points, key=lambda each: (each.rate.value, -each.call.seconds)).row)] == "front"
    front = found.front_points
    assert not any(one.seems_to_beat(other) for one in found.points for other in front)
    rates = [each.rate.value for each in front]
    assert rates == sorted(rates)


@given(cells())
def test_what_is_surely_beaten_seems_beaten_too(rows: list[CellRow]) -> None:
    points = Inference(rows, {}).points
    assert all(
        one.seems_to_beat(other) for one in points for other in points if one is not other and one.surely_beats(other)
    )
