"""The list of runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.networks import ARCHITECTURES
from engines.registry import ENGINES
from runs.models import DEVICES, STATUSES, Experiment, Machine
from runs.pages.parts.lists import runs_table
from runs.pages.parts.rendering import render_page, tab
from runs.selectors.runs import (
    RUN_FILTERS,
    run_page,
)
from runs.selectors.scopes import OFFERED

SECTION = tab("runs", gettext_noop("Runs"))


def runs(request: HttpRequest) -> HttpResponse:
    wished = {name: request.GET.get(name, "") for name in RUN_FILTERS}
    sort = request.GET.get("sort", "")
    page = run_page(wished, request.GET.get("before", ""), sort, request.GET.get("page", ""))
    return render_page(
        request,
        "run_list",
        SECTION,
        page=page,
        table=replace(runs_table(page.runs), sorted_by=sort),
        sort=sort,
        filters=_run_filters(wished),
        other_filters={name: value for name, value in wished.items() if value and name not in _OFFERED_RUN_FILTERS},
        is_filtered=any(wished.values()),
    )


_OFFERED_RUN_FILTERS = ("experiment", "machine", "engine", "network", "device", "status")


def _run_filters(wished: dict[str, str]) -> list[dict[str, Any]]:
    """Each with its choices; one that was asked for and is not offered stays, as it was typed."""
    choices: dict[str, list[tuple[str, str]]] = {
        "experiment": list(Experiment.objects.values_list("slug", "name")[:OFFERED]),
        "machine": [(str(pk), name) for pk, name in Machine.objects.values_list("pk", "name")[:OFFERED]],
        "engine": [(slug, info.title) for slug, info in ENGINES.items()],
        "network": [(each.type, each.title) for each in ARCHITECTURES.values()],
        "device": [(value, value.upper()) for value, _ in DEVICES],
        "status": STATUSES,
    }
    for name, offered in choices.items():
        if wished[name] and wished[name] not in dict(offered):
            offered.append((wished[name], wished[name]))
    return [
        {"name": name, "title": _(name.capitalize()), "choices": offered, "value": wished[name]}
        for name, offered in choices.items()
    ]


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("runs/", runs, name="runs"),)
