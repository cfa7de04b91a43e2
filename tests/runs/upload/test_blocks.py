"""`runbench --upload`: after each block and at the end, for a bounded time; a server that is down stops nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.bench import session
from runs.upload import blocks
from runs.upload.access import Server, Token
from runs.upload.blocks import SHARE, BlockUploads
from runs.upload.client import Client
from runs.upload.errors import TryAgainError
from runs.upload.patience import Backoff
from tests.records import make_record
from tests.runs.bench.benches import Bench, install, runbench
from tests.runs.upload.uploading import LOOPBACK, SECRET, Said, StandIn, free_port, stand_in, write_spool

pytestmark = pytest.mark.slow


@pytest.fixture
def site() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


@pytest.fixture
def bench(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = install(tmp_path, settings, monkeypatch)
    monkeypatch.setenv("BENCHSITE_TOKEN", SECRET)
    monkeypatch.setattr(Backoff, "pause", lambda self, asked=None: 0.001)
    monkeypatch.setattr(blocks, "END_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(blocks, "SHARE", 1)
    return bench


def measure(bench: Bench, address: str, *options: str) -> None:
    runbench("--no-verify", "--no-database", "--suite", bench.suite, "--upload", address, *options)


ONE = ("--engines", "tf", "--networks", "mlp:1x2")
"""One cell, two blocks."""


def test_each_block_is_uploaded_when_it_is_over(
    bench: Bench, site: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    measure(bench, site.address, "--networks", "mlp:1x2")
    assert site.stored == {record.run_id: json.loads(as_json(record)) for record in bench.records}
    assert [len(batch) for batch in site.batches] == [2, 2]
    said = capsys.readouterr()
    assert f"{site.address}: 0 stored, 0 known, 0 refused, 0 left; 4 were confirmed earlier." in said.err
    assert said.out.splitlines()[-1].startswith("Experiment 'tiny'")


def test_nothing_is_sent_while_a_run_is_timed(bench: Bench, site: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    measured, sent = session.measure, Client.send

    def measure_run(*args: Any) -> RunRecord:
        log.append("run begins")
        record = measured(*args)
        log.append("run ends")
        return record

    def send(*args: Any, **named: Any) -> Any:
        log.append("sent")
        return sent(*args, **named)

    monkeypatch.setattr(session, "measure", measure_run)
    monkeypatch.setattr(Client, "send", send)
    measure(bench, site.address, *ONE)
    assert log == ["run begins", "run ends", "sent"] * 2


def test_a_server_that_is_down_stops_nothing_and_is_told_once(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"http://{LOOPBACK}:{free_port()}"
    with pytest.raises(CommandError, match=f"2 runs are not uploaded yet.*uploadruns {address}") as caught:
        measure(bench, address, *ONE)
    assert caught.value.returncode == 1
    assert len(bench.records) == 2
    assert capsys.readouterr().err.count("Not uploaded for now: connection refused. The suite goes on") == 1


def test_what_a_block_could_not_send_goes_with_the_next(bench: Bench, site: StandIn) -> None:
    site.script = [Said(200), Said(503)]
    measure(bench, site.address, *ONE)
    assert [len(batch) for batch in site.batches] == [1, 2]
    assert len(site.stored) == 2


def test_what_earlier_sittings_left_goes_at_the_end(bench: Bench, site: StandIn) -> None:
    runbench("--no-verify", "--no-database", "--suite", bench.suite, *ONE, "--blocks", "1")
    measure(bench, site.address, *ONE)
    assert len(site.stored) == 2
    assert set(site.stored) == {record.run_id for record in bench.records}


def test_refused_runs_fail_the_command_and_stay_in_the_spool(bench: Bench, site: StandIn) -> None:
    one_run = (*ONE, "--blocks", "1")
    runbench("--no-verify", "--no-database", "--suite", bench.suite, *one_run)
    site.refuse = {bench.records[0].run_id: "forbidden"}
    with pytest.raises(CommandError, match="refused runs"):
        measure(bench, site.address, *one_run)
    assert len(bench.records) == 1


def test_a_wrong_token_is_told_before_the_first_run(
    bench: Bench, site: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    site.script = [Said(401, b'{"message": "This token is unknown.", "extra": {}}')]
    measure(bench, site.address, *ONE)
    said = capsys.readouterr()
    assert "status 401): This token is unknown." in said.err
    assert site.paths[0] == "/api/v1/"


@pytest.mark.parametrize(
    ("address", "token", "message"),
    [("bench.example.org", SECRET, "not a server's address"), ("https://bench.example.org", "", "There is no token")],
)
def test_a_wrong_address_and_no_token_are_refused_before_anything_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, address: str, token: str, message: str
) -> None:
    monkeypatch.setenv("BENCHSITE_TOKEN", token)
    with pytest.raises(CommandError, match=message):
        measure(bench, address)
    assert bench.records == ()


# ---------------------------------------------------------------- how long it may take


class Clock:
    """Moves by what uploads take."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """In a client's place: takes its time, and fails if told to."""

    server = Server("http://127.0.0.1:1", is_loopback=True)

    def __init__(self, clock: Clock, seconds: float, *, fails: bool = False) -> None:
        self.clock, self.seconds, self.fails = clock, seconds, fails
        self.sent: list[int] = []

    def send(self, lines: Any, texts: Any, *, within: float) -> tuple[Any, ...]:
        self.clock.now += min(self.seconds, within)
        self.sent.append(len(lines))
        if self.fails:
            raise TryAgainError("slow", "it is slow")
        return ()


def block_uploads(folder: Path, seconds: float, *, fails: bool = False) -> tuple[BlockUploads, Site, Clock]:
    clock = Clock()
    site = Site(clock, seconds, fails=fails)
    return BlockUploads(site, write_spool(folder), clock=clock), site, clock  # type: ignore[arg-type]


def test_a_slow_server_takes_a_tenth_of_the_time_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads, site, clock = block_uploads(tmp_path, seconds=3.0)
    monkeypatch.setattr("runs.upload.package.Package.settle", lambda *_: None)
    for _ in range(100):
        clock.now += 1.0
        uploads([make_record()])
    uploading = clock.now - 1100.0
    assert uploading == pytest.approx(3.0 * len(site.sent))
    assert uploading <= (clock.now - 1000.0) / SHARE + 3.0


def test_a_server_that_fails_is_asked_less_and_less_often(tmp_path: Path) -> None:
    uploads, site, clock = block_uploads(tmp_path, seconds=10.0, fails=True)
    record = make_record()
    for _ in range(24 * 60):
        clock.now += 60.0
        uploads([record])
    assert 40 < len(site.sent) < 110, "about twice an hour, in a day"


def test_a_server_that_sends_a_byte_now_and_then_is_left_when_the_time_is_over(tmp_path: Path) -> None:
    """Each byte would satisfy a time-out that counts from the last one."""
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"X-Drop: 1\r\n")
                except OSError:
                    return

    with socket.create_server((LOOPBACK, 0)) as listener:
        dripping = threading.Thread(target=drip, args=(listener,), daemon=True)
        dripping.start()
        server = Server(f"http://{LOOPBACK}:{listener.getsockname()[1]}", is_loopback=True)
        begun = time.monotonic()
        with (
            Client(server, Token(SECRET, "a test")) as client,
            pytest.raises(TryAgainError, match="too long to answer"),
        ):
            client.check(within=0.3)
        stop.set()
        dripping.join(10)
        assert time.monotonic() - begun < 30, "httpx alone would read on until its buffer is full"
