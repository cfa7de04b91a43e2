"""What a server's answer means. Pure: status, headers and body in; results, or one clear error, out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from runs.upload.access import Server, Token
from runs.upload.errors import TryAgainError, UploadError
from runs.upload.pending import Line
from runs.validation import DocumentError, from_json

_WORDS_OF_THE_SERVER = 300


@dataclass(frozen=True)
class Reason:
    """`code` tells programs, `message` people."""

    code: str
    message: str


@dataclass(frozen=True)
class Result:
    result: Literal["stored", "known", "refused"]
    run_id: str | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class _Answer:
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Response:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def results_of(response: Response, lines: Sequence[Line], server: Server, token: Token) -> tuple[Result, ...]:
    """One result a line, in order. Raises TryAgainError or UploadError."""
    check(response, lines, server, token)
    try:
        results = from_json(_Answer, response.body).results
    except DocumentError:
        raise _unreadable(response, server) from None
    if len(results) != len(lines) or any(_is_of_another(*pair) for pair in zip(results, lines, strict=True)):
        raise UploadError(f"{server.address} answered about other runs than it was sent. Nothing was noted.")
    return results


def check(response: Response, lines: Sequence[Line], server: Server, token: Token) -> None:
    """Raises TryAgainError or UploadError for what is no good answer of a Benchsite, whatever was asked."""
    if response.status != 200:
        raise _error(response, lines, server, token)
    if not response.headers.get("content-type", "").startswith("application/json"):
        raise _no_benchsite(server, "its answer is not valid JSON")


def _is_of_another(result: Result, line: Line) -> bool:
    """A refused record may have no id: the server could not read it."""
    if result.run_id is None and result.result == "refused":
        return False
    return result.run_id != line.run_id


def _unreadable(response: Response, server: Server) -> TryAgainError | UploadError:
    """Cut off on the way, or JSON of something else?"""
    try:
        json.loads(response.body)
    except ValueError:
        return TryAgainError("unreachable", "its answer was cut off")
    return _no_benchsite(server, "its answer is not one to an upload")


# ---------------------------------------------------------------- other statuses


def _error(response: Response, lines: Sequence[Line], server: Server, token: Token) -> TryAgainError | UploadError:
    status = response.status
    if status >= 500 or status in (408, 413, 425, 429):
        return _trouble(response)
    if status in (401, 403):
        return UploadError(_not_allowed(response, lines, server, token))
    if status in (404, 405, 410):
        return _no_benchsite(server, f"there is nothing at {server.runs} (status {status})")
    if 300 <= status < 400:
        target = response.headers.get("location", "elsewhere")[:200]
        return UploadError(f"{server.address} sends on to {target}. Upload to that address, if you trust it.")
    return UploadError(f"{server.address} takes no uploads like this (status {status}): {_said(response)}")


def _trouble(response: Response) -> TryAgainError:
    status, wait = response.status, wait_seconds(response.headers)
    if status == 413:
        return TryAgainError("too large", "it takes only smaller batches (status 413)")
    if status == 500:
        return TryAgainError("failing", "it met an error of its own (status 500)", wait)
    if status == 429:
        return TryAgainError("busy", "it asks for fewer calls (status 429)", wait)
    return TryAgainError("slow" if status in (408, 504) else "busy", f"it is not ready (status {status})", wait)


def _not_allowed(response: Response, lines: Sequence[Line], server: Server, token: Token) -> str:
    machines = ", ".join(sorted({line.machine for line in lines}))
    whose = f"These runs are of {machines}. " if machines else ""
    return (
        f"{server.address} does not take the token from {token.source} (status {response.status}): {_said(response)} "
        f"{whose}Ask for a token of the machine's owner, made there by `python manage.py createtoken USER --upload`."
    )


def _no_benchsite(server: Server, why: str) -> UploadError:
    return UploadError(f"{server.address} is not a Benchsite: {why}. Look at the address.")


def _said(response: Response) -> str:
    """The server's own words, if it has any that people can read."""
    try:
        message = json.loads(response.body)["message"]
    except (ValueError, TypeError, KeyError):
        return "it does not say why."
    text = "".join(each if each.isprintable() else " " for each in str(message)).strip()
    return text if len(text) <= _WORDS_OF_THE_SERVER else f"{text[:_WORDS_OF_THE_SERVER]}…"


# ---------------------------------------------------------------- times


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After, in seconds or as a date; a date is held against the server's own clock, since ours may be wrong."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = _moment(text)
    if moment is None:
        return None
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    return max((moment - now).total_seconds(), 0.0)


def seconds_ahead(headers: Mapping[str, str], now: datetime) -> float | None:
    """How far this machine's clock is ahead of the server's; None if it does not tell."""
    moment = _moment(headers.get("date", ""))
    return None if moment is None else (now - moment).total_seconds()


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
