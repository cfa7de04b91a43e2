"""What a page's address asks for: the scope, and its cells."""

from __future__ import annotations

from django.http import QueryDict

from runs.findings.cells import CellRow
from runs.selectors.cells import cells_of
from runs.selectors.scopes import Scope, asked_scope


def asked_cells(query: QueryDict) -> tuple[Scope, list[CellRow]]:
    scope = asked_scope(query)
    return scope, cells_of(scope)
