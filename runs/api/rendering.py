"""Answers as bytes: JSON, and streams of JSON lines or CSV in constant memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from pydantic import BaseModel
from pydantic_core import to_json
from rest_framework.renderers import BaseRenderer

from runs.tables.files import harmless


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else to_json(data, inf_nan_mode="null")


class JSONLinesRenderer(JSONRenderer):
    """Chosen for streams; an error in place of a stream is one line of JSON."""

    media_type = "application/x-ndjson"
    format = "jsonl"


class CSVRenderer(JSONRenderer):
    """Chosen for streams; an error in place of a stream is JSON."""

    media_type = "text/csv"
    format = "csv"


def json_lines(documents: Iterable[BaseModel]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        (to_json(document, inf_nan_mode="null") + b"\n" for document in documents), content_type="application/x-ndjson"
    )


def csv_lines(documents: Iterable[BaseModel], columns: Sequence[str]) -> StreamingHttpResponse:
    return StreamingHttpResponse(_csv(documents, columns), content_type="text/csv; charset=utf-8")


class _Echo:
    """csv writes to it; it hands each line back."""

    def write(self, line: str) -> str:
        return line


def _csv(documents: Iterable[BaseModel], columns: Sequence[str]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for document in documents:
        yield writer.writerow([cell(_value(document, column)) for column in columns])


def _value(document: Any, column: str) -> Any:
    """Of the field `a.b`, or None where there is no `a`."""
    for name in column.split("."):
        document = getattr(document, name, None)
    return document


def cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text; numbers stay numbers."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        return to_json(value).decode()
    return harmless(value)
