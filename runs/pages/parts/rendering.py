"""What all pages share when they are rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_noop as _

SITE_CARD = "site"
"""The card image of pages without a chart, where others are named as their chart is."""


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


def kept_for_visitors(seconds: int) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """An answer that caches on the way may keep so long. What a reader sees who is signed in is nobody else's."""

    def decorated(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            answer = view(request, *args, **kwargs)
            of_one = request.user.is_authenticated
            patch_cache_control(answer, max_age=seconds, **({"private": True} if of_one else {"public": True}))
            return answer

        return kept

    return decorated
