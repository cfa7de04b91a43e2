"""What upload tests share: spools, a stand-in for a Benchsite that says what a test sets, and a proxy that cuts."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from engines.contract import as_json
from engines.run_record import RunRecord

LOOPBACK = "127.0.0.1"
SECRET = "benchsite_for-tests"
JSON = "application/json"


def write_spool(folder: Path, *records: RunRecord, name: str = "quick") -> Path:
    """Appended, as runbench does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    with path.open("ab") as file:
        file.writelines(as_json(record).encode() + b"\n" for record in records)
    return path


# ---------------------------------------------------------------- a stand-in for the server


@dataclass(frozen=True)
class Said:
    """One answer instead of the usual one."""

    status: int
    body: bytes = b'{"message": "No.", "extra": {}}'
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON


@dataclass
class StandIn:
    """Stores what it is sent, like a Benchsite. `script` is said first; `refuse` are run ids and codes."""

    address: str = ""
    script: list[Said] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    """The ids of each batch that came, taken or not."""
    headers: list[Message] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def answer(self, path: str, headers: Message, body: bytes) -> Said:
        self.headers.append(headers)
        self.paths.append(path)
        records = [json.loads(line) for line in gzip.decompress(body).splitlines()] if body else []
        if body:
            self.batches.append([record["run_id"] for record in records])
        if self.script:
            return self.script.pop(0)
        results = [self._take(index, record) for index, record in enumerate(records)]
        return Said(200, json.dumps({"results": results, "stored": len(results)}).encode())

    def _take(self, index: int, record: dict[str, Any]) -> dict[str, Any]:
        run_id = record["run_id"]
        result = {"index": index, "run_id": run_id, "result": "stored", "reasons": []}
        if run_id in self.refuse:
            reason = {"code": self.refuse[run_id], "field": "x", "value": "", "allowed": "", "message": "Not this one."}
            return result | {"result": "refused", "reasons": [reason]}
        if run_id in self.stored:
            return result | {"result": "known"}
        self.stored[run_id] = record
        return result


@contextmanager
def stand_in() -> Iterator[StandIn]:
    site = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = site.answer(self.path, self.headers, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(said.status)
            for name, value in {"Content-Type": said.content_type, **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        site.address = f"http://{LOOPBACK}:{server.server_port}"
        yield site
        server.shutdown()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


# ---------------------------------------------------------------- a proxy that cuts


Fault = Literal["lose the answer", "cut the answer", "cut the request"]


@dataclass
class Proxy:
    """Hands each connection on to the server; the faults befall the first ones, in turn."""

    address: str
    faults: list[Fault | None] = field(default_factory=list)

    def carry(self, client: socket.socket, server: socket.socket) -> None:
        fault = self.faults.pop(0) if self.faults else None
        request = whole_message(client)
        if fault == "cut the request":
            server.sendall(request[: len(request) // 2])
            return
        server.sendall(request)
        answer = whole_message(server)
        if fault != "lose the answer":
            client.sendall(answer[: len(answer) // 2] if fault == "cut the answer" else answer)


def whole_message(connection: socket.socket) -> bytes:
    """An HTTP message with a Content-Length, or until its sender closes."""
    data = b""
    while not _is_whole(data) and (chunk := connection.recv(65536)):
        data += chunk
    return data


def _is_whole(data: bytes) -> bool:
    head, separator, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
    return bool(separator and lengths) and len(body) >= int(lengths[0])


@contextmanager
def proxy_to(port: int, faults: Sequence[Fault | None]) -> Iterator[Proxy]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        proxy = Proxy(f"http://{LOOPBACK}:{listener.getsockname()[1]}", list(faults))
        thread = threading.Thread(target=_serve, args=(listener, port, proxy), daemon=True)
        thread.start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _serve(listener: socket.socket, port: int, proxy: Proxy) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # the test is over
            return
        with client, socket.create_connection((LOOPBACK, port), timeout=30) as server:
            client.settimeout(30)
            proxy.carry(client, server)
