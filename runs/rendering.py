"""What all pages share when they are rendered."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

DATA_PAGES = (
    ("runs", "Runs"),
    ("experiments", "Experiments"),
    ("machines", "Machines"),
    ("environments", "Environments"),
    ("engines", "Engines"),
)


def render_page(request: HttpRequest, template: str, section: str, **context: Any) -> HttpResponse:
    """`section` is the entry of the main navigation that the page belongs to."""
    return render(request, f"runs/{template}.html", {"section": section, "data_pages": DATA_PAGES, **context})


def chart_url(slug: str, query: str) -> str:
    """Where a chart's JSON is, for a query string."""
    return reverse("chart", args=[slug]) + (f"?{query}" if query else "")
