"""Run records from a file into the database: what is known already changes nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from engines.run_record import RunRecord
from runs.errors import RecordError, RunsError
from runs.records.run_records import parse_record
from runs.services import storage
from runs.services.recording import record_runs

EXAMPLES = """
examples:
  python manage.py importruns runs.jsonl
  ssh bench-machine cat benchsite/var/spool/quick.jsonl | python manage.py importruns -
"""
_BATCH = 500


class Command(BaseCommand):
    help = "Store the run records of a file of JSON lines (an export, or a spool). Importing twice changes nothing."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines; - reads standard input")
        parser.add_argument("--accept-hardware", action="store_true", help="same machine, though its hardware changed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with _opened(options["file"]) as file:
                self._import(file, accept_hardware=options["accept_hardware"])
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise CommandError(f"{options['file']} is not a text file of JSON lines.") from None
        except RunsError as error:
            raise CommandError(error.message) from None

    def _import(self, file: IO[str], *, accept_hardware: bool) -> None:
        storage.check_writable()
        stored = known = refused = 0
        parsed = self._parsed(file)
        while batch := list(islice(parsed, _BATCH)):
            records = [record for record in batch if record is not None]
            report = record_runs(records=records, accept_hardware=accept_hardware)
            stored, known = stored + len(report.stored), known + len(report.known)
            refused += len(report.refused) + len(batch) - len(records)
            for refusal in report.refused:
                self.stderr.write(f"Refused run {refusal.run_id}: {refusal.reason}")
        self.stdout.write(f"{stored} runs stored, {known} known already, {refused} refused.")
        if refused:
            raise CommandError(f"{refused} records were refused, for the reasons above; all others are stored.")

    def _parsed(self, file: IO[str]) -> Iterator[RunRecord | None]:
        """The record of each line that is not empty; None, with the reason told, for one that does not fit."""
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield parse_record(line)
            except RecordError as error:
                self.stderr.write(f"Refused line {number}: {error.message}")
                yield None


def _opened(name: str) -> IO[str]:
    return sys.stdin if name == "-" else Path(name).open(encoding="utf-8")
