"""Every stored run record, for another site, an archive or a notebook."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.models import Experiment, Run

EXAMPLES = """
examples:
  python manage.py exportruns > runs.jsonl
  python manage.py exportruns --experiment "Lab, November" --output november.jsonl
"""


class Command(BaseCommand):
    help = "Print every stored run record, one JSON document a line, oldest first."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=["jsonl"], default="jsonl", help="JSON lines")
        parser.add_argument("--experiment", metavar="NAME", help="only this experiment's runs")
        parser.add_argument("--output", type=argparse.FileType("w"), metavar="FILE", help="standard output by default")

    def handle(self, *args: Any, **options: Any) -> None:
        runs = Run.objects.select_related("environment_part", "machine_part").order_by("finished_at", "id")
        if options["experiment"]:
            runs = runs.filter(experiment=_experiment(options["experiment"]))
        output = options["output"] or self.stdout
        for run in runs.iterator(chunk_size=500):
            output.write(run.record_text + "\n")


def _experiment(name: str) -> Experiment:
    try:
        return Experiment.objects.get(name=name)
    except Experiment.DoesNotExist:
        known = ", ".join(Experiment.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no experiment {name!r}. Known: {known}.") from None
