"""Marks drawn as SVG in the page: no inline style, so that the content security policy stays strict."""

from __future__ import annotations

from django import template

from runs import forest_html, table_html

register = template.Library()
register.simple_tag(table_html.swatch, name="swatch")
register.simple_tag(table_html.body, name="table_body")
register.simple_tag(forest_html.rows, name="forest_rows")
register.filter("marker_class", table_html.marker_class)
register.filter("line_class", table_html.line_class)
