"""What goes out comes in again, unchanged."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from engines.contract import as_json
from runs.models import Experiment, Run, Summary
from runs.records.run_records import parse_record
from runs.services.recording import record_runs
from tests.records import make_record

pytestmark = pytest.mark.django_db


def exported() -> str:
    out = io.StringIO()
    call_command("exportruns", stdout=out)
    return out.getvalue()


def test_an_export_imported_into_an_empty_database_gives_the_same_rows(tmp_path: Path) -> None:
    record_runs(records=[make_record(block=block) for block in range(3)] + [make_record("theano", status="timed_out")])
    text = exported()
    summaries = list(Summary.objects.order_by("engine").values_list("engine", "samples", "status_counts", "reason"))
    Experiment.objects.all().delete()
    file = tmp_path / "runs.jsonl"
    file.write_text(text)
    call_command("importruns", str(file), stdout=io.StringIO())
    assert exported() == text
    again = list(Summary.objects.order_by("engine").values_list("engine", "samples", "status_counts", "reason"))
    assert again == summaries


def test_each_exported_line_is_a_whole_record() -> None:
    record = make_record()
    record_runs(records=[record])
    assert parse_record(exported().strip()) == record


def test_only_one_experiment_is_exported_if_asked() -> None:
    record_runs(records=[make_record(experiment="one"), make_record(experiment="two")])
    out = io.StringIO()
    call_command("exportruns", experiment="one", stdout=out)
    assert [parse_record(line).placement.experiment for line in out.getvalue().splitlines()] == ["one"]


def test_an_unknown_experiment_is_named_with_the_known_ones() -> None:
    record_runs(records=[make_record(experiment="one")])
    with pytest.raises(CommandError, match="Known: one"):
        call_command("exportruns", experiment="three")


def test_lines_that_do_not_fit_are_told_and_the_others_stored(tmp_path: Path) -> None:
    good, file, told = make_record(), tmp_path / "runs.jsonl", io.StringIO()
    bad = as_json(make_record()).replace('"threads":1', '"threads":0', 1)
    file.write_text(f"{as_json(good)}\n\n{bad}\nnot JSON\n")
    with pytest.raises(CommandError, match="2 records were refused"):
        call_command("importruns", str(file), stdout=io.StringIO(), stderr=told)
    assert Run.objects.count() == 1
    assert "line 3" in told.getvalue()
    assert "cell.threads is 0, allowed: 1 to 4096" in told.getvalue()
    assert "line 4" in told.getvalue()


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    file, out = tmp_path / "runs.jsonl", io.StringIO()
    file.write_text(as_json(make_record()) + "\n")
    call_command("importruns", str(file), stdout=io.StringIO())
    call_command("importruns", str(file), stdout=out)
    assert "0 runs stored, 1 known already, 0 refused" in out.getvalue()


def test_a_file_that_is_not_there_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("importruns", str(tmp_path / "nothing.jsonl"))
