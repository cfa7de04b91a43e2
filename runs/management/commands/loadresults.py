"""The results that ship, into the database: something real to look at before anything is measured here."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.errors import RunsError
from runs.records.shipped import ShippedResults, shipped_files, shipped_results
from runs.services import storage
from runs.services.shipped import is_empty, load_shipped

EXAMPLES = """
examples:
  python manage.py loadresults               all that ship
  python manage.py loadresults --list        what there is: machine, day, runs
  python manage.py experiments hide NAME     no longer to be seen by everybody
"""


class Command(BaseCommand):
    help = (
        "Store the run records that ship with Benchsite. Their experiments are named after the machine and the day "
        "that they were measured on, so that they never mix with your own. Loading twice changes nothing."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="say what there is, and store nothing")
        parser.add_argument("--if-empty", action="store_true", help="only into a site that has no run yet")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["list"]:
                self._list()
            elif not options["if_empty"] or is_empty():
                self._load()
        except RunsError as error:
            raise CommandError(error.message) from None

    def _list(self) -> None:
        for found in map(shipped_results, shipped_files()):
            for name in found.began:
                self.stdout.write(f"{name}: {_runs_of(found, name)} runs")

    def _load(self) -> None:
        storage.check_writable()
        refused = 0
        for found in map(shipped_results, shipped_files()):
            report = load_shipped(shipped=found)
            refused += len(report.refused)
            for refusal in report.refused:
                self.stderr.write(f"Refused run {refusal.run_id}: {refusal.reason}")
            counts = f"{len(report.stored)} runs stored, {len(report.known)} known already"
            self.stdout.write(f"Measured elsewhere: {', '.join(found.began)}. {counts}.")
        if refused:
            raise CommandError(f"{refused} records were refused, for the reasons above; all others are stored.")


def _runs_of(found: ShippedResults, experiment: str) -> int:
    return sum(1 for record in found.records if record.placement.experiment == experiment)
