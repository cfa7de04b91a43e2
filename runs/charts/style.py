"""How a series is drawn, declared once for charts, legends, tables and exports.

Hue and marker say the backend, the dash says Keras, the fill says depth, the width says track. Where series of a chart
are alike in all of that, since they differ in device, threads or release, each has a tint of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from engines.networks import ARCHITECTURES
from engines.registry import ENGINES

IDIOMATIC_WIDTH = 1.75
TUNED_WIDTH = 3.5
KERAS_DASH = (6, 4)
MOST_TINTS = 3
SHALLOW_LAYERS: Mapping[str, int] = {each.type: each.shallow for each in ARCHITECTURES.values()}
"""Up to so many hidden layers a marker is hollow."""


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
    has_marker: bool = True
    tint: int = 0
    """0 is the hue itself; up to MOST_TINTS, others are mixed of it and the page's ink or ground (components.css)."""

    @property
    def is_dashed(self) -> bool:
        return bool(self.dash)

    @property
    def is_wide(self) -> bool:
        return self.width >= TUNED_WIDTH


TONES: Mapping[str, str] = {
    # verdicts of comparisons
    _("best"): "good",
    _("tie"): "good",
    _("faster"): "good",
    _("slower"): "bad",
    _("unresolved"): "warn",
    _("not enough runs"): "warn",
    # how runs ended; whatever is not here is bad
    _("finished"): "good",
    _("unsupported"): "none",
    _("excluded"): "warn",
    # the gate's words
    _("passed"): "good",
    _("failed"): "bad",
    _("unverified"): "warn",
    # claims, and the answers to their questions
    _("holds"): "good",
    _("mixed"): "warn",
    _("does not hold"): "bad",
    _("cannot be measured today"): "none",
    _("agrees"): "good",
    _("disagrees"): "bad",
    # what a fleet and its machines are at
    _("at work"): "good",
    _("stopped"): "warn",
    _("waiting"): "none",
    _("asked"): "none",
    _("measuring"): "good",
    _("busy"): "warn",
    _("uploading"): "good",
    _("done"): "good",
    _("stuck"): "bad",
    _("absent"): "bad",
}
"""The tone of every word that is shown as a chip."""


@dataclass(frozen=True)
class Chip:
    """A short word on a ground of its own. `tone`: good, bad, warn or none (dashed: nothing was measured)."""

    text: str
    tone: str = "none"


def chip(word: str, otherwise: str = "none") -> Chip:
    """A word in the reader's language, in its tone; `otherwise` is that of a word that has none."""
    return Chip(gettext(word.replace("_", " ")), TONES.get(word, otherwise))


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
STUDY_SHALLOW = Hue("study-shallow", "#7f7f7f", "#9a9a9a")
STUDY_DEEP = Hue("study-deep", "#111111", "#f2f2f2")
RAMP: tuple[Hue, ...] = (
    Hue("ramp-1", "#35a07c", "#5f86d6"),
    Hue("ramp-2", "#1f8f8c", "#4fa0c8"),
    Hue("ramp-3", "#2a7a9b", "#45bfb0"),
    Hue("ramp-4", "#35619f", "#74d488"),
    Hue("ramp-5", "#453f92", "#b4e067"),
    Hue("ramp-6", "#4a1f78", "#f0e36a"),
    Hue("ramp-7", "#2d0b4e", "#fff7c2"),
)
"""A scale from few to many, for series that differ in a number."""
_RAMP_MARKERS = (_CIRCLE, _SQUARE, _TRIANGLE, _DIAMOND, _CROSS, _STAR)
GUIDE_DASH = (2, 4)


def style_for(engine: str, *, network_type: str = "", hidden_layers: int = 1, track: str = "idiomatic") -> SeriesStyle:
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


def in_greys(style: SeriesStyle) -> SeriesStyle:
    """The study's own nomenclature: grey is shallow, black is deep; markers and dashes stay."""
    return replace(style, hue=STUDY_DEEP if style.filled else STUDY_SHALLOW)


def ramp_style(index: int, *, filled: bool, is_keras: bool = False) -> SeriesStyle:
    """The look of the `index`-th of an ordered row of series, such as thread counts."""
    return SeriesStyle(
        hue=RAMP[min(index, len(RAMP) - 1)],
        marker=_RAMP_MARKERS[index % len(_RAMP_MARKERS)],
        dash=KERAS_DASH if is_keras else (),
        filled=filled,
        width=IDIOMATIC_WIDTH,
    )


def guide_style() -> SeriesStyle:
    """A line that nobody measured: an ideal."""
    return SeriesStyle(_HUES["other"], _STAR, GUIDE_DASH, filled=False, width=1.5, has_marker=False)


def publication_style() -> SeriesStyle:
    """A value that the study printed."""
    return SeriesStyle(STUDY_DEEP, _STAR, (), filled=True, width=IDIOMATIC_WIDTH)
