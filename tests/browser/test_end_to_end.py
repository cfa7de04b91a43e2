"""The main job, end to end: a real suite on real data, then a real browser that shows what was stored."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from runs.models import Run
from runs.records.run_records import parse_record
from runs.services.recording import record_runs
from tests.browser.conftest import Visit

ROOT = Path(settings.BASE_DIR)
DRAWN = "Chart.getChart(document.querySelector('canvas')).data.datasets"
SUITE = """
name = "tiny"
title = "As small as can be"
preset = "quick"
blocks = 1
warmup_epochs = 1
steady_epochs = 1
min_steady_seconds = 0

[[benches]]
network = "mlp"
hidden_layers = [2]
widths = [25, 50]
engines = ["tf", "ktf"]
"""

pytestmark = [pytest.mark.browser, pytest.mark.engine]


def run_suite(folder: Path) -> list[str]:
    """The lines of the spool that `runbench` leaves behind."""
    suite = folder / "tiny.toml"
    suite.write_text(SUITE)
    command = [sys.executable, "manage.py", "runbench", "--suite", str(suite), "--no-database"]
    environment = os.environ | {"BENCHSITE_VAR": str(folder / "var")}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return (folder / "var" / "spool" / "tiny.jsonl").read_text().splitlines()


def rounded(points: Iterable[Sequence[float]]) -> list[tuple[float, str]]:
    """Six digits: one process's geometric mean is its median, but for the last bits."""
    return sorted((width, f"{seconds:.6g}") for width, seconds in points)


def test_a_real_suite_ends_up_as_the_points_of_the_chart(visit: Visit, transactional_db: None, tmp_path: Path) -> None:
    records = [parse_record(line) for line in run_suite(tmp_path)]
    assert [record.status for record in records] == ["finished"] * 4
    record_runs(records=records)
    call_command("loadstudy", verbosity=0)
    visit.go("/explore/?network=mlp")
    drawn = visit.page.evaluate(f"{DRAWN}.flatMap(series => series.data.map(point => [point.x, point.y]))")
    stored = [(run.workload.width, run.seconds or 0.0) for run in Run.objects.with_everything()]
    assert rounded(drawn) == rounded(stored)
    assert visit.trouble == []
