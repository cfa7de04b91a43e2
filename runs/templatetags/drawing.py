"""Marks drawn as SVG in the page: no inline style, so that the content security policy stays strict."""

from __future__ import annotations

from django import template

from runs.charts import html
from runs.charts.html import swatch
from runs.tables.html import body

register = template.Library()
register.simple_tag(swatch, name="swatch")
register.simple_tag(body, name="table_body")
register.simple_tag(html.forest_rows, name="forest_rows")
register.simple_tag(html.sketch_svg, name="sketch_svg")
