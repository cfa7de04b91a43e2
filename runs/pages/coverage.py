"""What an experiment has measured on a machine, and what is missing: a matrix of workloads by engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.translation import gettext as _

from runs.findings.cells import CellRow
from runs.findings.coverage_matrix import CoverageMatrix
from runs.findings.lines import Rival, rival_words
from runs.models import Experiment
from runs.pages.parts.comparison import runs_url
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.selectors.cells import cells_of_every_task
from runs.selectors.scopes import Scope, scope, scope_of
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import missing_words, on_words, task_words
from runs.words.networks import meaning, network_name
from runs.words.reasons import reason_in_words

SECTION = Section("data", tab="experiments")
MOST_ROWS = 100
"""Workloads on the page; the files have all."""


@dataclass(frozen=True)
class CoveragePage:
    scope: Scope
    found: CoverageMatrix

    @property
    def counts(self) -> list[tuple[int, str]]:
        """How many places have a time, and how many lack one, by why."""
        return [(count, missing_words(outcome)) for outcome, count in self.found.outcomes.most_common()]

    @property
    def left_out(self) -> int:
        return max(0, len(self.found.rows) - MOST_ROWS)

    @property
    def command(self) -> str:
        """What measures the holes: a suite goes on where it stopped."""
        experiment = self.scope.experiment
        return (
            f"python manage.py runbench --suite {experiment.suite} --experiment {experiment.name!r}"
            if experiment
            else ""
        )

    def table(self, most: int | None = None) -> Table:
        columns = [
            Column(_("Workload"), exports=("network", "task", "data", "training")),
            Column(_("On"), exports=("device", "threads")),
        ]
        columns += [Column(rival_words(row), is_number=True) for row in self.found.columns.values()]
        rows = [self._row(first, own) for first, own in self.found.rows[:most]]
        return Table(_("Runs of each workload, by engine and track"), columns, rows)

    def _row(self, first: CellRow, own: Mapping[Rival, CellRow]) -> list[TableCell]:
        on = on_words(first.device, first.threads, counts_one=first.device == "cpu")
        cells = [self._cell(own.get(each)) for each in self.found.columns]
        return [self._workload(first), TableCell(on, values=(first.device, first.threads)), *cells]

    def _workload(self, row: CellRow) -> TableCell:
        """Small: what rows of the same network differ in."""
        differ = self._differing[row.network_type]
        words = {"task": task_words(row.task), "data": row.data_label, "training": row.training}
        return TableCell(
            network_name(row.network_type, row.hidden_layers, row.width, row.options),
            small=", ".join(text for name, text in words.items() if name in differ),
            title=f"{meaning(row.network_type, row.hidden_layers, row.width)}; {row.data_label}, {row.training}",
            values=(str(row.network), row.task, row.data_label, row.training),
        )

    @cached_property
    def _differing(self) -> dict[str, set[str]]:
        """Of each family, what its workloads differ in beside size."""
        seen: dict[str, dict[str, set[str]]] = {}
        for row, _own in self.found.rows:
            own = seen.setdefault(row.network_type, {"task": set(), "data": set(), "training": set()})
            for name, value in (("task", row.task), ("data", row.data_key), ("training", row.training_key)):
                own[name].add(value)
        return {family: {name for name, values in own.items() if len(values) > 1} for family, own in seen.items()}

    def _cell(self, row: CellRow | None) -> TableCell:
        if row is None:
            return TableCell(numbers.NONE, title=missing_words("not_run"), values=("not_run",))
        url = runs_url(row, self.scope.experiment.slug if self.scope.experiment else "")
        if row.outcome == "finished":
            return TableCell(numbers.count(row.finished_runs or len(row.samples)), url=url, values=(len(row.samples),))
        words = missing_words(row.missing_status)
        return TableCell(words, url=url, title=reason_in_words(row.reason), values=(row.outcome,))


def asked_coverage(found: Scope) -> CoveragePage:
    return CoveragePage(found, CoverageMatrix(cells_of_every_task(found)))


def coverage(request: HttpRequest, slug: str) -> HttpResponse:
    experiment = get_object_or_404(Experiment, slug=slug)
    page = asked_coverage(scope_of(experiment, request.GET.get("machine", "")))
    query = request.GET.copy()
    query["experiment"] = slug
    return render_page(
        request,
        "coverage",
        SECTION,
        experiment=experiment,
        scope=page.scope,
        found=page,
        table=page.table(MOST_ROWS),
        csv_url=table_url("coverage", "csv", query.urlencode()),
        table_json_url=table_url("coverage", "json", query.urlencode()),
    )


def coverage_table(query: QueryDict) -> Table:
    return asked_coverage(scope(query.get("experiment", ""), query.get("machine", ""))).table()


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("experiments/<slug:slug>/coverage/", coverage, name="coverage"),)
TABLES = {"coverage": coverage_table}
