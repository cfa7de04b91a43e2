"""How a series is drawn, declared once for charts, legends, tables and exports.

Hue and marker say the backend, the dash says Keras, the fill says depth, the width says track.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engines.registry import ENGINES

IDIOMATIC_WIDTH = 1.75
TUNED_WIDTH = 3.5
KERAS_DASH = (6, 4)
SHALLOW_LAYERS: Mapping[str, int] = {"mlp": 8, "cnn": 1}
"""Up to so many hidden layers a marker is hollow."""
NOMENCLATURE_LAYERS: Mapping[str, tuple[int, ...]] = {"mlp": (8, 16), "cnn": (1, 2)}
"""The depths that the study's figures draw."""


@dataclass(frozen=True)
class Hue:
    """One colour for each theme; `name` is the CSS custom property without its dashes."""

    name: str
    light: str
    dark: str


@dataclass(frozen=True)
class Marker:
    """`point_style` is Chart.js' name; `path` draws the same in SVG around (0, 0), about 10 units wide."""

    name: str
    point_style: str
    path: str


@dataclass(frozen=True)
class SeriesStyle:
    hue: Hue
    marker: Marker
    dash: tuple[int, ...]
    filled: bool
    width: float

    @property
    def is_dashed(self) -> bool:
        return bool(self.dash)


@dataclass(frozen=True)
class Chip:
    """A short word on a ground of its own. `tone`: good, bad, warn or none (dashed: nothing was measured)."""

    text: str
    tone: str = "none"


_CIRCLE = Marker("circle", "circle", "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z")
_SQUARE = Marker("square", "rect", "M-4-4h8v8h-8z")
_TRIANGLE = Marker("triangle", "triangle", "M0-4.8L4.8 3.8h-9.6z")
_DIAMOND = Marker("diamond", "rectRot", "M0-5.4L5.4 0L0 5.4L-5.4 0z")
_CROSS = Marker("cross", "crossRot", "M-4-4L4 4M-4 4L4-4")
_STAR = Marker("star", "star", "M-4.5 0h9M0-4.5v9M-3.2-3.2l6.4 6.4M-3.2 3.2l6.4-6.4")

HUES: tuple[Hue, ...] = (
    Hue("theano", "#205493", "#5b9bd5"),
    Hue("tensorflow", "#c07000", "#f5a142"),
    Hue("jax", "#10a085", "#8fe6d2"),
    Hue("torch", "#9b1c4a", "#f0457f"),
    Hue("pytensor", "#7040c8", "#a06bf0"),
    Hue("other", "#586374", "#9ca8b8"),
)
_HUES = {hue.name: hue for hue in HUES}
MARKERS: Mapping[str, Marker] = {
    "theano": _CIRCLE,
    "tensorflow": _SQUARE,
    "jax": _TRIANGLE,
    "torch": _DIAMOND,
    "pytensor": _CROSS,
    "other": _STAR,
}


def style_for(
    engine: str, *, network_type: str = "mlp", hidden_layers: int = 16, track: str = "idiomatic"
) -> SeriesStyle:
    """The style of an engine at a depth. An engine that this site does not know is drawn in grey, with a star."""
    info = ENGINES.get(engine)
    backend = info.backend if info and info.backend in _HUES else "other"
    return SeriesStyle(
        hue=_HUES[backend],
        marker=MARKERS[backend],
        dash=KERAS_DASH if info and info.is_keras else (),
        filled=hidden_layers > SHALLOW_LAYERS.get(network_type, 0),
        width=TUNED_WIDTH if track == "tuned" else IDIOMATIC_WIDTH,
    )


def point_radius(network_type: str, hidden_layers: int) -> float:
    """Deeper is larger, so that four depths of one engine can be told apart where fill alone says two."""
    shallow = SHALLOW_LAYERS.get(network_type, 1)
    return max(3.0, 4.0 + hidden_layers.bit_length() - shallow.bit_length())
