"""Packs every run's body, a chunk at a time: what is done stays done, and `migrate` goes on where it was stopped.

Backwards it unpacks them again, to the letter.
"""

from typing import ClassVar

from django.db import migrations, transaction
from rich.console import Console
from rich.progress import track

from runs.models.packing import pack, unpack

_CHUNK = 2_000
_MANY = 50_000
_TYPES = {"packed": "bytea", "body": "text"}


def pack_all(apps, editor):
    """Texts stay until 0020 drops their column: whoever stops here has lost nothing."""
    _convert(editor.connection, "body", "packed", pack, "packed IS NULL", "packed = {}")


def unpack_all(apps, editor):
    _convert(editor.connection, "packed", "body", unpack, "packed IS NOT NULL", "body = {}, packed = NULL")


def _convert(connection, source, target, convert, condition, change):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM runs_run WHERE {condition}")  # noqa: S608 - all words are of this file
        (count,) = cursor.fetchone()
    last, chunks = 0, range(-(-count // _CHUNK))
    shown = track(chunks, f"{count:,} runs", console=Console(stderr=True), disable=count < _MANY)
    for _ in shown:
        rows = _chunk(connection, source, condition, last)
        changed = [(key, convert(value)) for key, value in rows]
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            _write(connection, cursor, _TYPES[target], change, changed)
        last = rows[-1][0]


def _chunk(connection, source, condition, last):
    with connection.cursor() as cursor:
        rows = f"FROM runs_run WHERE id > %s AND {condition} ORDER BY id LIMIT {_CHUNK}"
        cursor.execute(f"SELECT id, {source} {rows}", [last])
        return cursor.fetchall()


def _write(connection, cursor, target_type, change, rows):
    if connection.vendor == "postgresql":
        arrays = f"unnest(%s::bigint[], %s::{target_type}[]) AS new (key, value)"
        statement = f"UPDATE runs_run SET {change.format('new.value')} FROM {arrays} WHERE id = new.key"  # noqa: S608
        cursor.execute(statement, [[key for key, _ in rows], [value for _, value in rows]])
    else:
        statement = f"UPDATE runs_run SET {change.format('%s')} WHERE id = %s"  # noqa: S608
        cursor.executemany(statement, [(value, key) for key, value in rows])


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("runs", "0018_packed_column")]
    operations: ClassVar = [migrations.RunPython(pack_all, unpack_all)]
