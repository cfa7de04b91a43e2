"""Tables as files: CSV that no spreadsheet takes for a formula, and JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from runs.tables.table import Table, Value

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(name) for name in table.export_names])
    writer.writerows([[harmless(value) for value in row] for row in table.export_rows])
    return out.getvalue()


def harmless(value: Value) -> Value:
    """A text that a spreadsheet would reckon with gets an apostrophe before it; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def as_json(table: Table) -> str:
    document: dict[str, Any] = {
        "title": table.caption,
        "columns": table.export_names,
        "rows": table.export_rows,
    }
    return json.dumps(document, ensure_ascii=False)
