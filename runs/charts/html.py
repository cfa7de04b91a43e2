"""Swatches, sketches and forest plots as HTML. In Python, as a table's rows are: a page has hundreds of them."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from runs.charts.forest import Forest, PlacedMark
from runs.charts.sketch import Sketch, SketchedSeries
from runs.charts.style import Chip, SeriesStyle


@lru_cache(maxsize=1000)
def swatch(style: SeriesStyle) -> SafeString:
    """A piece of the series' line with its marker, as in a legend."""
    marker = f'<path class="{marker_class(style)}" transform="translate(15 6)" d="{style.marker.path}"/>'
    return mark_safe(  # noqa: S308 - a style's parts are this site's own
        '<svg class="swatch" viewBox="0 0 30 12" aria-hidden="true">'
        f'<path class="{line_class(style)}" d="M1 6h28"/>{marker if style.has_marker else ""}</svg>'
    )


def marker_class(style: SeriesStyle) -> str:
    return f"mark {_colour_class(style)} {'mark-filled' if style.filled else 'mark-hollow'}"


def line_class(style: SeriesStyle) -> str:
    dashed, wide = " mark-dashed" if style.is_dashed else "", " mark-wide" if style.is_wide else ""
    return f"mark-line {_colour_class(style)}{dashed}{wide}"


def _colour_class(style: SeriesStyle) -> str:
    return f"hue-{style.hue.name}{f' tint-{style.tint}' if style.tint else ''}"


def sketch_svg(drawing: Sketch) -> SafeString:
    """A gallery has twenty, of some fifty markers each."""
    axis = '<path class="sketch-axis" d="M4 4V128H236"/>'
    series = "".join(map(_sketched, drawing.series))
    return mark_safe(  # noqa: S308 - numbers, and styles of this site's own
        f'<svg class="sketch" viewBox="{drawing.view_box}" aria-hidden="true">{axis}{series}</svg>'
    )


def _sketched(series: SketchedSeries) -> str:
    marker = f'<path class="{marker_class(series.style)}" d="{series.style.marker.path}" transform="translate('
    markers = "".join([f'{marker}{x} {y}) scale(.62)"/>' for x, y in series.points])
    return f'<path class="{line_class(series.style)}" d="{series.path}"/>{markers}'


def forest_rows(plot: Forest, has_times: bool) -> SafeString:
    """Of `has_times`, with the band of a tie and the line at 1 behind each."""
    ground = _ground(plot) if has_times else ""
    return mark_safe("\n".join([_row(placed, ground) for placed in plot.rows]))  # noqa: S308 - texts are escaped below


def _ground(plot: Forest) -> str:
    return (
        f'<rect class="forest-band" x="{plot.band_x}" y="0" width="{plot.band_width}" height="100%"/>'
        f'<line class="forest-one" x1="{plot.one_x}" x2="{plot.one_x}" y1="0" y2="100%"/>'
    )


def _row(placed: PlacedMark, ground: str) -> str:
    mark = placed.mark
    words = escape(mark.words)
    aloud = words or escape(gettext("no time"))
    return (
        f'<div class="forest-row" role="row"><span class="forest-name" role="rowheader">{escape(mark.title)}</span>'
        f'<span class="forest-plot" role="cell"><span class="visually-hidden">{aloud}</span>'
        f'<svg class="forest-svg" aria-hidden="true">{ground}{_interval(placed)}{_point(placed, words)}</svg></span>'
        f'<span class="forest-ratio" role="cell">{escape(mark.ratio)}</span>'
        f'<span class="forest-verdict" role="cell">{_chip(mark.chip, mark.reason)}</span></div>'
    )


def _interval(placed: PlacedMark) -> str:
    if not placed.low_x:
        return ""
    ends = f'x1="{placed.low_x}" x2="{placed.high_x}" y1="50%" y2="50%"'
    return f'<line class="{line_class(placed.mark.style)}" {ends}/>'


def _point(placed: PlacedMark, words: str) -> str:
    if not placed.x:
        return ""
    style = placed.mark.style
    marker = f'<path class="{marker_class(style)}" d="{style.marker.path}"><title>{words}</title></path>'
    return f'<svg x="{placed.x}" y="50%" overflow="visible">{marker}</svg>'


def _chip(chip: Chip, why: str) -> str:
    title = f' title="{escape(why)}"' if why else ""
    return f'<span class="chip chip-{escape(chip.tone)}"{title}>{escape(chip.text)}</span>'
