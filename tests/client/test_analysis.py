"""What docs/analysis.md and the notebook print works as printed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from benchsite.client import CELL, Site
from engines.contract import Network, as_json
from engines.run_record import Code
from runs.models import Run
from runs.selectors.export_rows import EpochRow, RunRow, SummaryRow
from runs.services.curation import exclude_run
from runs.services.recording import record_runs
from runs.tables.parquet import ParquetFile, schema_of
from tests.records import make_cell, make_inference_record, make_record
from tests.runs.api.test_curation import LAB_2

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
DOCUMENT, NOTEBOOK = Path("docs/analysis.md").resolve(), Path("docs/notebooks/recommendation.ipynb").resolve()


@pytest.fixture(autouse=True)
def _no_window() -> None:
    mpl.use("Agg")


def stored() -> list[Any]:
    records = [
        make_record(engine, block=block, epoch_seconds=seconds + block / 1000)
        for engine, seconds in (("theano", 2.0), ("tensorflow", 1.0))
        for block in range(5)
    ]
    records += [make_record("jax", status="crashed", reason="=1+1"), make_inference_record("torch")]
    record_runs(records=records)
    return records


def exported(folder: Path, **options: Any) -> dict[str, list[dict[str, Any]]]:
    call_command("exportruns", parquet=folder, stdout=io.StringIO(), **options)
    return {path.stem: pq.read_table(path).to_pylist() for path in folder.iterdir()}


def test_each_record_is_in_the_export_to_the_letter(tmp_path: Path) -> None:
    records = stored()
    found = exported(tmp_path / "export")
    assert {row["record"] for row in found["runs"]} == {as_json(record) for record in records}
    assert {(row["run_id"], row["seconds"]) for row in found["runs"]} == {
        (str(run_id), seconds) for run_id, seconds in Run.objects.values_list("run_id", "seconds")
    }


def test_epochs_are_told_steady_or_not_as_the_record_tells_them(tmp_path: Path) -> None:
    record = make_record()
    record_runs(records=[record])
    assert record.training is not None
    rows = exported(tmp_path / "export")["epochs"]
    assert [row["wall_seconds"] for row in rows] == [epoch.wall_seconds for epoch in record.training.epochs]
    assert [row["wall_seconds"] for row in rows if row["is_steady"]] == [
        epoch.wall_seconds for epoch in record.training.steady_epochs
    ]


def test_an_excluded_run_is_there_and_marked_and_its_cell_does_not_count_it(tmp_path: Path) -> None:
    record_runs(records=[make_record(block=block) for block in range(3)])
    exclude_run(run_id=str(Run.objects.get(block=0).run_id), reason="A backup ran.")
    found = exported(tmp_path / "export")
    assert [row["exclusion_reason"] for row in found["runs"] if row["is_excluded"]] == ["A backup ran."]
    (cell,) = found["summaries"]
    assert (cell["finished_runs"], cell["other_runs"], cell["blocks"]) == (2, 1, [1, 2])


@pytest.mark.parametrize(
    "other",
    [
        {"machine": LAB_2},
        {"code": Code("0.1.0", "0" * 40, dirty=False, engine_sha256="b" * 32)},
        {"experiment": "another"},
        {"cell": make_cell("tensorflow", threads=2)},
        {"cell": make_cell("tensorflow", track="tuned")},
        {"cell": make_cell("tensorflow", network=Network("mlp", 8, 50))},
    ],
)
def test_what_is_not_alike_is_another_cell_in_files_and_client_alike(
    tmp_path: Path, live_server: Any, other: dict[str, Any]
) -> None:
    record_runs(records=[make_record(block=0), make_record(block=1), make_record(block=2, **other)])
    found = exported(tmp_path / "export")
    counts = Counter(row["cell"] for row in found["runs"])
    assert sorted(counts.values()) == [1, 2]
    assert set(counts) == {row["cell"] for row in found["summaries"]}
    with Site(live_server.url) as site:
        assert sorted(site.runs().groupby(CELL).size()) == [1, 2]
        assert len(site.summaries().groupby(CELL)) == 2


def test_one_experiment_alone_is_exported_if_asked(tmp_path: Path) -> None:
    record_runs(records=[make_record(experiment="one"), make_record(experiment="two")])
    found = exported(tmp_path / "export", experiment="one")
    assert {row["experiment"] for kind in ("runs", "summaries") for row in found[kind]} == {"one"}


def test_an_empty_site_gives_files_with_columns_and_no_rows(tmp_path: Path) -> None:
    assert exported(tmp_path / "export") == {"runs": [], "epochs": [], "summaries": []}
    for name, row in (("runs", RunRow), ("epochs", EpochRow), ("summaries", SummaryRow)):
        assert pq.read_schema(tmp_path / "export" / f"{name}.parquet").equals(schema_of(row))


def test_an_export_that_breaks_off_leaves_no_half_file_and_keeps_the_one_of_before(tmp_path: Path) -> None:
    path = tmp_path / "epochs.parquet"
    with ParquetFile(path, EpochRow):
        pass
    before = path.read_bytes()
    with contextlib.suppress(KeyboardInterrupt), ParquetFile(path, EpochRow) as file:
        file.add(EpochRow(run_id="a", epoch=0, is_steady=True, wall_seconds=1, cpu_seconds=1, loss=None))
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ["epochs.parquet"]
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CommandError, match="taken cannot be written"):
        call_command("exportruns", parquet=tmp_path / "taken", stdout=io.StringIO())


def test_the_documents_programs_run_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stored()
    monkeypatch.chdir(tmp_path)
    exported(tmp_path / "export")
    programs = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(programs) == 3
    for program in programs:
        exec(program.replace("http://127.0.0.1:8000", live_server.url), {})
    printed = capsys.readouterr().out
    assert "first_epoch_over_steady" in printed
    assert printed.count("theano") >= 3


def test_the_notebook_draws_each_situation(monkeypatch: pytest.MonkeyPatch, live_server: Any) -> None:
    stored()
    monkeypatch.setitem(os.environ, "BENCHSITE_ADDRESS", live_server.url)
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in cells)
    names: dict[str, Any] = {}
    monkeypatch.setattr(plt, "show", lambda: None)
    for cell in cells:
        exec("".join(cell["source"]), names)
    titles = [panel.get_title(loc="left") for panel in names["axes"][:, 0]]
    assert titles == ["MLP on the CPU"]
    plt.close("all")
