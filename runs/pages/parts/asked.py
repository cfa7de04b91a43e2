"""What a page's address asks for: the scope, and its cells."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import QueryDict

from engines.contract import Task
from runs.findings.cells import CellRow
from runs.selectors.cells import cells_of
from runs.selectors.scopes import Scope, asked_scope


def asked_cells(query: QueryDict, task: Task = "train", scope: Scope | None = None) -> tuple[Scope, list[CellRow]]:
    """`scope` is the query's, where it is at hand."""
    scope = scope or asked_scope(query, task)
    return scope, cells_of(scope, task)


def scope_query(scope: Scope) -> str:
    """The same scope as a query string; empty where nothing is stored."""
    experiment, machine = scope.experiment, scope.machine
    return urlencode({"experiment": experiment.slug, "machine": machine.pk}) if experiment and machine else ""
