"""Find the release that made an engine slower, or faster."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any, get_args

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from engines import registry
from engines.contract import Track
from engines.errors import EngineError
from engines.registry import EngineInfo
from engines.run_record import Environment, RunRecord
from runs.bench import bisection, profiles, provenance
from runs.bench.bisection import Outcome, OutOfTimeError
from runs.bench.options import STAYED_BUSY, check_data, positive, seconds_of
from runs.bench.probing import Measuring, releases_between
from runs.bench.stopping import Budget
from runs.errors import BusyError, RunsError
from runs.findings.software import Software, changes
from runs.records.lock import sole_measurer
from runs.records.spool import spool_for
from runs.services import storage
from runs.stats import EQUIVALENCE

EXAMPLES = """
examples:
  python manage.py bisect jax 0.8 0.10 --network mlp:8x100
  python manage.py bisect torch 2.9 2.13 --network lstm:1x64 --track tuned --budget 1h
  python manage.py bisect keras-jax 3.10 3.15 --network cnn:2x8 --dataset fashion-mnist-10k

Each step measures the middle of what is left beside both of its ends, in the same blocks. What cannot be installed is
skipped. Stopped by Ctrl-C or its budget, the same command goes on where it was.
Exit codes: 0 done, 1 something failed, 2 a wrong option, 75 the machine stayed busy, 130 stopped by Ctrl-C.
"""


class Command(BaseCommand):
    help = "Find the release of an engine's framework that made it slower, or faster."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=textwrap.dedent(EXAMPLES), formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("engine", help="a slug or an abbreviation")
        parser.add_argument("first", help="a release, as 0.8 or 0.8.1: the older end")
        parser.add_argument("last", help="the newer end")
        parser.add_argument("--network", required=True, metavar="SIZE", help="mlp:8x100, transformer:2x64 …")
        parser.add_argument("--dataset", metavar="NAME", help="the network type's own if left out")
        parser.add_argument("--track", choices=get_args(Track), default="idiomatic")
        parser.add_argument("--threads", type=positive, default=1, metavar="N")
        parser.add_argument(
            "--budget", type=seconds_of, metavar="TIME", help="begin no blocks that would end later: 1h"
        )
        parser.add_argument("--wait", type=seconds_of, metavar="TIME", help="for another measurement to end: 10m, 2h")
        parser.add_argument("--machine", metavar="NAME", help="what this machine is called from now on")
        parser.add_argument("--no-database", action="store_true", help="write only the spool file")
        parser.add_argument("--no-profile", action="store_true", help="leave out the profiles of both releases")
        parser.add_argument("--synthetic", action="store_true", help="generated data")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except OutOfTimeError as error:
            raise CommandError(f"{error} Nothing is lost; the same command goes on.") from None
        except BusyError as error:
            raise CommandError(str(error), returncode=STAYED_BUSY) from None
        except (RunsError, EngineError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing finished is lost; the same command goes on.", returncode=130) from None

    def _handle(self, options: dict[str, Any]) -> None:
        engine = registry.find(options["engine"])
        between = releases_between(engine, options["first"], options["last"])
        self.stdout.write(f"{len(between)} releases: {', '.join(between)}.")
        with sole_measurer(settings.SPOOL_DIR, wait_seconds=options["wait"] or 0.0):
            measuring = self._measuring(engine, options)
            outcome = bisection.bisect(between, measuring, told=self.stdout.write)
            for line in lines(engine, outcome, len(between)):
                self.stdout.write(line)
            if outcome.first:
                self._tell_difference(measuring, outcome)
                if not options["no_profile"]:
                    self._profile(measuring, outcome)

    def _measuring(self, engine: EngineInfo, options: dict[str, Any]) -> Measuring:
        name = f"bisect {engine.slug} {options['first']} {options['last']} {options['network']} {options['track']}"
        machine = provenance.this_machine(options["machine"], settings.VAR_DIR)
        if not options["no_database"]:
            storage.check_writable(machine, accept_hardware=False)
        provenance.remember_name(machine.name, settings.VAR_DIR)
        spool = spool_for(settings.SPOOL_DIR, name)
        spool.prepare()
        measuring = Measuring(
            engine,
            options,
            name,
            machine,
            spool,
            settings.VAR_DIR / "equivalence.json",
            Budget(options["budget"], lambda block: 0.0),
            partial(_store, no_database=options["no_database"]),
            self.stderr.write,
        )
        check_data(measuring.plan([""], 1))
        return measuring

    def _tell_difference(self, measuring: Measuring, outcome: Outcome) -> None:
        found = changes(*(_software(measuring.environment(each)) for each in (outcome.last_before, outcome.first)))
        words = ", ".join(map(str, found)) or "nothing else that is recorded"
        self.stdout.write(f"What differs between the two environments: {words}.")

    def _profile(self, measuring: Measuring, outcome: Outcome) -> None:
        plan = measuring.plan([measuring.ready(each) for each in (outcome.last_before, outcome.first)], 1)
        made = list(profiles.take(plan, measuring.machine))
        for release, each in zip([run.release for run in plan.runs], made, strict=True):
            self.stdout.write(f"\n{release or 'with Benchsite'}:")
            for line in profiles.lines(each):
                self.stdout.write(line)
        records = [each.record for each in made if each.record]
        if records and not measuring.options["no_database"]:
            storage.store_profiles(records, accept_hardware=False)


def _store(records: Sequence[RunRecord], *, no_database: bool) -> None:
    if not no_database:
        storage.store(records, accept_hardware=False)


def _software(found: Environment) -> Software:
    return Software(found.python, found.packages, found.facts)


def lines(engine: EngineInfo, outcome: Outcome, count: int) -> list[str]:
    """What came out, for a person."""
    title = registry.find(engine.slug).title
    if not outcome.first or outcome.ratio is None:
        words = "do not differ" if outcome.verdict == "tie" else "cannot be told apart by so many blocks"
        return [f"The two ends of {title} {words} (±{100 * EQUIVALENCE:g} %): {_ratio(outcome.ends)}."]
    much = "slower" if outcome.ratio.value > 1 else "faster"
    found = [
        f"{title} {outcome.first} is the first that is {much}: {_ratio(outcome.ratio)} against {outcome.last_before}, "
        f"in the same blocks. {outcome.measured} of {count} releases were measured."
    ]
    unsure = [probe.release for probe in outcome.probes if not probe.is_sure]
    if unsure:
        found.append(f"Not sure: {', '.join(unsure)} lay too near half way for {bisection.ROUNDS[-1]} blocks.")
    if outcome.unknown:
        found.append(f"Between the two, and not to be measured: {', '.join(outcome.unknown)}. Any may be the first.")
    return found


def _ratio(found: Any) -> str:
    interval = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
    return f"{found.value:.3f}{interval}"
