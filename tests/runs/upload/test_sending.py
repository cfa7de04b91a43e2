"""Answers and what follows from them: try again, with less, later, or not at all. No clock and no network here."""

from __future__ import annotations

import json
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.upload.access import Server, Token
from runs.upload.answers import Response, Result, results_of, seconds_ahead, wait_seconds
from runs.upload.client import _explained
from runs.upload.display import clock_remark
from runs.upload.errors import Trouble, TryAgainError, UnreachableError, UploadError
from runs.upload.package import Package, pack
from runs.upload.patience import LONE_TRIES, MAX_RECORDS, Backoff, BatchSize
from runs.upload.pending import Line
from runs.upload.sending import Sender
from tests.records import make_record
from tests.runs.upload.uploading import SECRET, write_spool

SERVER, TOKEN = Server("https://bench.example.org"), Token(SECRET, "var/token")
LINES = [Line(f"id-{number}", "d", 0, 10, "quick", "lab-1", "b") for number in range(2)]
JSON = {"content-type": "application/json"}


def answered(status: int = 200, body: Any = None, **headers: str) -> tuple[Result, ...]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return results_of(Response(status, JSON | named, content), LINES, SERVER, TOKEN)


def results(*words: str) -> dict[str, Any]:
    return {"results": [{"index": n, "run_id": f"id-{n}", "result": word} for n, word in enumerate(words)]}


# ---------------------------------------------------------------- answers


def test_each_record_has_its_result_and_what_is_new_in_an_answer_is_passed_over() -> None:
    body = results("stored", "known") | {"stored": 1, "news": {"of": ["a", "later", "version"]}}
    assert [each.result for each in answered(body=body)] == ["stored", "known"]


@pytest.mark.parametrize(
    "body",
    [
        results("stored"),
        results("stored", "known", "known"),
        {"results": [{"run_id": "id-1", "result": "stored"}, {"run_id": "id-0", "result": "stored"}]},
        {"results": [{"result": "stored"}, {"run_id": "id-1", "result": "stored"}]},
    ],
)
def test_an_answer_about_other_runs_confirms_nothing(body: Any) -> None:
    with pytest.raises(UploadError, match="about other runs"):
        answered(body=body)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (408, "slow"),
        (413, "too large"),
        (425, "busy"),
        (429, "busy"),
        (500, "failing"),
        (502, "busy"),
        (503, "busy"),
        (504, "slow"),
        (599, "busy"),
    ],
)
def test_some_statuses_are_tried_again(status: int, trouble: Trouble) -> None:
    with pytest.raises(TryAgainError) as caught:
        answered(status, {"message": "Wait.", "extra": {}})
    assert caught.value.trouble == trouble


def test_an_answer_that_was_cut_off_is_tried_again() -> None:
    with pytest.raises(TryAgainError, match="cut off"):
        answered(body=json.dumps(results("stored", "known")).encode()[:-5])


@pytest.mark.parametrize(
    ("status", "body", "headers", "message"),
    [
        (
            401,
            {"message": "This token is expired."},
            {},
            r"token from var/token \(status 401\): This token is expired\.",
        ),
        (403, {"message": "This token only reads."}, {}, r"only reads\. These runs are of lab-1\. .*createtoken"),
        (403, b"<html>", {}, "does not say why"),
        (404, {}, {}, "is not a Benchsite: there is nothing at https://bench.example.org/api/v1/runs/"),
        (405, {}, {}, "is not a Benchsite"),
        (200, {"hello": "world"}, {}, "is not a Benchsite: its answer is not one to an upload"),
        (200, b"<html>", {"content_type": "text/html"}, "is not a Benchsite: its answer is not valid JSON"),
        (301, b"", {"location": "https://elsewhere.example.org/"}, "sends on to https://elsewhere.example.org/"),
        (400, {"message": "This body is not gzip."}, {}, "This body is not gzip."),
        (422, {"message": "a\nb\x1b[31m" + "c" * 1000}, {}, r"a b \[31mc{200,}…$"),
    ],
)
def test_what_no_later_try_would_mend_is_one_message(
    status: int, body: Any, headers: dict[str, str], message: str
) -> None:
    with pytest.raises(UploadError, match=message) as caught:
        answered(status, body, **headers)
    assert SECRET not in str(caught.value)


@given(st.integers(100, 599), st.binary(), st.sampled_from(["application/json", "text/html", ""]))
def test_no_answer_whatever_is_taken_for_a_confirmation_or_a_traceback(status: int, body: bytes, kind: str) -> None:
    with pytest.raises((TryAgainError, UploadError)):
        answered(status, body, content_type=kind)


def test_retry_after_is_seconds_or_a_date_by_the_server_s_own_clock() -> None:
    assert wait_seconds({"retry-after": "120"}) == 120
    dates = {"retry-after": "Wed, 01 Jan 2020 00:01:00 GMT", "date": "Wed, 01 Jan 2020 00:00:00 GMT"}
    assert wait_seconds(dates) == 60
    assert wait_seconds({"retry-after": "Wed, 01 Jan 2020 00:01:00 GMT"}) == 0
    assert wait_seconds({"retry-after": "soon"}) is None
    assert wait_seconds({}) is None


def test_a_clock_that_is_wrong_is_told_and_no_reason_to_stop() -> None:
    now = datetime(2026, 11, 24, 8, tzinfo=UTC)
    ahead = seconds_ahead({"date": "Sat, 21 Nov 2026 08:00:00 GMT"}, now)
    assert ahead == timedelta(days=3).total_seconds()
    assert "72 hours ahead of the server's" in clock_remark(ahead)
    assert "10 minutes behind the server's" in clock_remark(-600)
    assert clock_remark(60) == clock_remark(None) == ""
    assert seconds_ahead({"date": "yesterday"}, now) is None


# ---------------------------------------------------------------- no answer


def chained(*errors: BaseException) -> Exception:
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]  # type: ignore[return-value]


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate is not yet valid"
    return error


@pytest.mark.parametrize(
    ("cause", "kind", "message"),
    [
        (certificate_error(), UploadError, r"not yet valid.*SSL_CERT_FILE.*clock: it says \d{4}-"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), UploadError, "does not speak HTTPS"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), UploadError, "There is no machine of the name"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), TryAgainError, "cannot be looked up just now"),
        (ConnectionRefusedError(111, "Connect call failed"), TryAgainError, "^connection refused$"),
        (ExceptionGroup("all", [OSError(113, "a"), OSError(113, "b")]), TryAgainError, "^no route to host$"),
        (ValueError("odd"), TryAgainError, "^all failed$"),
    ],
)
def test_why_there_is_no_answer_is_said_in_words(cause: Exception, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        raise _explained(chained(httpx.ConnectError("all failed"), OSError("All attempts failed"), cause), SERVER)


# ---------------------------------------------------------------- pauses and sizes


@given(st.integers(0, 2**32), st.lists(st.none() | st.floats(0, 3600), max_size=100))
def test_pauses_double_up_to_a_minute_and_are_never_shorter_than_asked(seed: int, asked: list[float | None]) -> None:
    backoff = Backoff(dice=random.Random(seed))
    for failures, seconds in enumerate(asked):
        ceiling = min(60.0, 2.0**failures)
        pause = backoff.pause(seconds)
        assert ceiling / 2 <= pause
        assert pause <= ceiling if seconds is None else seconds <= pause <= max(ceiling, seconds + 1)


def test_machines_that_failed_together_do_not_return_together() -> None:
    assert len({Backoff(dice=random.Random(seed)).pause() for seed in range(20)}) == 20


@given(st.lists(st.sampled_from(["went well", "unreachable", "busy", "slow", "failing", "too large"]), max_size=60))
def test_a_batch_has_one_record_at_least_and_never_more_than_the_server_takes(events: list[Any]) -> None:
    size, ceiling = BatchSize(), MAX_RECORDS
    for event in events:
        records = size.now
        if event == "went well":
            size.succeed()
        else:
            size.fail(event, records)
        if event == "too large" and records > 1:
            ceiling = records // 2
        assert 1 <= size.now <= size.most <= ceiling


def test_a_server_that_is_merely_away_gets_whole_batches_when_it_is_back() -> None:
    size = BatchSize()
    for trouble in ("unreachable", "busy"):
        assert not size.fail(trouble, 1000)
    assert size.now == 1000


# ---------------------------------------------------------------- sending


@dataclass
class World:
    """A server by a rule, and a clock that only pauses move."""

    rule: Callable[[Sequence[Line]], Trouble | None]
    now: float = 0.0
    sent: list[int] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    asks: float | None = None

    def send(self, lines: Sequence[Line], texts: Sequence[bytes]) -> tuple[Result, ...]:
        self.sent.append(len(lines))
        trouble = self.rule(lines)
        if trouble:
            raise TryAgainError(trouble, "of the rule", self.asks)
        self.stored += [line.run_id for line in lines]
        return tuple(Result("stored", line.run_id) for line in lines)

    def advance(self, package: Package) -> None:
        pass

    def pause(self, reason: str, seconds: float) -> None:
        self.pauses.append(seconds)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def sender(self, **changes: Any) -> Sender:
        return Sender(self, self, sleep=self.sleep, clock=lambda: self.now, **changes)


def packed(folder: Path, runs: int) -> Package:
    return pack(write_spool(folder, *(make_record(block=block) for block in range(runs))), SERVER)


def test_a_server_that_comes_back_gets_everything_once(tmp_path: Path) -> None:
    package = packed(tmp_path, 7)
    world = World(lambda lines: "unreachable" if len(world.sent) <= 4 else None)
    world.sender(most_records=3).send(package)
    assert world.sent == [3] * 6 + [1]
    assert len(world.stored) == len(set(world.stored)) == package.count.stored == 7
    assert len(world.pauses) == 4


def test_patience_ends_and_the_next_call_goes_on(tmp_path: Path) -> None:
    package = packed(tmp_path, 5)
    world = World(lambda lines: "busy" if world.stored else None)
    with pytest.raises(UnreachableError, match="of the rule"):
        world.sender(most_records=2, patience_seconds=600).send(package)
    assert 500 < world.now <= 600
    assert (package.count.stored, package.count.left) == (2, 3)
    assert len(pack(package.spool, SERVER).waiting) == 3


def test_patience_begins_anew_with_each_success(tmp_path: Path) -> None:
    world = World(lambda lines: "busy" if len(world.sent) % 5 else None)
    world.sender(most_records=1, patience_seconds=30).send(packed(tmp_path, 6))
    assert world.now > 30
    assert len(world.stored) == 6


def test_a_server_that_asks_for_more_than_our_patience_is_not_waited_for(tmp_path: Path) -> None:
    world = World(lambda lines: "busy", asks=3600.0)
    with pytest.raises(UnreachableError):
        world.sender().send(packed(tmp_path, 1))
    assert (world.now, world.sent) == (0.0, [1])


def test_what_the_server_asks_for_is_waited(tmp_path: Path) -> None:
    world = World(lambda lines: "busy" if len(world.sent) == 1 else None, asks=42.0)
    world.sender().send(packed(tmp_path, 1))
    assert 42.0 <= world.now <= 43.0


def test_a_batch_that_is_too_large_is_halved_without_a_pause(tmp_path: Path) -> None:
    world = World(lambda lines: "too large" if len(lines) > 2 else None)
    world.sender().send(packed(tmp_path, 8))
    assert world.sent == [8, 4, 2, 2, 2, 2]
    assert world.pauses == []


def test_one_record_that_breaks_the_server_keeps_no_other_from_being_stored(tmp_path: Path) -> None:
    package = packed(tmp_path, 8)
    poison = package.waiting[2].run_id
    world = World(lambda lines: "failing" if poison in [line.run_id for line in lines] else None)
    world.sender(patience_seconds=3600).send(package)
    assert len(world.stored) == 7
    assert [line.run_id for line in package.set_aside] == [poison]
    assert package.count.left == 1
    assert [line.run_id for line in pack(package.spool, SERVER).waiting] == [poison]


def test_one_record_that_is_too_large_is_set_aside(tmp_path: Path) -> None:
    package = packed(tmp_path, 4)
    large = package.waiting[1].run_id
    world = World(lambda lines: "too large" if large in [line.run_id for line in lines] else None)
    world.sender().send(package)
    assert len(world.stored) == 3
    assert [line.run_id for line in package.set_aside] == [large]


def test_a_server_that_takes_no_record_at_all_is_told_soon(tmp_path: Path) -> None:
    world = World(lambda lines: "too large")
    with pytest.raises(UploadError, match="client_max_body_size"):
        world.sender(most_records=1).send(packed(tmp_path, 8))
    assert len(world.sent) == LONE_TRIES
