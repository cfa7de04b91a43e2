"""What a page's address asks for: the scope, and its cells."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, QueryDict

from engines.contract import Task
from runs.findings.cells import CellRow
from runs.selectors.cells import cells_of
from runs.selectors.scopes import Scope, asked_scope


def asked_cells(query: QueryDict, task: Task = "train", scope: Scope | None = None) -> tuple[Scope, list[CellRow]]:
    """`scope` is the query's, where it is at hand."""
    scope = scope or asked_scope(query, task)
    return scope, cells_of(scope, task)


def pinned_scope(query: QueryDict) -> Scope:
    """For what stands in other pages: it never shows something else than it was made for.

    Raises Http404 where the experiment or machine that it names is gone, or private.
    """
    experiment, machine = query.get("experiment"), query.get("machine")
    found = asked_scope(query)
    if experiment and (found.experiment is None or found.experiment.slug != experiment):
        raise Http404(f"There is no experiment {experiment!r} that you may see.")
    if machine and (found.machine is None or str(found.machine.pk) != machine):
        of = found.experiment.name if found.experiment else "This site"
        raise Http404(f"{of} has no machine {machine!r}.")
    return found


def scope_query(scope: Scope) -> str:
    """The same scope as a query string; empty where nothing is stored."""
    experiment, machine = scope.experiment, scope.machine
    return urlencode({"experiment": experiment.slug, "machine": machine.pk}) if experiment and machine else ""
