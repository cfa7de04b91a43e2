"""`manage.py datasets`: list, fetch, verify and import the data sets."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from engines import datasets
from engines.errors import DataSetError

_EXAMPLES = """examples:
  python manage.py datasets                           what is there, what is missing
  python manage.py datasets list --json               the same for programs
  python manage.py datasets fetch cifar10             download the official files; resumes where it was cut off
  python manage.py datasets import cifar10 PATH       use a file, a folder or an archive that you have
  python manage.py datasets verify                    check every stored file against its checksum

The files are kept in BENCHSITE_DATA_DIR (by default benchsite/datasets in your cache folder).
"""
_INTERRUPTED = 130
_PLAIN_STEPS = 10
_PLAIN_WIDTH = 120
_DIGITS = 10


class Command(BaseCommand):
    help = "List, fetch, verify and import the data sets that networks train on."
    requires_system_checks = ()
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="list | fetch | verify | import", title="actions")
        listing = actions.add_parser("list", help="what is there, what is missing (the default)")
        listing.add_argument("--json", action="store_true", help="print JSON")
        fetching = actions.add_parser("fetch", help="download the official files, or go back to the shipped ones")
        fetching.add_argument("name", metavar="NAME")
        fetching.add_argument("--if-missing", action="store_true", help="leave alone what is there")
        verifying = actions.add_parser("verify", help="check stored files against their checksums")
        verifying.add_argument("name", metavar="NAME", nargs="?", help="all that are there, if left out")
        importing = actions.add_parser("import", help="use a file, a folder or an archive that you have")
        importing.add_argument("name", metavar="NAME")
        importing.add_argument("path", metavar="PATH", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "list": self._list,
            "fetch": self._fetch,
            "verify": self._verify,
            "import": self._import,
        }
        try:
            actions[options["action"] or "list"](options)
        except DataSetError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Nothing was lost: the next one continues.", returncode=_INTERRUPTED) from error

    def _list(self, options: dict[str, Any]) -> None:
        lines = datasets.status()
        if options.get("json"):
            document = {"folder": str(datasets.data_dir()), "datasets": [asdict(line) for line in lines]}
            self.stdout.write(json.dumps(document, indent=2))
            return
        width = None if self.stdout.isatty() else _PLAIN_WIDTH
        Console(file=cast(IO[str], self.stdout), highlight=False, width=width).print(_table(lines))
        self.stdout.write(f"Files are kept in {datasets.data_dir()} (BENCHSITE_DATA_DIR).")
        for line in lines:
            if line.state != "ready":
                self.stdout.write(line.note)

    def _fetch(self, options: dict[str, Any]) -> None:
        if options["if_missing"] and _state(options["name"]) == "ready":
            return
        with _progress(self.stdout) as progress:
            dataset = datasets.fetch(options["name"], progress=progress)
        self.stdout.write(_sentence(dataset))

    def _import(self, options: dict[str, Any]) -> None:
        self.stdout.write(_sentence(datasets.import_files(options["name"], options["path"])))

    def _verify(self, options: dict[str, Any]) -> None:
        """All sets are looked at before a damaged one ends the command with a message."""
        names = [options["name"]] if options["name"] else _names_to_verify()
        problems = []
        for name in names:
            try:
                self.stdout.write(f"{_sentence(datasets.verify(name))} Checksums are right.")
            except DataSetError as error:
                problems.append(str(error))
        if problems:
            raise CommandError("\n".join(problems))


def _state(name: str) -> str:
    return next((line.state for line in datasets.status() if line.name == name), "missing")


def _names_to_verify() -> list[str]:
    return [line.name for line in datasets.status() if line.state != "missing" and line.source != "synthetic"]


def _sentence(dataset: datasets.DataSet) -> str:
    return (
        f"{datasets.title(dataset)}, and {dataset.test_samples:,} to test on: ready "
        f"({dataset.source}, sha256 {dataset.sha256[:_DIGITS]}…)."
    )


def _table(lines: list[datasets.DataSetStatus]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "state", "source"):
        table.add_column(heading, no_wrap=True)
    for heading in ("train", "test"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("sha256", no_wrap=True)
    table.add_column("licence", no_wrap=True)
    for line in lines:
        digest = f"{line.sha256[:_DIGITS]}…" if line.sha256 else "–"
        counts = (f"{count:,}" if count else "–" for count in (line.train_samples, line.test_samples))
        table.add_row(line.name, line.state, line.source or "–", *counts, digest, line.licence)
    return table


# ---------------------------------------------------------------- progress


@contextmanager
def _progress(stream: Any) -> Iterator[Callable[[datasets.Progress], None]]:
    """A bar with speed and time left at a terminal, a line for each tenth elsewhere."""
    if not stream.isatty():
        yield _PlainProgress(stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn()) as bars:
        yield _BarProgress(bars)


class _BarProgress:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def __call__(self, progress: datasets.Progress) -> None:
        if progress.file not in self._tasks:
            self._tasks[progress.file] = self._bars.add_task(progress.file, total=progress.total_bytes)
        self._bars.update(self._tasks[progress.file], completed=progress.done_bytes)


class _PlainProgress:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._said: dict[str, int] = {}

    def __call__(self, progress: datasets.Progress) -> None:
        tenth = _PLAIN_STEPS * progress.done_bytes // progress.total_bytes
        if tenth > self._said.get(progress.file, -1):
            self._said[progress.file] = tenth
            total = f"{progress.total_bytes / 1e6:,.1f} MB"
            self._stream.write(f"{progress.file}: {100 * tenth // _PLAIN_STEPS} % of {total}\n")
            self._stream.flush()
