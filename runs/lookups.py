"""What every upload looks up, in SQL of its own: Django takes longer to word such a question than to ask it.

With one record an upload, this is a third of all the time that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model
from django.db.models.query import RawQuerySet

M = TypeVar("M", bound=Model)


def pairs(model: type[Model], by: str, value: str, keys: Iterable[Any]) -> dict[Any, Any]:
    """`by` -> `value` of the rows whose column `by` is among the keys. Both are columns of texts or whole numbers."""
    wanted = list(keys)
    if not wanted:
        return {}
    names = ", ".join(_column(model, name) for name in (by, value))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {_table(model)} WHERE {_among(model, by, wanted)}", wanted)  # noqa: S608
        return dict(cursor.fetchall())


def rows(model: type[M], wanted: Mapping[str, Sequence[Any]], *, lock: bool = False) -> RawQuerySet[M]:
    """The rows of which each named column is among its values, by primary key; locked until the transaction ends."""
    conditions = " AND ".join(_among(model, name, values) for name, values in wanted.items())
    locking = " FOR UPDATE" if lock and connection.features.has_select_for_update else ""
    order = _column(model, model._meta.pk.attname)
    return model._base_manager.raw(
        f"SELECT * FROM {_table(model)} WHERE {conditions} ORDER BY {order}{locking}",  # noqa: S608
        [value for values in wanted.values() for value in values],
    )


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _column(model: type[Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return connection.ops.quote_name(field.column)


def _among(model: type[Model], name: str, values: Sequence[Any]) -> str:
    return f"{_column(model, name)} IN ({', '.join(['%s'] * len(values))})"
