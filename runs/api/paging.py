"""Pages by cursor: as fast on the last as on the first, whatever is stored meanwhile."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from runs.api.queries import QueryError
from runs.records.run_records import aware_time

Position = list[Any]


@dataclass(frozen=True)
class Order:
    """By a column and then the primary key; by the key alone if `column` is `id`."""

    column: str
    descending: bool

    @property
    def fields(self) -> list[str]:
        sign = "-" if self.descending else ""
        return [f"{sign}{name}" for name in dict.fromkeys([self.column, "id"])]

    def position(self, row: Any) -> Position:
        value = getattr(row, self.column)
        return [value.isoformat() if isinstance(value, datetime) else value, row.pk]

    def after(self, rows: QuerySet[Any], position: Position) -> QuerySet[Any]:
        """Written so that a database walks its index from there."""
        value, key = position
        if self.column == "id":
            return rows.filter(**{f"id__{'lt' if self.descending else 'gt'}": key})
        bound, past = ("lte", "gte") if self.descending else ("gte", "lte")
        return rows.filter(**{f"{self.column}__{bound}": value}).exclude(**{self.column: value, f"id__{past}": key})


@dataclass(frozen=True)
class Page:
    rows: Sequence[Any]
    next: str | None
    """The cursor of the next page; None on the last."""


ORDERS = {
    "-finished_at": Order("finished_at", descending=True),
    "finished_at": Order("finished_at", descending=False),
    "-received": Order("id", descending=True),
    "received": Order("id", descending=False),
}


def page(rows: QuerySet[Any], order: Order, *, limit: int, cursor: str | None) -> Page:
    """Raises QueryError for what is no cursor of this order."""
    found = rows.order_by(*order.fields)
    if cursor:
        found = order.after(found, _decoded(cursor, order))
    shown = list(found[: limit + 1])
    more = len(shown) > limit
    return Page(shown[:limit], _encoded(order.position(shown[limit - 1])) if more else None)


def _encoded(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _decoded(cursor: str, order: Order) -> Position:
    try:
        value, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if type(key) is not int or not 0 < key < 2**63:
            raise ValueError(key)
        if order.column != "id":
            value = aware_time(value)
    except (ValueError, TypeError, RecursionError):
        problem = {"field": "cursor", "value": cursor[:80], "allowed": "what `next` of a page in this order holds"}
        raise QueryError("This is no cursor of this list and order.", {"problems": [problem]}) from None
    return [value, key]
