"""What all pages share when they are rendered."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_noop as _

DATA_PAGES = (
    ("runs", _("Runs")),
    ("experiments", _("Experiments")),
    ("machines", _("Machines")),
    ("environments", _("Environments")),
    ("engines", _("Engines")),
)
SECTIONS = (
    ("home", "answers", _("Answers")),
    ("figures", "figures", _("Figures")),
    ("explore", "explore", _("Explore")),
    ("speed-ups", "speed-ups", _("Speed-ups")),
    ("threads", "threads", _("Threads")),
    ("claims", "claims", _("Claims")),
    ("compare", "compare", _("Compare")),
    ("runs", "data", _("Data")),
)
"""The main navigation: the address' name, the section and the word."""


def render_page(request: HttpRequest, template: str, section: str, **context: Any) -> HttpResponse:
    """`section` is the entry of the main navigation that the page belongs to."""
    return render(request, f"runs/{template}.html", {"section": section, **context})


def chart_url(slug: str, query: str) -> str:
    """Where a chart's JSON is, for a query string."""
    return reverse("chart", args=[slug]) + (f"?{query}" if query else "")


def table_url(slug: str, form: str, query: str) -> str:
    """Where a table's file is, for a query string."""
    return reverse("table", args=[slug, form]) + (f"?{query}" if query else "")
