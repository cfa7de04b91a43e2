"""Marks drawn as SVG in the page: no inline style, so that the content security policy stays strict."""

from __future__ import annotations

from typing import Any

from django import template

from runs.charts.style import SeriesStyle

register = template.Library()


@register.inclusion_tag("runs/parts/swatch.html")
def swatch(style: SeriesStyle) -> dict[str, Any]:
    """A piece of the series' line with its marker, as in a legend."""
    return {"style": style}


@register.filter
def marker_class(style: SeriesStyle) -> str:
    return f"mark hue-{style.hue.name} {'mark-filled' if style.filled else 'mark-hollow'}"


@register.filter
def line_class(style: SeriesStyle) -> str:
    return f"mark-line hue-{style.hue.name}{' mark-dashed' if style.is_dashed else ''}"
