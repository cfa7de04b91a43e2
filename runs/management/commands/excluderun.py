"""Leave a run out of every comparison, or take it in again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.errors import RunsError
from runs.services.curation import exclude_run, restore_run


class Command(BaseCommand):
    help = "Leave a run out of every comparison, with a reason that is logged; --restore takes it in again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", metavar="RUN_ID", help="as on its page")
        parser.add_argument("--reason", required=True, help="why; everybody can read it")
        parser.add_argument("--restore", action="store_true", help="undo an exclusion")

    def handle(self, *args: Any, **options: Any) -> None:
        act = restore_run if options["restore"] else exclude_run
        try:
            run = act(run_id=options["run"], reason=options["reason"])
        except RunsError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Run {run.run_id} is {'restored' if options['restore'] else 'excluded'}.")
