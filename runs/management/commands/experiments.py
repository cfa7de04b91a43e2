"""What can be done to an experiment as a whole."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.errors import RunsError
from runs.models import Experiment
from runs.services import curation


class Command(BaseCommand):
    help = "Rename an experiment, or make it private or public."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
        rename = actions.add_parser("rename", help="give it another name; its address stays")
        rename.add_argument("name")
        rename.add_argument("new_name")
        rename.set_defaults(action=self.rename)
        for word, is_private in (("hide", True), ("show", False)):
            parser = actions.add_parser(
                word, help="for its owner and the staff alone" if is_private else "for everybody"
            )
            parser.add_argument("name")
            parser.set_defaults(action=self.set_privacy, is_private=is_private)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            options["action"](_named(options["name"]), options)
        except RunsError as error:
            raise CommandError(error.message) from None

    def rename(self, experiment: Experiment, options: dict[str, Any]) -> None:
        row = curation.rename_experiment(experiment=experiment, name=options["new_name"])
        self.stdout.write(f"{options['name']} is now {row.name}.")

    def set_privacy(self, experiment: Experiment, options: dict[str, Any]) -> None:
        row = curation.set_privacy(experiment=experiment, is_private=options["is_private"])
        self.stdout.write(f"{row.name} is now {'private' if row.is_private else 'public'}.")


def _named(name: str) -> Experiment:
    try:
        experiment: Experiment = Experiment.objects.get(name=name)
    except Experiment.DoesNotExist:
        known = ", ".join(Experiment.objects.values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no experiment {name!r}. Known: {known}.") from None
    return experiment
