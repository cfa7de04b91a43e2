"""What lists of stored things share: their pages, orders and searches, and the cells of their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runs.charts.style import style_for
from runs.models import Run
from runs.pages.parts.cells import status_chip
from runs.pages.parts.rendering import Section, render_page
from runs.selectors.coverage import Extent
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import data_name
from runs.words.networks import network_name
from runs.words.reasons import reason_in_words

LIST_PAGE = 50


def listed(request: HttpRequest, objects: QuerySet[Any]) -> Page[Any]:
    return Paginator(objects, LIST_PAGE).get_page(request.GET.get("page"))


def keys(page: Page[Any]) -> list[int]:
    return [row.pk for row in page.object_list]


def render_list(request: HttpRequest, section: Section, page: Page[Any], table: Table) -> HttpResponse:
    table = replace(table, sorted_by=request.GET.get("sort", ""))
    return render_page(
        request, "list", section, title=_(section.title), page=page, table=table, q=request.GET.get("q", "")
    )


def ordered(
    objects: QuerySet[Any], request: HttpRequest, orders: Mapping[str, str], searched: Sequence[str]
) -> QuerySet[Any]:
    """By what the address asks for: a search in some columns, and an order by one."""
    words = request.GET.get("q", "").replace("\0", "")[:100]
    if words:
        objects = objects.filter(reduce(or_, (Q(**{f"{name}__icontains": words}) for name in searched)))
    sort = request.GET.get("sort", "")
    column = orders.get(sort.lstrip("-"))
    return objects.order_by(("-" if sort.startswith("-") else "") + column, "pk") if column else objects


def when(moment: datetime | None) -> str:
    return date_format(moment, "j M Y, H:i") if moment else numbers.NONE


def number_columns(*titles: str) -> list[Column]:
    return [Column(title, is_number=True) for title in titles]


def runs_table(runs: Sequence[Run], caption: str = "", *, without: str = "") -> Table:
    """`without` names a column that would say the same in every row."""
    columns = [Column(_("Run")), Column(_("Network")), Column(_("Data")), Column(_("Samples"), is_number=True)]
    columns += [Column(_("On"))]
    columns += [Column(_("Time per epoch"), is_number=True, sort="seconds"), Column(_("Status"))]
    columns += [Column(_("Experiment")), Column(_("Machine")), Column(_("Finished"), sort="finished")]
    kept = [index for index, column in enumerate(columns) if column.title != without]
    rows = [_run_row(run) for run in runs]
    return Table(
        caption or _("Runs, the newest first"),
        [columns[index] for index in kept],
        [[row[index] for index in kept] for row in rows],
    )


def _run_row(run: Run) -> list[TableCell]:
    workload = run.workload
    style = style_for(
        run.engine, network_type=workload.network_type, hidden_layers=workload.hidden_layers, track=run.track
    )
    return [
        TableCell(run.engine_title, url=run.get_absolute_url(), style=style),
        TableCell(network_name(workload.network_type, workload.hidden_layers, workload.width)),
        TableCell(data_name(workload.dataset, is_synthetic=workload.is_synthetic)),
        TableCell(numbers.count(workload.train_samples)),
        TableCell(on_words(run.device, run.threads)),
        TableCell(numbers.seconds(run.epoch_seconds)),
        TableCell(chip=status_chip(run.status), title=reason_in_words(run.reason)[:300]),
        TableCell(run.experiment.name, url=reverse("experiment", args=[run.experiment.slug])),
        TableCell(run.machine.name, url=reverse("machine", args=[run.machine.pk])),
        TableCell(when(run.finished_at)),
    ]


def on_words(device: str, threads: int) -> str:
    words = ngettext("{device}, {n} thread", "{device}, {n} threads", threads)
    return words.format(device=device.upper(), n=numbers.count(threads))


def counts(extent: Extent, *names: str) -> list[TableCell]:
    return [TableCell(numbers.count(getattr(extent, name))) for name in names]


def facts_table(caption: str, facts: Mapping[str, Any], titles: tuple[str, str] | None = None) -> Table:
    """Two columns: a name and what it is."""
    titles = titles or (_("What"), _("Value"))
    rows = [[TableCell(str(name)), TableCell(str(value))] for name, value in facts.items()]
    return Table(caption, [Column(titles[0]), Column(titles[1], wraps=True)], rows, hides_head=True)


def number(value: Any) -> str:
    found = whole(value)
    return numbers.NONE if found is None else numbers.count(found)


def whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
