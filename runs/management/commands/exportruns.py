"""Every stored run record, for another site, an archive or a notebook."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from rich.console import Console
from rich.progress import track

from runs.models import Experiment, Run, Summary
from runs.selectors.export_rows import EpochRow, RunRow, SummaryRow, run_and_epoch_rows, summary_rows
from runs.tables.parquet import ParquetFile

EXAMPLES = """
examples:
  python manage.py exportruns > runs.jsonl
  python manage.py exportruns --experiment "Lab, November" --output november.jsonl
  python manage.py exportruns --parquet november/ --experiment "Lab, November"

--parquet writes runs.parquet, epochs.parquet and summaries.parquet: docs/analysis.md reads them with pandas and DuckDB.
JSON lines can be stored again by importruns; Parquet is for analysis.
"""
_MANY = 10_000


class Command(BaseCommand):
    help = "Print every stored run record, one JSON document a line, oldest first; or write Parquet files."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--experiment", metavar="NAME", help="only this experiment's runs")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--output", type=Path, metavar="FILE", help="JSON lines; standard output by default")
        form.add_argument("--parquet", type=Path, metavar="FOLDER", help="Parquet files, made or replaced there")

    def handle(self, *args: Any, **options: Any) -> None:
        runs, summaries = Run.objects.all(), Summary.objects.all()
        if options["experiment"]:
            experiment = _experiment(options["experiment"])
            runs, summaries = runs.filter(experiment=experiment), summaries.filter(experiment=experiment)
        try:
            if options["parquet"]:
                self._write_parquet(options["parquet"], runs, summaries)
            elif options["output"]:
                with options["output"].open("w", encoding="utf-8") as file:
                    _write_lines(file, runs)
            else:
                _write_lines(self.stdout, runs)
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from None

    def _write_parquet(self, folder: Path, runs: QuerySet[Run], summaries: QuerySet[Summary]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        names = {name: folder / f"{name}.parquet" for name in ("runs", "epochs", "summaries")}
        count = runs.count()
        rows = track(run_and_epoch_rows(runs), "runs", count, console=Console(stderr=True), disable=count < _MANY)
        with ParquetFile(names["runs"], RunRow) as of_runs, ParquetFile(names["epochs"], EpochRow) as of_epochs:
            for run, epochs in rows:
                of_runs.add(run)
                for epoch in epochs:
                    of_epochs.add(epoch)
        with ParquetFile(names["summaries"], SummaryRow) as of_cells:
            for cell in summary_rows(summaries):
                of_cells.add(cell)
        for name, file in zip(names, (of_runs, of_epochs, of_cells), strict=True):
            self.stdout.write(f"{names[name]}: {file.rows:,} {name}, {names[name].stat().st_size / 1e6:,.1f} MB")


def _write_lines(file: Any, runs: QuerySet[Run]) -> None:
    found = runs.select_related("environment_part", "machine_part").order_by("finished_at", "id")
    for run in found.iterator(chunk_size=500):
        file.write(run.record_text + "\n")


def _experiment(name: str) -> Experiment:
    try:
        return Experiment.objects.get(name=name)
    except Experiment.DoesNotExist:
        known = ", ".join(Experiment.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no experiment {name!r}. Known: {known}.") from None
