"""Which engine to take in each situation, and on what that stands."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.http import QueryDict

from runs.api.findings import recommendation
from runs.errors import NotFoundError
from runs.findings.recommendation import Row
from runs.findings.situations import Answer, answers
from runs.pages.parts.answers import row_chip
from runs.selectors.cells import cells_of
from runs.selectors.machines import region_of
from runs.selectors.scopes import named_scope
from runs.selectors.study import published_recommendations
from runs.words.engines import engine_title

NOTHING = "No runs yet. Type: python manage.py runbench"
EXAMPLES = """
examples:
  python manage.py recommend
  python manage.py recommend --experiment "Lab, November" --machine lab-1 --json
"""


class Command(BaseCommand):
    help = "Recommend engines for MLPs and CNNs, on CPU and GPU, from what was measured, next to the study's own."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--experiment", metavar="NAME", help="the newest if not given")
        parser.add_argument("--machine", metavar="NAME", help="the one with the experiment's newest run if not given")
        parser.add_argument("--json", action="store_true", help="every engine's ratio and interval, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._answer(options)
        except NotFoundError as error:
            raise CommandError(error.message) from None
        except DatabaseError as error:
            raise CommandError(f"The database cannot be read ({error}). Type: python manage.py migrate") from None

    def _answer(self, options: dict[str, Any]) -> None:
        scope = named_scope(options["experiment"], options["machine"])
        if options["json"]:
            self.stdout.write(json.dumps(recommendation(scope, QueryDict()).model_dump(), indent=2))
            return
        if scope.experiment is None:
            self.stdout.write(NOTHING)
            return
        self.stdout.write(f"Experiment {scope.experiment} on {scope.machine}")
        for answer in answers(cells_of(scope), published_recommendations(), rope=region_of(*scope.measured_on)):
            for line in answer_lines(answer):
                self.stdout.write(line)


def answer_lines(answer: Answer) -> list[str]:
    """The recommendation, its basis, each engine's ratio to the best, and the study's own recommendation."""
    found = answer.found
    headline = " or ".join(answer.headline) or ("unresolved" if answer.was_tried else "not measured")
    return [
        "",
        f"{answer.situation}: {headline}",
        *(f"  {text}" for text in (answer.basis, found.reason, *answer.verdict_notes) if text),
        *_other_conditions(answer),
        *(_row_line(row) for row in found.rows),
        f"  Study, 2017: {' or '.join(answer.published_titles) or '–'}",
    ]


def _other_conditions(answer: Answer) -> list[str]:
    """What else was measured: the page and the API answer for it."""
    others = [choice.label for facet in answer.choices for choice in facet.choices if not choice.selected]
    return [f"  Also measured: {'; '.join(others)}"] if others else []


def _row_line(row: Row) -> str:
    ratio = f"{row.ratio.value:.2f}×" if row.ratio else "–"
    interval = f"{row.ratio.low:.2f} to {row.ratio.high:.2f}" if row.ratio and row.ratio.low else ""
    reason = row.missing.reason if row.missing else ""
    return f"  {engine_title(row.engine):20} {ratio:>7}  {interval:14}  {row_chip(row).text}  {reason}".rstrip()
