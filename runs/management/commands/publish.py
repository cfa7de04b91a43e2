"""One experiment's pages as a folder that any web server can show, for a paper's appendix or a web page."""

from __future__ import annotations

import argparse
import gzip
import io
import shutil
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from runs.copies.copying import Copier, write_note
from runs.errors import RunsError
from runs.models import Experiment

EXAMPLES = """
examples:
  python manage.py publish "Lab, November" appendix/
  python -m http.server --directory appendix/        to look at it

The folder has every page of the experiment, its charts and tables, each run with its record, and under data/ all of it
as JSON lines and Parquet. It asks no server for anything. Filters are left out, and with them what only they lead to.
A private experiment is never published.
"""


class Command(BaseCommand):
    help = "Write every page of one experiment as a site that needs no server."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("experiment", help="its name, or the name that its address has")
        parser.add_argument("folder", type=Path, help="new or empty, or an earlier copy, which is replaced")
        parser.add_argument("--language", choices=["en", "es"], default="en", help="of its pages (default: en)")

    def handle(self, *args: Any, **options: Any) -> None:
        experiment, folder = _experiment(options["experiment"]), options["folder"].resolve()
        _check_place(folder)
        call_command("collectstatic", interactive=False, verbosity=0)
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(parents=True)
            count = _copied(experiment, partial, options["language"])
            _write_data(experiment, partial / "data")
            shutil.rmtree(folder, ignore_errors=True)
            partial.replace(folder)
        except RunsError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        words = ", ".join(f"{number:,} {kind}" for kind, number in count.items())
        self.stdout.write(f"{folder}: {words}, {size / 1e6:,.1f} MB. Look at it: python -m http.server -d {folder}")


def _copied(experiment: Experiment, folder: Path, language: str) -> dict[str, int]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("files", total=None)

        def told(_: str, left: int) -> None:
            progress.advance(task)
            progress.update(task, total=progress.tasks[task].completed + left)

        copier = Copier(experiment, folder, language, told)
        copier.copy()
    write_note(folder, experiment, copier.count)
    return copier.count


def _write_data(experiment: Experiment, folder: Path) -> None:
    call_command("exportruns", experiment=experiment.name, parquet=folder, stdout=io.StringIO())
    with gzip.open(folder / "runs.jsonl.gz", "wt", encoding="utf-8") as file:
        call_command("exportruns", experiment=experiment.name, stdout=file)


def _experiment(name: str) -> Experiment:
    known = Experiment.objects.filter(is_private=False)
    found = known.filter(name=name).first() or known.filter(slug=name).first()
    if found is None and Experiment.objects.filter(name=name).exists():
        raise CommandError(f"{name} is private. Make it public first, on its page in the admin.")
    if found is None:
        names = ", ".join(known.values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no experiment {name!r}. Known: {names}.")
    return found


def _check_place(folder: Path) -> None:
    if Path.cwd().is_relative_to(folder):
        raise CommandError(f"{folder} holds the folder that you are in, and would be replaced. Name one below it.")
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is a file. Name a folder that is new, empty or an earlier copy.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "copy.json").exists():
        raise CommandError(f"{folder} has other files, and would be replaced. Name a new or an empty folder.")
