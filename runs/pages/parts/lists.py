"""What lists of stored things share: their pages, orders and searches, and the cells of their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from django.utils.translation import gettext_noop

from runs.charts.style import SeriesStyle, chip, style_for
from runs.models import Run, Workload
from runs.pages.parts.rendering import Section, render_page
from runs.selectors.coverage import Extent
from runs.selectors.runs import Order
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import data_name, on_words, replicas_words, task_words
from runs.words.engines import engine_title
from runs.words.networks import meaning, network_name
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


@dataclass(frozen=True)
class RunColumn:
    """A column of the list of runs. Where the address says `sort`, the database sorts by its column `order`."""

    title: str
    cell: Callable[[Run], TableCell]
    is_number: bool = False
    sort: str = ""
    order: str = ""


def _style_of(run: Run) -> SeriesStyle:
    network = run.workload
    return style_for(
        run.engine, network_type=network.network_type, hidden_layers=network.hidden_layers, track=run.track
    )


def _network_of(run: Run) -> str:
    found = run.workload
    name = network_name(found.network_type, found.hidden_layers, found.width, found.options)
    return name if found.task == "train" else f"{name}, {task_words(found.task)}"


def _meaning_of(run: Run) -> str:
    found = run.workload
    return meaning(found.network_type, found.hidden_layers, found.width)


_LONGEST_REASON = 90


def _shortened(reason: str) -> str:
    """Why a run has no time, for a list: its beginning, in the reader's language where it is one of ours."""
    words = reason_in_words(reason)
    return words if len(words) <= _LONGEST_REASON else f"{words[: _LONGEST_REASON - 1].rstrip()}…"


def time_words(run: Run) -> str:
    """Of an epoch in seconds, of a call in milliseconds."""
    return numbers.seconds(run.seconds) if run.workload.task == "train" else numbers.milliseconds(run.seconds)


def _on(run: Run) -> str:
    where = on_words(run.device, run.threads)
    return where if run.workload.replicas == 1 else f"{where}, {replicas_words(run.workload.replicas)}"


def _data_of(run: Run) -> str:
    return data_name(run.workload.dataset, is_synthetic=run.workload.is_synthetic)


def _samples_of(run: Run) -> int:
    """Of what is timed: an epoch's, or a call's."""
    workload: Workload = run.workload
    return workload.train_samples if workload.task == "train" else workload.batch_size


RUN_COLUMNS: tuple[RunColumn, ...] = (
    RunColumn(
        gettext_noop("Run"),
        lambda run: TableCell(engine_title(run.engine), url=run.get_absolute_url(), style=_style_of(run)),
    ),
    RunColumn(
        gettext_noop("Network"),
        lambda run: TableCell(_network_of(run), title=_meaning_of(run)),
    ),
    RunColumn(
        gettext_noop("Data"),
        lambda run: TableCell(_data_of(run), small=numbers.count(_samples_of(run)), small_title=_("samples")),
    ),
    RunColumn(gettext_noop("On"), lambda run: TableCell(_on(run))),
    RunColumn(
        gettext_noop("Epoch or call"),
        lambda run: TableCell(time_words(run)),
        is_number=True,
        sort="seconds",
        order="seconds",
    ),
    RunColumn(
        gettext_noop("Whole process"),
        lambda run: TableCell(numbers.seconds(run.lasted_seconds)),
        is_number=True,
        sort="lasted",
        order="lasted_seconds",
    ),
    RunColumn(
        gettext_noop("Status"),
        lambda run: TableCell(
            chip=chip(run.status, "bad"), small=_shortened(run.reason), title=reason_in_words(run.reason)[:300]
        ),
    ),
    RunColumn(
        gettext_noop("Experiment"),
        lambda run: TableCell(run.experiment.name, url=reverse("experiment", args=[run.experiment.slug])),
    ),
    RunColumn(
        gettext_noop("Machine"),
        lambda run: TableCell(run.machine.name, url=reverse("machine", args=[run.machine.pk])),
    ),
    RunColumn(
        gettext_noop("Finished"), lambda run: TableCell(when(run.finished_at)), sort="finished", order="finished_at"
    ),
)


def run_order(sort: str) -> Order | None:
    """What the address asks for, a minus for the largest first; None is the newest first, as every list begins."""
    column = next((each for each in RUN_COLUMNS if each.sort and each.sort == sort.removeprefix("-")), None)
    if column is None or sort == "-finished":
        return None
    return Order(column.order, is_descending=sort.startswith("-"))


def runs_table(runs: Sequence[Run], caption: str = "", *, without: str = "") -> Table:
    """`without` names a column that would say the same in every row."""
    shown = [column for column in RUN_COLUMNS if column.title != without]
    columns = [Column(_(column.title), is_number=column.is_number, sort=column.sort) for column in shown]
    return Table(
        caption or _("Runs, the newest first"), columns, [[column.cell(run) for column in shown] for run in runs]
    )


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
