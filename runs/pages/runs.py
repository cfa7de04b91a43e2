"""The list of runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.pages.parts.lists import run_order, runs_table
from runs.pages.parts.rendering import render_page, tab
from runs.selectors.runs import RUN_FILTERS, run_page, total

SECTION = tab("runs", gettext_noop("Runs"))


def runs(request: HttpRequest) -> HttpResponse:
    wished = {name: request.GET.get(name, "") for name in RUN_FILTERS}
    sort = request.GET.get("sort", "")
    page = run_page(wished, request.GET.get("before", ""), run_order(sort), request.GET.get("page", ""))
    return render_page(
        request,
        "run_list",
        SECTION,
        page=page,
        total=total(wished),
        table=replace(runs_table(page.runs), sorted_by=sort),
        sort=sort,
        filters=_run_filters(wished),
        other_filters={name: value for name, value in wished.items() if value and not RUN_FILTERS[name].choices},
        is_filtered=any(wished.values()),
    )


def _run_filters(wished: dict[str, str]) -> list[dict[str, Any]]:
    """Each with its choices; one that was asked for and is not offered stays, as it was typed."""
    found = []
    for name, each in RUN_FILTERS.items():
        if each.choices:
            offered = list(each.choices())
            if wished[name] and wished[name] not in dict(offered):
                offered.append((wished[name], wished[name]))
            found.append({"name": name, "title": _(each.title), "choices": offered, "value": wished[name]})
    return found


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("runs/", runs, name="runs"),)
