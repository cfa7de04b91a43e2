"""Fill the database with invented runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engines.run_record import RunRecord
from runs.bench.seeding import SUITE, Sitting, records_of, sittings
from runs.errors import RunsError
from runs.records.garbage import collect_seldom
from runs.services.recording import record_runs
from runs.suites.suite import shipped

BATCH = 2000


class Command(BaseCommand):
    help = "Fill the database with plausible runs that never happened, all named invented: for load work."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--runs", type=int, default=10_000, help="how many runs (default: 10000)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same runs (default: 1)")
        parser.add_argument(
            "--suite", choices=shipped(), default=SUITE, help=f"whose cells (default: {SUITE}; modern has all engines)"
        )

    def handle(self, *args: Any, runs: int, seed: int, suite: str = SUITE, **options: Any) -> None:
        if not 1 <= runs <= 100_000_000:
            raise CommandError(f"--runs is {runs}, allowed: 1 to 100,000,000.")
        try:
            parts = sittings(runs, seed, suite)
        except RunsError as error:
            raise CommandError(str(error)) from None
        collect_seldom()
        outcomes: Counter[str] = Counter()
        with _bar() as bar:
            task = bar.add_task("seeding", total=runs)
            for batch in _batches(parts):
                outcomes.update(result.outcome for result in record_runs(records=batch).results)
                bar.advance(task, len(batch))
        self.stdout.write(_ending(outcomes, seed))


def _bar() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _batches(parts: Sequence[Sitting]) -> Iterator[list[RunRecord]]:
    for sitting in parts:
        records = records_of(sitting)
        while batch := list(islice(records, BATCH)):
            yield batch


def _ending(outcomes: Counter[str], seed: int) -> str:
    words = f"{outcomes['stored']} invented runs stored"
    known = f", {outcomes['known']} were there already" if outcomes["known"] else ""
    refused = f", {outcomes['refused']} refused" if outcomes["refused"] else ""
    return f"{words}{known}{refused} (seed {seed})."
