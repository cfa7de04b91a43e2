"""What the spool has for a server: the last whole line of each run, but those that may still change.

A spool may hold more than fits in memory, so that only where each line stands is kept, not what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json

from runs.errors import RecordError, SpoolError
from runs.records.lock import is_measuring
from runs.records.run_records import parse_record

DIGEST_LENGTH = 16
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Line:
    """Where a run's record stands in the spool. `block` is what the run was measured within."""

    run_id: str
    digest: str
    offset: int
    length: int
    experiment: str
    machine: str
    block: str


@dataclass(frozen=True)
class Offer:
    """`lines` can be sent; the runs of `unfinished` wait for their block's end; `damaged` are line numbers."""

    lines: tuple[Line, ...] = ()
    unfinished: tuple[Line, ...] = ()
    damaged: tuple[int, ...] = ()


def digest_of(text: bytes) -> str:
    return sha256(text).hexdigest()[:DIGEST_LENGTH]


def offered(path: Path, trusted: Mapping[str, str]) -> Offer:
    """All runs of a spool. `trusted` are the digests of lines that need no check, by run id. Raises SpoolError.

    The end of a block adds to its runs' records, so the last block is left out while a runbench may be at it. The
    lock is asked after reading: if it is free and nothing was appended meanwhile, all that was read is final.
    """
    lines, damaged, size = _read(path, trusted)
    if not lines or (not is_measuring(path.parent) and _size(path) == size):
        return Offer(tuple(lines.values()), (), damaged)
    last = max(lines.values(), key=lambda line: line.offset)
    return Offer(
        tuple(line for line in lines.values() if line.block != last.block),
        tuple(line for line in lines.values() if line.block == last.block),
        damaged,
    )


def _read(path: Path, trusted: Mapping[str, str]) -> tuple[dict[str, Line], tuple[int, ...], int]:
    """The later line of a run counts, unless it is damaged."""
    lines: dict[str, Line] = {}
    damaged: list[int] = []
    offset = 0
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                line = line_of(text, offset, trusted) if text.endswith(b"\n") else None
                offset += len(text)
                if line is not None:
                    lines[line.run_id] = line
                elif text.endswith(b"\n") and text.strip():
                    damaged.append(number)
    except OSError as error:
        raise SpoolError(f"The spool {path} cannot be read: {error.strerror}.") from None
    return lines, tuple(damaged), offset


def line_of(text: bytes, offset: int = 0, trusted: Mapping[str, str] = NOTHING) -> Line | None:
    """None for what is no run record; what is trusted is not looked at closely."""
    body = text.rstrip()
    digest = digest_of(body)
    try:
        document = from_json(body)
        if trusted.get(document["run_id"]) != digest:
            parse_record(body)
        return Line(
            run_id=document["run_id"],
            digest=digest,
            offset=offset,
            length=len(body),
            experiment=document["placement"]["experiment"],
            machine=document["machine"]["name"],
            block=_block(document),
        )
    except (ValueError, TypeError, KeyError, RecordError):
        return None


def _block(document: Mapping[str, Any]) -> str:
    placement, cell = document["placement"], document["cell"]
    place = (placement["experiment"], placement.get("session", ""), placement["block"])
    group = (cell["workload"], cell["device"], cell["threads"])
    return digest_of(repr((place, group)).encode())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def texts_of(path: Path, lines: Sequence[Line]) -> Iterator[bytes]:
    """The records themselves. Raises SpoolError where the file is no longer the one that was read."""
    try:
        with path.open("rb") as file:
            for line in lines:
                file.seek(line.offset)
                text = file.read(line.length)
                if digest_of(text) != line.digest:
                    raise SpoolError(f"The spool {path} was changed by hand meanwhile. Give the same command again.")
                yield text
    except OSError as error:
        raise SpoolError(f"The spool {path} cannot be read: {error.strerror}.") from None
