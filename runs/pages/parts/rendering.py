"""What all pages share when they are rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_noop as _


@dataclass(frozen=True)
class Section:
    """Where a page stands in the site's navigation. Without a title it stands in none, but belongs to that of `key`."""

    key: str
    title: str = ""
    route: str = ""
    """The name of the address that the entry leads to."""
    tab: str = ""
    """The tab under Data, for the pages of what is stored."""


DATA = Section("data", _("Data"), "runs")


def tab(route: str, title: str) -> Section:
    """A tab under Data, named as its address is."""
    return Section(DATA.key, title, route, tab=route)


def render_page(request: HttpRequest, template: str, section: Section, **context: Any) -> HttpResponse:
    return render(request, f"runs/{template}.html", {"section": section.key, "tab": section.tab, **context})


def chart_url(slug: str, query: str) -> str:
    """Where a chart's JSON is, for a query string."""
    return reverse("chart", args=[slug]) + (f"?{query}" if query else "")


def table_url(slug: str, form: str, query: str) -> str:
    """Where a table's file is, for a query string."""
    return reverse("table", args=[slug, form]) + (f"?{query}" if query else "")
