"""Text tables: a sample a line, integers between blanks, one of them the class. UCI's Statlog sets come like this."""

from __future__ import annotations

from pathlib import Path

from engines.datasets.source import Layout, MisfitError, Table

_LARGEST = 1 << 31


def text_layout(name: str, expected: str, table: Table, *, classes: int) -> Layout:
    """Of a table of integers whose classes are numbered without a gap; `expected` says so in words."""

    def count(path: Path) -> int:
        samples = 0
        for line in path.read_bytes().splitlines():
            samples += 1
            _check(line, samples, table, classes)
        return samples

    return Layout(name, expected, count)


def _check(line: bytes, number: int, table: Table, classes: int) -> None:
    try:
        values = [int(field) for field in line.split()]
    except ValueError:
        raise MisfitError(f"line {number} has something else than integers") from None
    if len(values) != table.columns:
        raise MisfitError(f"line {number} has {len(values)} values")
    if not table.first_class <= values[table.label] < table.first_class + classes:
        raise MisfitError(f"line {number} has class {values[table.label]}")
    if max(map(abs, values)) >= _LARGEST:
        raise MisfitError(f"line {number} has a value of more than 32 bits")
