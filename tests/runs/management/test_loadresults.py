"""Results that ship: real, labelled with machine and day, and never in the way of a site's own."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from engines.contract import as_json
from runs.models import Experiment, Run
from runs.records import shipped
from runs.selectors.scopes import scope
from runs.services.recording import record_runs
from tests.records import make_record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two experiments of one machine, two days apart."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    records = [
        *(make_record(block=block) for block in range(3)),
        make_record("torch", experiment="families", finished_at="2026-11-26T08:00:10+00:00"),
    ]
    write(tmp_path / "lab-1.jsonl.gz", *map(as_json, records))
    return tmp_path


def write(path: Path, *lines: str) -> None:
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


NAMES = {"quick · lab-1 · 2026-11-24", "families · lab-1 · 2026-11-26"}


def test_experiments_are_named_after_their_machine_and_day(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("loadresults")
    assert set(Experiment.objects.values_list("name", flat=True)) == NAMES
    assert "Measured elsewhere: quick · lab-1 · 2026-11-24" in capsys.readouterr().out


def test_loading_twice_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("loadresults")
    before = list(Run.objects.order_by("pk").values_list("run_id", "content_sha256", "received_at"))
    call_command("loadresults")
    assert list(Run.objects.order_by("pk").values_list("run_id", "content_sha256", "received_at")) == before
    assert "0 runs stored, 4 known already" in capsys.readouterr().out


def test_a_site_s_own_experiment_comes_first_whichever_was_there_before() -> None:
    call_command("loadresults")
    record_runs(records=[make_record(block=9)])
    own = scope().experiment
    assert own is not None
    assert own.name == "quick"
    assert len(scope().experiments) == 3
    assert Run.objects.filter(experiment__name="quick").count() == 1


def test_only_a_site_without_runs_is_filled_unasked() -> None:
    call_command("loadresults", "--if-empty")
    assert Run.objects.count() == 4
    Experiment.objects.filter(name__startswith="families").update(name="kept")
    call_command("loadresults", "--if-empty")
    assert Run.objects.count() == 4
    assert Experiment.objects.count() == 2


def test_own_runs_keep_what_ships_away_until_it_is_asked_for() -> None:
    record_runs(records=[make_record(block=9)])
    call_command("loadresults", "--if-empty")
    assert Run.objects.count() == 1


def test_a_list_stores_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("loadresults", "--list")
    assert "families · lab-1 · 2026-11-26: 1 runs" in capsys.readouterr().out
    assert not Run.objects.exists()


def test_pages_say_where_and_when_it_was_measured(client: Client, settings: object) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}  # type: ignore[attr-defined]
    call_command("loadresults")
    for address in ("/", "/explore/", "/recommendation/"):
        assert "families · lab-1 · 2026-11-26" in client.get(address).content.decode()


def test_a_damaged_file_says_where(folder: Path) -> None:
    write(folder / "lab-2.jsonl.gz", as_json(make_record()), "{}")
    with pytest.raises(CommandError, match=r"lab-2.jsonl.gz, line 2: "):
        call_command("loadresults")
