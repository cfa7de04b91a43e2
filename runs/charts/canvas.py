"""A picture drawn by Pillow, in the light theme: text that is cut where it would not fit, dashed lines, the markers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import pairwise
from math import ceil, cos, dist, radians, sin

from django.contrib.staticfiles import finders
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

from runs.charts.style import SeriesStyle

BACKGROUND, SURFACE, INK, MUTED, LINE, ACCENT = "#fafaf7", "#ffffff", "#1c2430", "#586374", "#e2e3df", "#1d5bb8"
WARN, WARN_GROUND = "#8a5a00", "#f8efdc"
REGULAR, BOLD = 450, 700
"""The font's weights."""
_SHARPNESS = 2
"""Drawn so many times larger, and then made smaller: Pillow's lines have hard edges."""
_TINTS = {1: (0.55, INK), 2: (0.60, SURFACE), 3: (0.25, INK)}
"""As in components.css: how much of a series' hue is left, and what it is mixed with."""
_FONT_FILE = "vendor/inter/inter-latin-wght-normal.woff2"
_DRAWABLE = ((0x20, 0x17F), (0x2010, 0x2027), (0x2212, 0x2212))
"""Of the characters that the font has those that names and numbers need: others would be drawn as a box with words."""

Place = tuple[float, float]


class Canvas:
    """Places and sizes are in pixels of the finished picture, from its upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _SHARPNESS, height * _SHARPNESS), BACKGROUND)
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        out = BytesIO()
        self._image.resize((self.width, self.height), Image.Resampling.BOX).save(out, "PNG", optimize=False)
        return out.getvalue()

    # ------------------------------------------------------------ text

    def text(
        self,
        at: Place,
        words: str,
        size: int,
        *,
        weight: int = REGULAR,
        colour: str = INK,
        anchor: str = "ls",
        room: float = 1e9,
    ) -> float:
        """Cut with an ellipsis where it is wider than `room`; how wide it is. `anchor` is Pillow's: ls, ms, rs, lm …"""
        font = _font(size * _SHARPNESS, weight)
        shown = _cut(drawable(words), lambda part: font.getlength(part) <= room * _SHARPNESS)
        self._draw.text(self._scaled(at), shown, font=font, fill=colour, anchor=anchor)
        return float(font.getlength(shown)) / _SHARPNESS

    def lines(self, words: str, size: int, room: float, most: int) -> list[str]:
        """The words broken at spaces, into so many lines at most: the last is left as long as it is."""
        found = [""]
        for word in words.split():
            longer = f"{found[-1]} {word}".lstrip()
            if not found[-1] or len(found) == most or self.width_of(longer, size) <= room:
                found[-1] = longer
            else:
                found.append(word)
        return found

    def width_of(self, words: str, size: int, weight: int = REGULAR) -> float:
        return float(_font(size * _SHARPNESS, weight).getlength(drawable(words))) / _SHARPNESS

    # ------------------------------------------------------------ shapes

    def rectangle(self, upper_left: Place, lower_right: Place, colour: str, radius: float = 0) -> None:
        box = (*self._scaled(upper_left), *self._scaled(lower_right))
        self._draw.rounded_rectangle(box, radius * _SHARPNESS, fill=colour)

    def line(self, places: Sequence[Place], colour: str, width: float = 1, dash: Sequence[int] = ()) -> None:
        for piece in dashes(places, dash) if dash else [places]:
            scaled = [self._scaled(place) for place in piece]
            self._draw.line(scaled, fill=colour, width=max(1, round(width * _SHARPNESS)), joint="curve")

    def marker(self, at: Place, style: SeriesStyle, radius: float) -> None:
        colour = colour_of(style)
        outline = outline_of(style.marker.name, at, radius)
        if not outline:  # of strokes alone
            for angle in _STROKES[style.marker.name]:
                away = (radius * cos(radians(angle)), radius * sin(radians(angle)))
                self.line([(at[0] - away[0], at[1] - away[1]), (at[0] + away[0], at[1] + away[1])], colour, 2.5)
            return
        scaled = [self._scaled(place) for place in outline]
        self._draw.polygon(scaled, fill=colour if style.filled else SURFACE)
        self.line([*outline, outline[0], outline[1]], colour, 2.5)

    def _scaled(self, place: Place) -> Place:
        return place[0] * _SHARPNESS, place[1] * _SHARPNESS


_STROKES: Mapping[str, Sequence[int]] = {"cross": (45, 135), "star": (0, 45, 90, 135)}
_CORNERS: Mapping[str, tuple[int, float]] = {
    "circle": (24, 0),
    "square": (4, 45),
    "triangle": (3, -90),
    "diamond": (4, 0),
}
"""Of each marker with an inside its corners, and where the first is, in degrees."""


def outline_of(marker: str, at: Place, radius: float) -> list[Place]:
    """The corners around a place; empty for a marker that has no inside."""
    if marker not in _CORNERS:
        return []
    corners, first = _CORNERS[marker]
    turns = [radians(first + 360 * number / corners) for number in range(corners)]
    return [(at[0] + radius * cos(turn), at[1] + radius * sin(turn)) for turn in turns]


def colour_of(style: SeriesStyle) -> str:
    """`#rrggbb`: the light theme's hue, or its tint."""
    if style.tint not in _TINTS:
        return style.hue.light
    share, other = _TINTS[style.tint]
    pairs = zip(_channels(style.hue.light), _channels(other), strict=True)
    return "#" + "".join(f"{round(share * own + (1 - share) * mixed):02x}" for own, mixed in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def dashes(places: Sequence[Place], dash: Sequence[int]) -> list[list[Place]]:
    """The pieces of a line that are drawn: `dash` is how long it is, and how long the gap after it."""
    drawn, period = dash[0], sum(dash)
    pieces: list[list[Place]] = []
    walked = 0.0
    for start, end in pairwise(places):
        length = dist(start, end)
        for number in range(int(walked // period), ceil((walked + length) / period)):
            first, last = max(number * period, walked), min(number * period + drawn, walked + length)
            if length and first < last:
                pieces.append([_between(start, end, (place - walked) / length) for place in (first, last)])
        walked += length
    return pieces


def _between(start: Place, end: Place, share: float) -> Place:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def drawable(words: str) -> str:
    """With a question mark for each character that the font has not."""
    return "".join(each if any(low <= ord(each) <= high for low, high in _DRAWABLE) else "?" for each in words)


def _cut(words: str, fits: Callable[[str], bool]) -> str:
    if fits(words):
        return words
    kept = next((length for length in range(len(words) - 1, 0, -1) if fits(words[:length].rstrip() + "…")), 0)
    return words[:kept].rstrip() + "…"


@lru_cache(maxsize=32)
def _font(size: int, weight: int) -> FreeTypeFont:
    """The site's own; Pillow's where the front-end libraries are not installed."""
    found = finders.find(_FONT_FILE)
    if not found:
        fallback = ImageFont.load_default(size)
        assert isinstance(fallback, FreeTypeFont), "Pillow is built with FreeType"
        return fallback
    font = ImageFont.truetype(str(found), size)
    font.set_variation_by_axes([weight])
    return font
