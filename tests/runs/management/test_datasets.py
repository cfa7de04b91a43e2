"""`manage.py datasets`: what it prints, and one clear message where it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from engines import datasets
from tests.engines.dataset_files import cifar_files, write


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(path))
    return path


def shown(*arguments: str) -> str:
    output = StringIO()
    call_command("datasets", *arguments, stdout=output)
    return output.getvalue()


def test_the_listing_shows_what_is_there_and_the_choices_for_what_is_not(data_dir: Path) -> None:
    text = shown()
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    assert rows["shuttle"][:4] == ["ready", "shipped", "43,500", "14,500"]
    assert rows["cifar10"][:2] == ["missing", "–"]
    assert rows["synthetic-cifar10"][:2] == ["ready", "synthetic"]
    assert str(data_dir) in text
    assert "datasets fetch cifar10" in text
    assert "--synthetic" in text


def test_the_listing_as_json_has_the_whole_status(data_dir: Path) -> None:
    document = json.loads(shown("list", "--json"))
    lines = {line["name"]: line for line in document["datasets"]}
    assert document["folder"] == str(data_dir)
    assert list(lines) == [line.name for line in datasets.status()]
    assert lines["shuttle"]["sha256"] == datasets.describe("shuttle").sha256
    assert lines["mnist"]["state"] == "missing"


def test_importing_says_what_runs_will_use(tmp_path: Path) -> None:
    place = write(tmp_path / "in", cifar_files())
    assert "CIFAR-10, 40 images, imported files, and 10 to test on: ready" in shown("import", "cifar10", str(place))
    assert "Checksums are right" in shown("verify", "cifar10")


def test_verifying_all_checks_every_set_before_it_fails(tmp_path: Path, data_dir: Path) -> None:
    datasets.import_files("cifar10", write(tmp_path / "in", cifar_files()))
    batch = next(data_dir.rglob("test_batch.bin"))
    batch.write_bytes(bytes(batch.stat().st_size))
    output = StringIO()
    with pytest.raises(CommandError, match="CIFAR-10 are damaged or incomplete"):
        call_command("datasets", "verify", stdout=output)
    assert "Shuttle" in output.getvalue()
    assert "Checksums are right" in output.getvalue()


def test_fetching_prints_plain_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, *, progress: object) -> datasets.DataSet:
        assert callable(progress)
        for done in range(0, 1001, 5):
            progress(datasets.Progress(f"{name}.tar.gz", done * 1000, 1_000_000))
        return datasets.describe("shuttle")

    monkeypatch.setattr(datasets, "fetch", fetch)
    lines = shown("fetch", "cifar10").splitlines()
    assert lines[:2] == ["cifar10.tar.gz: 0 % of 1.0 MB", "cifar10.tar.gz: 10 % of 1.0 MB"]
    assert lines[10] == "cifar10.tar.gz: 100 % of 1.0 MB"
    assert len(lines) == 12


def test_an_interrupted_fetch_says_that_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, *, progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "fetch", fetch)
    with pytest.raises(CommandError, match="next one continues") as caught:
        shown("fetch", "cifar10")
    assert caught.value.returncode == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "imagenet"], "Known data sets: shuttle"),
        (["verify", "cifar10"], "CIFAR-10 is not on this machine"),
        (["import", "cifar10", "/nowhere/at/all"], "There is no file or folder"),
        (["fetch", "synthetic-mnist"], "no files to fetch"),
    ],
)
def test_a_failure_is_one_message(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        shown(*arguments)


@pytest.mark.slow
def test_the_process_ends_with_a_message_and_no_traceback() -> None:
    command = [sys.executable, "manage.py", "datasets", "verify", "cifar10"]
    ended = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: CIFAR-10 is not on this machine")
    assert "Traceback" not in ended.stderr


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("datasets", "--help")
    assert "python manage.py datasets fetch cifar10" in capsys.readouterr().out


def test_fetching_what_is_missing_leaves_imported_files_alone(tmp_path: Path) -> None:
    datasets.import_files("cifar10", write(tmp_path / "in", cifar_files()))
    before = datasets.describe("cifar10")
    assert shown("fetch", "cifar10", "--if-missing") == ""
    assert datasets.describe("cifar10") == before
