"""Downloading from a server that cuts, hangs, refuses and lies."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engines import datasets
from engines.datasets import available
from engines.datasets.catalogue import SOURCES
from engines.datasets.source import Download, Source
from engines.errors import DataSetError
from tests.engines.dataset_files import cifar_files, mnist_files, tar_of, write


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(path))
    return path


@dataclass
class Server:
    """Serves one file; `answers` are taken one per request, the last one again and again."""

    content: bytes
    answers: list[Callable[[Server, BaseHTTPRequestHandler], None]] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.ranges.append(request.headers.get("Range"))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer(self, request)


def serve_whole(server: Server, request: BaseHTTPRequestHandler, sent: int | None = None) -> None:
    """The whole or the asked-for rest; only the first `sent` bytes of it if given."""
    asked = request.headers.get("Range")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
    body = server.content[start:]
    request.send_response(206 if asked else 200)
    if asked:
        request.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[:sent])


def cut_after(sent: int) -> Callable[[Server, BaseHTTPRequestHandler], None]:
    return lambda server, request: serve_whole(server, request, sent)


def ignore_range(server: Server, request: BaseHTTPRequestHandler) -> None:
    del request.headers["Range"]
    serve_whole(server, request)


def fail_with(code: int) -> Callable[[Server, BaseHTTPRequestHandler], None]:
    return lambda _, request: request.send_error(code)


def hang(server: Server, _: BaseHTTPRequestHandler) -> None:
    server.released.wait(20)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on the loopback that stands for CIFAR-10's official address."""
    served = Server(tar_of(cifar_files(), "gz"), [serve_whole])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    official = Download(
        "cifar-10-binary.tar.gz",
        (f"http://127.0.0.1:{httpd.server_port}/cifar-10-binary.tar.gz",),
        hashlib.sha256(served.content).hexdigest(),
        len(served.content),
    )
    monkeypatch.setitem(SOURCES, "cifar10", dataclasses.replace(SOURCES["cifar10"], downloads=(official,)))
    yield served
    served.released.set()
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def fetch(seen: list[datasets.Progress] | None = None, timeout_seconds: float = 5.0) -> datasets.DataSet:
    progress = seen.append if seen is not None else None
    return datasets.fetch("cifar10", progress=progress, timeout_seconds=timeout_seconds)


def part_of(data_dir: Path) -> Path:
    return data_dir / "cifar10" / ".downloads" / "cifar-10-binary.tar.gz.part"


def test_fetching_downloads_checks_and_unpacks(server: Server, data_dir: Path) -> None:
    seen: list[datasets.Progress] = []
    dataset = fetch(seen)
    assert (dataset.source, dataset.train_samples, dataset.test_samples) == ("downloaded", 40, 10)
    assert seen[-1].done_bytes == seen[-1].total_bytes == len(server.content)
    assert datasets.load(dataset).train_inputs.shape == (40, 32, 32, 3)
    assert not part_of(data_dir).parent.exists()


def test_fetching_again_asks_nothing_of_the_server(server: Server) -> None:
    fetch()
    fetch()
    assert len(server.ranges) == 1


def test_an_import_of_the_official_archive_is_the_same_as_a_download(server: Server, tmp_path: Path) -> None:
    downloaded = fetch()
    copy = tmp_path / "copy.tar.gz"
    copy.write_bytes(server.content)
    assert datasets.import_files("cifar10", copy) == downloaded


def test_a_cut_download_goes_on_where_it_was_cut(server: Server) -> None:
    server.answers = [cut_after(50_000), cut_after(30_000), serve_whole]
    assert fetch().train_samples == 40
    assert server.ranges == [None, "bytes=50000-", "bytes=80000-"]


def test_a_download_that_stays_cut_is_said_and_continued_by_the_next_fetch(server: Server, data_dir: Path) -> None:
    server.answers = [cut_after(50_000), cut_after(0)]
    with pytest.raises(DataSetError, match=r"cut off after .* continues from there"):
        fetch()
    assert part_of(data_dir).stat().st_size == 50_000
    server.answers = [serve_whole]
    assert fetch().train_samples == 40
    assert server.ranges[-1] == "bytes=50000-"


def test_a_server_that_knows_no_ranges_starts_over(server: Server) -> None:
    server.answers = [cut_after(50_000), ignore_range]
    assert fetch().train_samples == 40


def test_a_part_that_is_too_long_is_thrown_away(server: Server, data_dir: Path) -> None:
    write(part_of(data_dir).parent, {part_of(data_dir).name: server.content + b"more"})
    with pytest.raises(DataSetError, match="not the official file"):
        fetch()
    assert fetch().train_samples == 40


def test_a_range_that_cannot_be_had_starts_over(server: Server, data_dir: Path) -> None:
    write(part_of(data_dir).parent, {part_of(data_dir).name: server.content[:1000]})
    server.answers = [fail_with(416), serve_whole]
    assert fetch().train_samples == 40
    assert server.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize(
    "change", [lambda good: bytes([good[0] ^ 1]) + good[1:], lambda good: b"<html>", lambda good: good + b"!"]
)
def test_a_file_with_another_checksum_never_gets_in(
    server: Server, data_dir: Path, change: Callable[[bytes], bytes]
) -> None:
    server.content = change(server.content)
    with pytest.raises(DataSetError, match="not the official file"):
        fetch()
    assert not part_of(data_dir).exists()
    assert datasets.status()[1].state == "missing"


@pytest.mark.parametrize("code", [403, 404, 503])
def test_a_refusal_names_address_and_code(server: Server, code: int) -> None:
    server.answers = [fail_with(code)]
    with pytest.raises(DataSetError, match=rf"cifar-10-binary.tar.gz answered {code} .* import a copy"):
        fetch()


def test_a_server_that_never_answers_is_given_up_in_time(server: Server) -> None:
    server.answers = [hang]
    with pytest.raises(DataSetError, match=r"no answer within 0.2 s"):
        fetch(timeout_seconds=0.2)


def test_a_closed_port_is_said(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = dataclasses.replace(SOURCES["cifar10"].downloads[0], addresses=("http://127.0.0.1:9/x.tar.gz",))
    monkeypatch.setitem(SOURCES, "cifar10", dataclasses.replace(SOURCES["cifar10"], downloads=(closed,)))
    with pytest.raises(DataSetError, match=r"cannot be reached .*Check the network"):
        fetch()


def test_a_mirror_is_asked_when_the_first_address_fails(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    official = SOURCES["cifar10"].downloads[0]
    mirrored = dataclasses.replace(official, addresses=("http://127.0.0.1:9/x", *official.addresses))
    monkeypatch.setitem(SOURCES, "cifar10", dataclasses.replace(SOURCES["cifar10"], downloads=(mirrored,)))
    assert fetch().source == "downloaded"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_disk_that_fills_up_is_said(server: Server, data_dir: Path) -> None:
    part_of(data_dir).parent.mkdir(parents=True)
    part_of(data_dir).symlink_to("/dev/full")
    with pytest.raises(DataSetError, match="The disk is full"):
        fetch()


def test_a_disk_without_room_is_said_before_the_download(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataSetError, match=r"18[45] MB are needed .* 1 MB are free"):
        fetch()
    assert server.ranges == []


def test_two_fetches_do_not_write_into_each_other(server: Server) -> None:
    caught: list[DataSetError] = []

    def fetch_at_the_same_time(_: datasets.Progress) -> None:
        try:
            datasets.fetch("cifar10", timeout_seconds=5.0)
        except DataSetError as error:
            caught.append(error)

    datasets.fetch("cifar10", progress=fetch_at_the_same_time, timeout_seconds=5.0)
    assert "Another process is downloading" in str(caught[0])


# ---------------------------------------------------------------- what a package of the system has put there


@pytest.fixture
def downloaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is downloaded instead of found: other images than the package's."""
    names: list[str] = []

    def download(source: Source, *_: object) -> None:
        names.append(source.name)
        files = write(Path(os.environ["BENCHSITE_DATA_DIR"]) / "from-afar", mnist_files(train=40))
        datasets.import_files(source.name, files)

    monkeypatch.setattr(available, "_download", download)
    return names


def _installed_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = dataclasses.replace(SOURCES["fashion-mnist"], system_folder=str(folder))
    monkeypatch.setitem(SOURCES, "fashion-mnist", there)


def test_files_of_an_installed_package_are_taken_instead_of_a_download(
    downloaded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _installed_in(write(tmp_path / "package", mnist_files(train=30)), monkeypatch)
    assert datasets.fetch("fashion-mnist").train_samples == 30
    assert downloaded == []


@pytest.mark.parametrize("files", [{}, {"README": b"moved"}], ids=["empty", "other files"])
def test_a_folder_without_the_files_is_passed_over(
    files: dict[str, bytes], downloaded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _installed_in(write(tmp_path / "package", files), monkeypatch)
    assert datasets.fetch("fashion-mnist").train_samples == 40
    assert downloaded == ["fashion-mnist"]


def test_official_files_stay_when_a_package_is_installed_later(
    downloaded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _installed_in(tmp_path / "not-there", monkeypatch)
    there = datasets.fetch("fashion-mnist")
    monkeypatch.setattr(available, "_has_official_files", lambda source: True)
    _installed_in(write(tmp_path / "package", mnist_files(train=30)), monkeypatch)
    assert datasets.fetch("fashion-mnist") == there
