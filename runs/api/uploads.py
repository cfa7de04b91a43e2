"""An upload's body into records: one, an array, or JSON lines, perhaps gzipped. Limits hold while it is read."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import IO, Any

from pydantic_core import from_json, to_json
from rest_framework.parsers import BaseParser

from engines.run_record import RunRecord
from runs.api.exceptions import TooLargeError
from runs.errors import RecordError, RunsError
from runs.records.run_records import parse_array, parse_record

MAX_BYTES = 16 * 2**20
MAX_RECORDS = 1000
MAX_CONTAINERS, MAX_VALUES = 300_000, 1_500_000
"""More lists, objects and values than records of 16 MiB have: a small body must not unfold to gigabytes of memory."""
_CHUNK = 64 * 1024
Parsed = RunRecord | RecordError


class RecordsParser(BaseParser):
    """Hands the body on as bytes, unzipped and within the limits."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        encoding = parser_context["request"].headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            allowed = "gzip, or none"
            raise RunsError(f"Content-Encoding is {encoding[:40]!r}, allowed: {allowed}.", {"allowed": allowed})
        chunks = iter(lambda: stream.read(_CHUNK), b"")
        return _within_limit(_unzipped(chunks) if encoding == "gzip" else chunks)


class RecordLinesParser(RecordsParser):
    media_type = "application/x-ndjson"


def _within_limit(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLargeError(
                f"This body is larger than {MAX_BYTES >> 20} MiB. Send fewer records at once.", {"allowed": MAX_BYTES}
            )
    return bytes(body)


def _unzipped(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Never more than a chunk ahead, so that a zip bomb ends at the limit."""
    inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            yield inflate.decompress(chunk, _CHUNK)
            while inflate.unconsumed_tail:
                yield inflate.decompress(inflate.unconsumed_tail, _CHUNK)
        yield inflate.flush()
    except zlib.error as error:
        raise RunsError(f"This body is not gzip, as its Content-Encoding says: {error}.") from None
    if not inflate.eof or inflate.unused_data:
        raise RunsError("This gzip body is cut off, or something follows it.")


def parsed_records(body: bytes) -> list[Parsed]:
    """Each record, or why it is none. Raises RunsError where the body as a whole is not what it should be."""
    _check_shape(body)
    start = body.lstrip()[:1]
    if not start:
        raise RunsError("This body is empty: send a run record, an array of them, or one a line.")
    if start == b"[" and (records := parse_array(body)) is not None:
        _check_number(len(records))
        return list(records)
    texts = _items(body) if start == b"[" else _lines(body)
    _check_number(len(texts))
    return [_parsed(text) for text in texts]


def _check_number(records: int) -> None:
    if records > MAX_RECORDS:
        raise TooLargeError(
            f"These are {records:,} records: send at most {MAX_RECORDS:,} at once.", {"allowed": MAX_RECORDS}
        )


def _check_shape(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS or body.count(b",") > MAX_VALUES:
        raise TooLargeError("This body has more parts than run records have.", {"allowed": MAX_CONTAINERS})


def _lines(body: bytes) -> Sequence[bytes]:
    """One record may be spread over lines; several stand one a line."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > 1 and not lines[0].rstrip().endswith(b"}"):
        return [body]
    return lines


def _items(body: bytes) -> Sequence[bytes]:
    try:
        items = from_json(body)
    except ValueError as error:
        raise RunsError(f"This body is not valid JSON: {error}.") from None
    return [to_json(item, inf_nan_mode="constants") for item in items]


def _parsed(text: bytes) -> Parsed:
    try:
        return parse_record(text)
    except RecordError as error:
        return error
