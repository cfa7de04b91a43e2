"""The charts there are, declared. A wrong declaration fails when the site starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Scale = Literal["log", "linear"]
SCALES: tuple[Scale, ...] = get_args(Scale)


@dataclass(frozen=True)
class Axis:
    """`labels` by network type; "" is the label for all others."""

    labels: Mapping[str, str]
    unit: str = ""
    scale: Scale = "linear"
    fixed_ticks: bool = False
    """Ticks stand at the values that occur, and nowhere else."""

    def label(self, network_type: str = "") -> str:
        return self.labels.get(network_type, self.labels[""])


@dataclass(frozen=True)
class ChartSpec:
    slug: str
    title: str
    x: Axis
    y: Axis
    intervals: bool = False
    scales: tuple[Scale, ...] = field(default=("linear",))
    """The y scales that a reader can switch between; the first is the default."""


_WIDTH = Axis(
    {"": "Width", "mlp": "Neurons per hidden layer", "cnn": "Feature maps per colour"}, scale="log", fixed_ticks=True
)

_ALL = (
    ChartSpec(
        "time-per-epoch",
        "Time per epoch over network width",
        x=_WIDTH,
        y=Axis({"": "Time per epoch"}, unit="s", scale="log"),
        intervals=True,
        scales=("log", "linear"),
    ),
    ChartSpec(
        "epochs",
        "Time of each epoch",
        x=Axis({"": "Epoch"}),
        y=Axis({"": "Time per epoch"}, unit="s"),
    ),
    ChartSpec(
        "losses",
        "Training loss of each epoch",
        x=Axis({"": "Epoch"}),
        y=Axis({"": "Mean loss"}),
    ),
)


def validated(specs: tuple[ChartSpec, ...]) -> dict[str, ChartSpec]:
    """By slug; raises ValueError for what no chart could be built from."""
    by_slug = {spec.slug: spec for spec in specs}
    if len(by_slug) != len(specs):
        raise ValueError("Two charts have the same slug.")
    for spec in specs:
        _validate(spec)
    return by_slug


def _validate(spec: ChartSpec) -> None:
    for axis in (spec.x, spec.y):
        if "" not in axis.labels:
            raise ValueError(f'The chart {spec.slug!r} has an axis without a default label (the key "").')
    unknown = [scale for scale in (*spec.scales, spec.x.scale, spec.y.scale) if scale not in SCALES]
    if unknown or not spec.scales:
        raise ValueError(f"The chart {spec.slug!r} has scales {spec.scales}; known scales: {', '.join(SCALES)}.")


SPECS = validated(_ALL)
