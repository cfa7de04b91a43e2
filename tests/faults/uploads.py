"""Faults between a machine and a site: a wire that loses, cuts, repeats, delays, trickles and hangs, and deaths."""

from __future__ import annotations

import gzip
import json
import os
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.errors import RunsError
from runs.records.spool import Spool
from runs.upload import client as client_module
from runs.upload import notes, package, sending
from runs.upload.access import Token, server_at
from runs.upload.client import Client
from runs.upload.package import Package, pack
from runs.upload.patience import Backoff
from runs.upload.sending import Sender
from tests.faults.campaign import Kind
from tests.faults.dying import Tell, killed_at_line
from tests.faults.spools import records
from tests.records import make_record
from tests.runs.upload.server import DEATH_WARRANT
from tests.runs.upload.sites import Site, site_in
from tests.runs.upload.uploading import LOOPBACK, whole_message

_SENDING = tuple(Path(str(module.__file__)) for module in (client_module, notes, package, sending))
_PATIENT_SECONDS, _IMPATIENT_SECONDS = 120.0, 0.6
"""For one request. Where a fault hangs, the first is given up soon, and each later one gets twice the time."""
_HANGING = {"is late", "trickles for ever", "hangs"}


# ---------------------------------------------------------------- a site for the whole campaign


class _TheSite:
    """Made when first asked for: a campaign of other faults needs none."""

    def __init__(self) -> None:
        self._context: Any = None
        self._site: Site | None = None

    def get(self) -> Site:
        if self._site is None:
            var = Path(os.environ["BENCHSITE_VAR"]) / "site"
            var.mkdir()
            self._context = site_in(var)
            self._site = self._context.__enter__()
            self._site.start()
        return self._site

    def close(self) -> None:
        """Its summaries must be those that its runs give."""
        if self._site is None:
            return
        before = self._site.summaries()
        self._site.manage("rebuildsummaries")
        assert self._site.summaries() == before, "the site's summaries are not those of its runs"
        self._context.__exit__(None, None, None)


THE_SITE = _TheSite()


# ---------------------------------------------------------------- a wire that fails


@dataclass
class Wire:
    """Carries requests to a site; the faults befall the first ones, in turn. `kept` is a request that is late."""

    port: int
    address: str
    faults: list[str]
    kept: list[bytes] = field(default_factory=list)

    def carry(self, client: socket.socket) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        request = whole_message(client)
        if fault == "cut the request":
            self._ask(request[: len(request) // 2], is_whole=False)
        elif fault == "is late":
            self.kept.append(request)
            _until_gone(client)
        elif fault == "hangs":
            _until_gone(client)
        else:
            answer = self._ask(request)
            if fault == "repeats":
                answer = self._ask(request)
            self._answer(client, answer, fault)
        if self.kept and fault != "is late":
            self._ask(self.kept.pop())

    def _answer(self, client: socket.socket, answer: bytes, fault: str) -> None:
        if fault == "trickles":
            for start in range(0, len(answer), 7):
                client.sendall(answer[start : start + 7])
        elif fault == "trickles for ever":
            for byte in answer:
                client.sendall(bytes([byte]))
                time.sleep(0.05)
        elif fault == "cut the answer":
            client.sendall(answer[: len(answer) // 2])
        elif fault != "lose the answer":
            client.sendall(answer)

    def _ask(self, request: bytes, *, is_whole: bool = True) -> bytes:
        with socket.create_connection((LOOPBACK, self.port), timeout=_PATIENT_SECONDS) as server:
            server.sendall(request)
            return whole_message(server) if is_whole else b""


def _until_gone(client: socket.socket) -> None:
    while client.recv(65536):
        pass


@contextmanager
def wire_to(port: int, faults: Sequence[str]) -> Iterator[Wire]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        wire = Wire(port, f"http://{LOOPBACK}:{listener.getsockname()[1]}", list(faults))
        thread = threading.Thread(target=_serve, args=(listener, wire), daemon=True)
        thread.start()
        yield wire
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(30)


def _serve(listener: socket.socket, wire: Wire) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # the fault is over
            return
        with client:
            client.settimeout(_PATIENT_SECONDS)
            try:
                wire.carry(client)
            except OSError:  # its other end gave up
                continue


# ---------------------------------------------------------------- a machine


class _Seen:
    """The first trouble that a user is told of."""

    def __init__(self) -> None:
        self.reason = ""

    def advance(self, package: Package) -> None:
        pass

    def pause(self, reason: str, seconds: float) -> None:
        self.reason = self.reason or reason


class _Hurried:
    """Gives each request more time than the one before, as long as none is answered in time."""

    def __init__(self, client: Client, within: float) -> None:
        self._client, self._within = client, within

    def send(self, *request: Any) -> Any:
        within = self._within
        self._within = min(_PATIENT_SECONDS, 2 * within)
        return self._client.send(*request, within=within)


def upload(
    spool: Path,
    address: str,
    secret: str,
    most_records: int = 1000,
    *,
    within: float = _PATIENT_SECONDS,
    patience: float = _PATIENT_SECONDS,
) -> str:
    """As `uploadruns` does, without its pauses. Returns what it told of trouble."""
    waiting = pack(spool, server_at(address))
    if not waiting.waiting:
        return ""
    waiting.notes.prepare()
    seen = _Seen()
    with Client(server_at(address), Token(secret, "the campaign")) as client:
        backoff = Backoff(first_seconds=0.001)
        sender = Sender(_Hurried(client, within), seen, patience, most_records, backoff, lambda _: time.sleep(0.01))
        sender.send(waiting)
    return seen.reason


def _spool(folder: Path, planned: Sequence[RunRecord]) -> Path:
    at = Spool(folder / "one.jsonl")
    at.prepare()
    for record in planned:
        at.append(record)
    return at.path


def arrived(site: Site, planned: Sequence[RunRecord], spool: Path) -> None:
    """Each run is there once, the machine's notes know it, and there is nothing left to send."""
    upload(spool, site.address, site.tokens["ada"])
    slug = planned[0].placement.experiment.replace(" ", "-")
    assert site.runs(slug) == sorted(record.run_id for record in planned)
    assert not pack(spool, server_at(site.address)).waiting
    one = json.loads(site.read(f"/api/v1/runs/{planned[0].run_id}/"))
    assert one["record"] == json.loads(as_json(planned[0]))


def _on_the_wire(*faults: str) -> Any:
    def befall(dice: random.Random, folder: Path) -> str:
        site, planned = THE_SITE.get(), records(dice, 6)
        spool = _spool(folder, planned)
        with wire_to(site.port, [*[""] * dice.randint(0, 1), *faults]) as wire:
            within = _IMPATIENT_SECONDS if _HANGING & set(faults) else _PATIENT_SECONDS
            seen = upload(spool, wire.address, site.tokens["ada"], dice.choice((2, 3)), within=within)
        assert not wire.faults, "a fault never came"
        arrived(site, planned, spool)
        return seen or "nothing"

    return befall


def _server_dies(dice: random.Random, folder: Path) -> str:
    """After it has committed, before it answers."""
    site, planned = THE_SITE.get(), records(dice, 6)
    spool = _spool(folder, planned)
    (site.var / DEATH_WARRANT).touch()
    try:
        upload(spool, site.address, site.tokens["ada"], 3, patience=0.3)
    except RunsError as error:
        seen = str(error)
    else:
        seen = "nothing: the other process answered"
    site.wait_for_death()
    site.start()
    arrived(site, planned, spool)
    return seen.replace(site.address, "…")


def _client_dies(dice: random.Random, folder: Path) -> str:
    site, planned = THE_SITE.get(), records(dice, 6)
    spool = _spool(folder, planned)

    def action(_: Tell) -> None:
        upload(spool, site.address, site.tokens["ada"], most_records=2)

    killed_at_line(dice.randint(1, 300), _SENDING, action)
    arrived(site, planned, spool)
    return "nothing; the same command continues"


def _damaged_on_the_way(dice: random.Random, folder: Path) -> str:
    """A body with some bytes turned: it is refused, or what still is a record is taken for what it says."""
    site, planned = THE_SITE.get(), records(dice, 4)
    text = "\n".join(as_json(record) for record in planned).encode()
    body = bytearray(gzip.compress(text) if dice.random() < 0.7 else text)
    is_gzip = bytes(body[:2]) == b"\x1f\x8b"
    for _ in range(dice.randint(1, 5)):
        body[dice.randrange(10 if is_gzip else 0, len(body))] ^= dice.randrange(1, 256)  # a gzip header tells little
    status, answer = _posted(site, bytes(body), is_gzip)
    assert status in (200, 400, 413, 422), status
    ids = {record.run_id for record in planned}
    taken = [each for each in answer.get("results", ()) if each["result"] == "stored" and each["run_id"] in ids]
    assert not (is_gzip and taken), "a damaged body was taken"
    if not taken:
        arrived(site, planned, _spool(folder, planned))
    return (
        "This body is not gzip, as its Content-Encoding says"
        if is_gzip
        else "which field, which value, what is allowed"
    )


def _posted(site: Site, body: bytes, is_gzip: bool) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {site.tokens['ada']}", "Content-Type": "application/x-ndjson"}
    headers |= {"Content-Encoding": "gzip"} if is_gzip else {}
    request = urllib.request.Request(f"{site.address}/api/v1/runs/", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENT_SECONDS) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def _clock_jumps(dice: random.Random, folder: Path) -> str:
    """The machine's clock said something else at the end than at the start: years before, years after."""
    site = THE_SITE.get()
    start, end = (f"{dice.choice((1970, 2001, 2026, 2099))}-0{dice.randint(1, 9)}-11T00:00:00+00:00" for _ in "ab")
    planned = records(dice, 1)
    planned.append(make_record(experiment=planned[0].placement.experiment, block=7, started_at=start, finished_at=end))
    arrived(site, planned, _spool(folder, planned))
    return "the run, marked where its clock was ahead"


KINDS = (
    Kind("upload", "the answer is lost", _on_the_wire("lose the answer"), 20),
    Kind("upload", "the answer is cut", _on_the_wire("cut the answer"), 20),
    Kind("upload", "the request is cut", _on_the_wire("cut the request"), 20),
    Kind("upload", "the request arrives twice", _on_the_wire("repeats"), 20),
    Kind("upload", "the request arrives late, after its repetition", _on_the_wire("is late"), 10),
    Kind("upload", "the answer trickles", _on_the_wire("trickles"), 10),
    Kind("upload", "the answer trickles without an end", _on_the_wire("trickles for ever"), 6),
    Kind("upload", "the connection hangs", _on_the_wire("hangs"), 6),
    Kind("upload", "one after another", _on_the_wire("cut the answer", "is late", "repeats", "lose the answer"), 10),
    Kind("upload", "the machine's clock jumps while it measures", _clock_jumps, 20),
    Kind("upload", "the client is killed at any line", _client_dies, 40),
    Kind("API", "bytes of a body are turned", _damaged_on_the_way, 60),
    Kind("API", "the server is killed between commit and answer", _server_dies, 6),
)
