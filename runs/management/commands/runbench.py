"""Measure: carry out a suite on this machine."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from engines import datasets
from engines.contract import DataSet, Machine, Network, RunRecord
from engines.errors import DataSetError, EngineError
from engines.networks import DATASET_FOR
from runs import storage
from runs.bench import provenance, session
from runs.bench.display import Display, duration, status_counts
from runs.errors import RunsError
from runs.spool import Spool, all_spools, experiment_name, sole_measurer, spool_for
from runs.suites import suite as suites
from runs.suites.estimate import Predictor
from runs.suites.plan import DataSetFor, Plan, PlannedRun, Selection, known_networks, make_plan, select_engines

EXAMPLES = """
examples:
  python manage.py runbench                                the quick suite, a few minutes
  python manage.py runbench --plan                         what it would run, and for how long
  python manage.py runbench --suite study --engines th tf  part of the study's own bench
  python manage.py runbench --networks mlp:8x100 --blocks 5
  python manage.py runbench --suite my-suite.toml --experiment "Lab, November"
  python manage.py runbench --no-database                  a bench machine: the spool file alone

A suite that was stopped, by Ctrl-C or by a power cut, goes on when the same command is given again.
Exit codes: 0 done, 1 nothing could be run or stored, 2 a wrong option, 130 stopped by Ctrl-C.
"""

_LARGEST = 1000


class Command(BaseCommand):
    help = "Train each engine in a process of its own, and record honest, comparable times."
    requires_system_checks = ()  # the pages are no matter of ours

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=textwrap.dedent(EXAMPLES), formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_argument_group("what to measure")
        what.add_argument("--suite", default="quick", help=f"{', '.join(suites.shipped())}, or a TOML file")
        what.add_argument("--engines", nargs="+", default=[], metavar="ENGINE", help="slugs or abbreviations")
        what.add_argument("--networks", nargs="+", default=[], metavar="NETWORK", help="mlp, cnn, or one: mlp:8x100")
        what.add_argument("--devices", nargs="+", default=[], choices=["cpu", "gpu"])
        what.add_argument("--threads", nargs="+", default=[], type=_positive, metavar="N", help="CPU threads")
        what.add_argument("--blocks", type=_positive, metavar="N", help="runs of each cell")
        what.add_argument("--synthetic", action="store_true", help="made-up data, labelled so wherever it appears")
        what.add_argument(
            "--synthetic-if-missing", action="store_true", help="the same, for data sets that are not here"
        )
        where = parser.add_argument_group("where it goes")
        where.add_argument("--experiment", metavar="NAME", help="the suite's name by default")
        where.add_argument("--machine", metavar="NAME", help="how this machine is called from now on")
        where.add_argument("--fresh", action="store_true", help="a new experiment: NAME 2, NAME 3 …")
        where.add_argument("--no-database", action="store_true", help="write the spool file alone")
        where.add_argument("--accept-hardware", action="store_true", help="same machine, though its hardware changed")
        how = parser.add_argument_group("how to look at it")
        how.add_argument("--plan", action="store_true", help="say what would run and for how long; run nothing")
        how.add_argument("--json", action="store_true", help="print JSON instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except (RunsError, EngineError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:  # a full disk under the worker's temporary files, say
            raise CommandError(f"The system refused: {error}. Nothing finished is lost.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None

    def _handle(self, options: dict[str, Any]) -> None:
        suite = suites.load(options["suite"])
        plan = make_plan(suite, _data_for(options), _selection(suite, options))
        if not plan.runs:
            raise RunsError("These options leave nothing of the suite to run. `--plan` without them shows all of it.")
        experiment = experiment_name(options["experiment"] or suite.name, settings.SPOOL_DIR, fresh=options["fresh"])
        machine = provenance.this_machine(options["machine"], settings.VAR_DIR)
        predictor = Predictor(record for each in all_spools(settings.SPOOL_DIR) for record in each.read().records)
        if options["plan"]:
            recorded = spool_for(settings.SPOOL_DIR, experiment).read()
            left = session.remaining(plan, recorded.records, machine, experiment)
            self._print_plan(plan, left, predictor, as_json=options["json"])
            return
        made = self._measure(plan, experiment, machine, predictor, options)
        if not any(record.status == "finished" for record in made) and (made or not _can_run(plan)):
            raise RunsError("Not one of these runs could finish. The reasons are above, and in the records.")

    def _measure(
        self, plan: Plan, experiment: str, machine: Machine, predictor: Predictor, options: dict[str, Any]
    ) -> list[RunRecord]:
        """Look first whether all that will be needed is there; then run what the spool does not hold yet."""
        _check_data(plan)
        spool = spool_for(settings.SPOOL_DIR, experiment)
        with sole_measurer(settings.SPOOL_DIR):
            store = _store(options)
            spool.prepare()
            recorded = spool.read()
            store(recorded.records)
            self._warn(plan, spool, recorded.damaged)
            left = session.remaining(plan, recorded.records, machine, experiment)
            sitting = session.Session(left, experiment, machine, spool, lambda record: store([record]))
            return self._run(sitting, predictor, options)

    def _run(self, sitting: session.Session, predictor: Predictor, options: dict[str, Any]) -> list[RunRecord]:
        seconds = partial(_seconds, predictor, sitting.plan.suite)
        screen = sys.stderr if options["json"] else sys.stdout
        try:
            with Display(screen, sitting.plan, seconds) as display:
                made = session.carry_out(sitting, display)
        except KeyboardInterrupt:
            again = "the same command" if not options["fresh"] else f"--experiment {sitting.experiment!r}, not --fresh,"
            raise CommandError(f"Stopped. Nothing finished is lost; {again} goes on.", returncode=130) from None
        self._print_end(sitting, made, as_json=options["json"])
        return made

    def _warn(self, plan: Plan, spool: Spool, damaged: tuple[int, ...]) -> None:
        for reason in session.check_engines(plan):
            self.stderr.write(f"Cannot run here: {reason}")
        if damaged:
            lines = ", ".join(map(str, damaged))
            self.stderr.write(f"{spool.path.name}: lines {lines} are no run records; left as they are, and run again.")

    def _print_plan(self, plan: Plan, left: Plan, predictor: Predictor, *, as_json: bool) -> None:
        estimate = predictor.estimate(left, can_run={cell: not session.why_unsupported(cell) for cell in left.cells})
        summary = {
            "suite": plan.suite.name,
            "cells": len(plan.cells),
            "blocks": len(plan.blocks),
            "runs": len(plan.runs),
            "runs_left": len(left.runs),
            "runs_unsupported_here": sum(bool(session.why_unsupported(run.cell)) for run in plan.runs),
            "estimated_seconds": round(estimate.seconds),
            "estimate_measured_share": round(estimate.measured_share, 3),
        }
        if as_json:
            self.stdout.write(json.dumps(summary))
            return
        for line in plan_lines(plan, summary):
            self.stdout.write(line)

    def _print_end(self, sitting: session.Session, made: list[RunRecord], *, as_json: bool) -> None:
        counts = status_counts(made) or "nothing was left to run"
        if as_json:
            self.stdout.write(json.dumps({"experiment": sitting.experiment, "runs": [run.run_id for run in made]}))
        else:
            self.stdout.write(f"Experiment {sitting.experiment!r}: {counts}. Records: {sitting.spool.path}")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _LARGEST):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_LARGEST}")
    return int(text)


def _selection(suite: suites.Suite, options: dict[str, Any]) -> Selection:
    """Raises UnsupportedError or RunsError, each naming what is known."""
    unknown = set(options["networks"]) - set(known_networks(suite))
    if unknown:
        known = ", ".join(known_networks(suite))
        raise RunsError(f"The suite {suite.name} has no network {', '.join(sorted(unknown))}. It has: {known}.")
    return Selection(
        engines=select_engines(tuple(options["engines"])),
        networks=tuple(options["networks"]),
        devices=tuple(options["devices"]),
        threads=tuple(options["threads"]),
        blocks=options["blocks"],
    )


def _data_for(options: dict[str, Any]) -> DataSetFor:
    """Real data; synthetic where the user said so. Raises DataSetError with the choices where it is missing.

    A plan alone needs no data on the disk: it counts with the official sizes.
    """

    @cache
    def dataset_for(network: Network, train_samples: int | None) -> DataSet:
        name = DATASET_FOR[network.type]
        try:
            return datasets.describe(name, train_samples=train_samples, synthetic=options["synthetic"])
        except DataSetError:
            if not (options["synthetic_if_missing"] or options["plan"]):
                raise
            return datasets.describe(name, train_samples=train_samples, synthetic=True)

    return dataset_for


def _check_data(plan: Plan) -> None:
    """Raises DataSetError where a file is not what it was: each of its runs would crash."""
    used = {cell.workload.dataset for cell in plan.cells}
    for name in sorted({dataset.name for dataset in used if dataset.source != "synthetic"}):
        datasets.verify(name)


def _can_run(plan: Plan) -> bool:
    return not all(session.why_unsupported(cell) for cell in plan.cells)


def _store(options: dict[str, Any]) -> Callable[[Sequence[RunRecord]], None]:
    """Where records go after the spool. Raises StorageError if that is a database which cannot be written."""
    if options["no_database"]:
        return lambda records: None
    storage.check_writable()
    return partial(storage.store, accept_hardware=options["accept_hardware"])


def _seconds(predictor: Predictor, suite: suites.Suite, run: PlannedRun) -> float:
    return 0.0 if session.why_unsupported(run.cell) else predictor.seconds(run.cell, suite)


def plan_lines(plan: Plan, summary: dict[str, Any]) -> list[str]:
    """The plan for people: each group of cells with its blocks, then the totals."""
    blocks: dict[str, int] = {}
    for block in plan.blocks:
        cell = block.runs[0].cell
        engines = ", ".join(sorted({run.cell.engine for run in block.runs}))
        threads = f"{cell.threads} thread{'s' if cell.threads > 1 else ''}"
        line = f"{cell.workload.network} · {cell.workload.dataset.name} · {cell.device} · {threads} · {engines}"
        blocks[line] = blocks.get(line, 0) + 1
    measured = round(100 * summary["estimate_measured_share"])
    return [
        *(f"  {count} × {line}" for line, count in blocks.items()),
        f"{summary['cells']} cells, {summary['blocks']} blocks, {summary['runs']} runs, {summary['runs_left']} of them "
        f"left, {summary['runs_unsupported_here']} unsupported here.",
        f"Estimated time: {duration(summary['estimated_seconds'])} ({measured} % of the runs from times measured here, "
        "the rest from their size).",
    ]
