"""The charts there are, declared. A wrong declaration fails when the site starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from engines.networks import ARCHITECTURES

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
        """In the reader's language."""
        return gettext(self.labels.get(network_type, self.labels[""]))


@dataclass(frozen=True)
class ChartSpec:
    slug: str
    title: str
    x: Axis
    y: Axis
    intervals: bool = False
    scales: tuple[Scale, ...] = field(default=("linear",))
    """The y scales that a reader can switch between; the first is the default."""

    @property
    def heading(self) -> str:
        """The title in the reader's language."""
        return gettext(self.title)


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]


_TRANSLATED = (_("Neurons per hidden layer"), _("Feature maps per colour"))
WIDTH = Axis(
    {"": _("Width"), **{each.type: _capitalised(each.width) for each in ARCHITECTURES.values()}},
    scale="log",
    fixed_ticks=True,
)
TIME = Axis({"": _("Time per epoch")}, unit="s", scale="log")
THREADS = Axis({"": _("CPU threads")}, scale="log", fixed_ticks=True)
EPOCH = Axis({"": _("Epoch")})
_ALL = (
    ChartSpec("time-per-epoch", _("Time per epoch"), x=WIDTH, y=TIME, intervals=True, scales=("log", "linear")),
    ChartSpec("figure", _("Figure of the study"), x=WIDTH, y=TIME, intervals=True, scales=("linear", "log")),
    ChartSpec("threads-time", _("Time over threads"), x=THREADS, y=TIME, intervals=True, scales=("log",)),
    ChartSpec(
        "threads-speed-up",
        _("Speed-up over threads"),
        x=THREADS,
        y=Axis({"": _("Speed-up over one thread")}, unit="×", scale="log"),
        intervals=True,
        scales=("log",),
    ),
    ChartSpec(
        "threads-efficiency",
        _("Efficiency over threads"),
        x=THREADS,
        y=Axis({"": _("Efficiency")}, unit="%"),
        intervals=True,
    ),
    ChartSpec("epochs", _("Time of each epoch"), x=EPOCH, y=Axis({"": _("Time per epoch")}, unit="s")),
    ChartSpec("losses", _("Training loss of each epoch"), x=EPOCH, y=Axis({"": _("Mean loss")})),
    ChartSpec(
        "place",
        _("This run among the runs of its cell"),
        x=Axis({"": _("Block")}, fixed_ticks=True),
        y=Axis({"": _("Time per epoch")}, unit="s"),
    ),
    ChartSpec(
        "stability",
        _("The machine's own speed, block by block"),
        x=Axis({"": _("Run, the oldest first")}),
        y=Axis({"": _("Matrix product")}, unit="GFLOP/s"),
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
