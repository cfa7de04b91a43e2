"""Rows as Parquet files: columns, their types and what may be null follow from the rows' dataclass."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

_GROUP = 50_000
"""Rows that are written at once: enough to compress well, few enough to hold."""
_TYPES: Mapping[Any, Any] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
    list[int]: pa.list_(pa.int64()),
    list[float]: pa.list_(pa.float64()),
}


class ParquetFile:
    """A file that is there once it is whole: until then it has another name, and an error leaves none."""

    def __init__(self, path: Path, row: type) -> None:
        self._path, self._partial = path, path.with_name(f"{path.name}.partial")
        self._row = row
        self._kept: list[dict[str, Any]] = []
        self.rows = 0

    def __enter__(self) -> Self:
        self._schema = schema_of(self._row)
        self._writer = pq.ParquetWriter(self._partial, self._schema, compression="zstd")
        return self

    def add(self, row: Any) -> None:
        self._kept.append(vars(row))
        self.rows += 1
        if len(self._kept) == _GROUP:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._kept, schema=self._schema))
        self._kept.clear()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._writer.close()
            if kind is not None:
                self._partial.unlink()
        if kind is None:
            self._partial.replace(self._path)


def schema_of(row: type) -> Any:
    """One column for each field, in their order."""
    hints = typing.get_type_hints(row)
    return pa.schema([_column(field.name, hints[field.name]) for field in dataclasses.fields(row)])


def _column(name: str, hint: Any) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    (kind,) = [each for each in options if each is not types.NoneType]
    return pa.field(name, _TYPES[kind], nullable=types.NoneType in options)
