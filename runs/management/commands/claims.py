from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runs.errors import NotFoundError
from runs.findings.claims import judged
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope, named_scope
from runs.selectors.study import measured_in
from runs.study.claims import VERDICTS, Evidence, JudgedClaim, Measured
from runs.study.published import published
from runs.words import numbers

NOTHING = "No runs yet. Type: python manage.py runbench --suite study"
MORE_RUNS = "A verdict needs 3 runs of each cell. Type: python manage.py runbench --suite study --blocks 3"
_STYLES = {
    "holds": "green",
    "mixed": "yellow",
    "does not hold": "red",
    "not enough runs": "dim",
    "cannot be measured today": "dim",
}
_OPEN = frozenset({"not enough runs", "cannot be measured today"})
_WIDTH_ELSEWHERE = 120
_SHOWN_GAPS = 12


class Command(BaseCommand):
    help = "Hold the study's claims against measured runs: which hold here, which do not, and what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="claims to show with all their numbers")
        parser.add_argument("--experiment", metavar="NAME", help="the newest if not given")
        parser.add_argument("--machine", metavar="NAME", help="the one with the experiment's newest run if not given")
        parser.add_argument("--gpu-machine", metavar="NAME", help="whose GPU times to take; its own if not given")
        parser.add_argument("--json", action="store_true", help="all claims with all their numbers, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        _check_ids(options["ids"])
        try:
            self._answer(**options)
        except NotFoundError as error:
            raise CommandError(error.message) from None
        except DatabaseError as error:
            raise CommandError(f"The database cannot be read ({error}). Type: python manage.py migrate") from error

    def _answer(self, **options: Any) -> None:
        chosen = named_scope(options["experiment"], options["machine"], options["gpu_machine"])
        if chosen.experiment is None and not options["json"]:
            self.stdout.write(NOTHING)
            return
        cells = measured_in(chosen)
        claims = judged(cells, region_of(*chosen.measured_on))
        wanted = [claim for claim in claims if not options["ids"] or claim.id in options["ids"]]
        if options["json"]:
            self.stdout.write(json.dumps(as_json(chosen, cells, wanted), indent=2))
        else:
            self._show(chosen, cells, wanted, in_full=bool(options["ids"]))

    def _show(self, chosen: Scope, cells: Measured, claims: Sequence[JudgedClaim], *, in_full: bool) -> None:
        console = Console(highlight=False, markup=False, width=None if self.stdout.isatty() else _WIDTH_ELSEWHERE)
        with console.capture() as capture:
            console.print(f"Experiment {chosen.experiment} on {_machines(chosen)}. {'; '.join(cells.data)}.")
            for claim in claims if in_full else ():
                _print_in_full(console, claim)
            if not in_full:
                console.print(_table(claims))
                console.print(_counts(claims))
        self.stdout.write(capture.get().rstrip())
        if any(claim.verdict == "not enough runs" for claim in claims):
            self.stdout.write(MORE_RUNS)


# ---------------------------------------------------------------- what is asked for


def _machines(chosen: Scope) -> str:
    return f"{chosen.machine}, the GPU's times of {chosen.gpu_machine}" if chosen.gpu_machine else str(chosen.machine)


def _check_ids(ids: Sequence[str]) -> None:
    known = [claim.id for claim in published().claims]
    unknown = [each for each in ids if each not in known]
    if unknown:
        raise CommandError(f"There is no claim {unknown[0]!r}. Known claims: {', '.join(known)}.")


# ---------------------------------------------------------------- how it is shown


def as_json(chosen: Scope, cells: Measured, claims: Sequence[JudgedClaim]) -> dict[str, Any]:
    return {
        "experiment": chosen.experiment.name if chosen.experiment else None,
        "machine": chosen.machine.name if chosen.machine else None,
        "gpu_machine": chosen.gpu_machine.name if chosen.gpu_machine else None,
        "data": list(cells.data),
        "counts": _tally(claims),
        "claims": [asdict(claim) for claim in claims],
    }


def _tally(claims: Iterable[JudgedClaim]) -> dict[str, int]:
    found = Counter(claim.verdict for claim in claims)
    return {verdict: found[verdict] for verdict in VERDICTS}


def _counts(claims: Sequence[JudgedClaim]) -> str:
    return f"{len(claims)} claims: " + ", ".join(f"{verdict} {count}" for verdict, count in _tally(claims).items())


def _table(claims: Sequence[JudgedClaim]) -> Table:
    table = Table("Claim", "Verdict", "Agree", box=None, pad_edge=False)
    for claim in claims:
        statement = Text(f"{claim.id}\n", style="bold").append(claim.statement, style="not bold")
        if claim.missing and claim.verdict in _OPEN:
            statement.append(f"\n{_gap(claim)}", style="not bold dim")
        table.add_row(statement, Text(claim.verdict, style=_STYLES[claim.verdict]), _agreeing(claim))
    return table


def _gap(claim: JudgedClaim) -> str:
    first, *others = claim.missing
    return f"Missing: {first}" + (f"; and {len(others)} more, see --json" if others else "")


def _agreeing(claim: JudgedClaim) -> str:
    """'14 of 16'; the comparisons that have no answer yet count in the 16."""
    return f"{claim.answers['agrees']} of {len(claim.evidence)}"


def _print_in_full(console: Console, claim: JudgedClaim) -> None:
    console.print(Text(f"\n{claim.id}: {claim.verdict}", style=_STYLES[claim.verdict]))
    console.print(claim.statement)
    for part in claim.parts:
        console.print(f"\n{part.verdict}: {part.words}")
        console.print(_evidence_table(part.evidence))
    _print_list(console, "Missing:", [str(gap) for gap in claim.missing])
    _print_list(console, "Notes:", claim.notes)


def _evidence_table(evidence: Sequence[Evidence]) -> Table:
    table = Table("Compared", "Ratio", "95 % interval", "Runs", "Answer", box=None)
    for each in evidence:
        ratio = each.ratio
        table.add_row(
            each.words,
            numbers.times(ratio.value if ratio else None),
            numbers.interval(ratio.low, ratio.high, "×") if ratio else numbers.NONE,
            numbers.count(ratio.runs) if ratio else numbers.NONE,
            each.answer,
        )
    return table


def _print_list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print(f"\n{title}")
    for line in lines[:_SHOWN_GAPS]:
        console.print(f"  {line}")
    if len(lines) > _SHOWN_GAPS:
        console.print(f"  … and {len(lines) - _SHOWN_GAPS} more: see --json.")
