"""Measure: carry out a suite on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import textwrap
import uuid
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from engines import registry
from engines.errors import EngineError
from engines.run_record import Machine, RunRecord
from runs.bench import arguments, gate, here, outlook, profiles, provenance, releases, resuming, session, side_by_side
from runs.bench.canaries import Canaries
from runs.bench.display import Display, budget_lines, plan_lines, status_counts
from runs.bench.estimate import Predictor
from runs.bench.gate import Verdicts
from runs.bench.options import (
    FOUND_SLOWER,
    STAYED_BUSY,
    check_comparison,
    check_data,
    data_for,
    selection,
    stand_ins,
    suite_of,
)
from runs.bench.stopping import Budget, Progress
from runs.errors import BusyError, RunsError
from runs.records.lock import sole_measurer
from runs.records.profile_spool import ProfileSpool, profile_spool
from runs.records.spool import Spool, all_spools, experiment_name, spool_for
from runs.services import storage
from runs.stats import EQUIVALENCE
from runs.suites.plan import Plan, Selection, check_blocks, make_plan, of_blocks
from runs.suites.priority import most_informative_first
from runs.suites.suite import Suite
from runs.upload.blocks import Uploads, add_upload_options, in_turn, uploads_to

_TEACHING_RUNS = 25
"""Of each cell, for what the next ones will take."""
EXAMPLES = """
examples:
  python manage.py runbench                                the quick suite, a few minutes
  python manage.py runbench --plan                         what it would run, and for how long
  python manage.py runbench --suite study --engines th tf   part of the study's own bench
  python manage.py runbench --networks mlp:3x50 cnn:1x4    any size, without a suite file
  python manage.py runbench --networks mlp:8x100 --dataset mnist --threads 1 2 --blocks 3
  python manage.py runbench --networks resnet:1x8 transformer:2x64:heads=2 --optimizer adam --engines torch jax
  python manage.py runbench --networks cnn:1x4 --tasks infer --batch-sizes 1 100 --engines torch onnxruntime
  python manage.py runbench --suite study --budget 2h      as much as fits; the next call continues
  python manage.py runbench --suite my-suite.toml --experiment "Lab, November"
  python manage.py runbench --suite modern --versions jax=0.9,0.10     two releases in the same blocks
  python manage.py runbench --networks mlp:8x100 --versions torch=2.12,2.13 --tracks tuned
  python manage.py runbench --suite quick --versions jax=0.9,0.10 --fail-on slower:5% --report comparison.md
  python manage.py runbench --suite study --plan --json           what is left, block by block; --only runs some of it
  python manage.py runbench --profile --engines th kth     where the time goes, operation by operation; no runs
  python manage.py runbench --no-database                  a bench machine: only the spool file
  python manage.py runbench --no-database --upload https://bench.example.org

A suite that was stopped, by Ctrl-C or by a power cut, resumes when the same command is given again.
Exit codes: 0 done, 1 nothing could be run or not all of it stored or uploaded, 2 a wrong option, 3 a release is slower
(--fail-on), 75 something else is measured on this machine (--wait), 130 stopped by Ctrl-C.
"""


class Command(BaseCommand):
    help = "Train each engine in a process of its own, and record honest, comparable times."
    requires_system_checks = ()  # the pages are no matter of ours

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=textwrap.dedent(EXAMPLES), formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_argument_group("what to measure")
        arguments.add_what(what)
        arguments.add_releases(what)
        arguments.add_comparison(what)
        arguments.add_extent(what)
        where = parser.add_argument_group("where it goes")
        arguments.add_where(where)
        add_upload_options(where)
        arguments.add_how(parser.add_argument_group("how to look at it"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except BusyError as error:
            raise CommandError(str(error), returncode=STAYED_BUSY) from None
        except (RunsError, EngineError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:  # a full disk under the worker's temporary files, say
            raise CommandError(f"The system refused: {error}. Nothing finished is lost.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None

    def _handle(self, options: dict[str, Any]) -> None:
        if options["profile"]:
            profiles.refuse_other_options(options)
        provenance.check_gpu(options["gpu_index"])
        asked = releases.asked_for(options["versions"])
        suite = releases.suite_for(suite_of(options), asked, options["engines"])
        check_comparison(options)
        chosen = self._with_releases(selection(suite, options), suite, asked, options)
        options["releases"] = chosen.releases
        plan = make_plan(suite, data_for(options), chosen)
        if not plan.runs:
            raise RunsError("These options leave nothing of the suite to run. `--plan` without them shows all of it.")
        check_blocks(plan, options["only"])
        plan = most_informative_first(plan) if options["budget"] else plan
        experiment = experiment_name(
            options["experiment"] or releases.usual_experiment(suite, asked), settings.SPOOL_DIR, fresh=options["fresh"]
        )
        machine = provenance.this_machine(options["machine"], settings.VAR_DIR)
        if options["profile"]:
            self._profile(plan, machine, options)
            return
        predictor = Predictor(
            (run for each in all_spools(settings.SPOOL_DIR) for run in each.recent(_TEACHING_RUNS)), here.cannot_run
        )
        if options["plan"]:
            runs = spool_for(settings.SPOOL_DIR, experiment).outlines().runs
            resuming.check_suite(runs, experiment, suite)
            left = resuming.remaining(plan, resuming.of_experiment(runs, experiment, machine))
            self._print_plan(plan, left, predictor, options)
            return
        with uploads_to(options, spool_for(settings.SPOOL_DIR, experiment), settings.VAR_DIR) as uploads:
            made = self._measure(plan, experiment, machine, predictor, uploads, options)
        if not any(record.status == "finished" for record in made) and (made or not _can_run(plan)):
            raise RunsError("Not one of these runs could finish. The reasons are above, and in the records.")
        if options["fail_on"] and any(pair.is_slower for pair in options["pairs"]):
            raise CommandError("A release is slower than the first.", returncode=FOUND_SLOWER)

    def _with_releases(
        self, chosen: Selection, suite: Suite, asked: releases.Asked, options: dict[str, Any]
    ) -> Selection:
        devices = chosen.devices or [device for bench in suite.benches for device in bench.devices]
        found = releases.ready(asked, devices, install=not options["plan"], say=self.stderr.write)
        return dataclasses.replace(chosen, releases=found)

    def _measure(
        self,
        plan: Plan,
        experiment: str,
        machine: Machine,
        predictor: Predictor,
        uploads: Uploads,
        options: dict[str, Any],
    ) -> list[RunRecord]:
        """Look first whether all that will be needed is there; then run what the spool does not hold yet."""
        check_data(plan)
        budget = _budget(options, plan, predictor)
        spool = spool_for(settings.SPOOL_DIR, experiment)
        with self._alone(options):
            store = _store(machine, options)
            provenance.remember_name(machine.name, settings.VAR_DIR)
            spool.prepare()
            recorded = spool.outlines()
            resuming.check_suite(recorded.runs, experiment, plan.suite)
            if not options["no_database"]:
                storage.catch_up(spool, recorded.runs, store)
            self._warn(plan, spool, recorded.damaged)
            own = resuming.of_experiment(recorded.runs, experiment, machine)
            left = resuming.remaining(plan, own)
            sitting_id = options["session"] or str(uuid.uuid4())
            storing = storage.Storing(store, self.stderr.write)
            uploads.begin()
            sitting = session.Session(
                plan=left,
                experiment=experiment,
                machine=machine,
                spool=spool,
                store=in_turn(storing, uploads),
                verdicts=self._gate(of_blocks(left, options["only"]), options),
                canaries=Canaries.of(spool.records_of([run.run_id for run in own if run.session == sitting_id])),
                id=sitting_id,
                only=frozenset(options["only"]),
                budget=budget,
                progress=Progress.of(resuming.measured_alike(plan, own)),
                learn=predictor.learn,
                gpu_index=options["gpu_index"],
            )
            made = self._run(sitting, predictor, options)
        uploads.finish()
        storing.check()
        return made

    def _alone(self, options: dict[str, Any]) -> AbstractContextManager[None]:
        waiting = partial(self.stderr.write, "Another measurement is under way on this machine: waiting for it.")
        return sole_measurer(settings.SPOOL_DIR, wait_seconds=options["wait"] or 0.0, waiting=waiting)

    def _profile(self, plan: Plan, machine: Machine, options: dict[str, Any]) -> None:
        """No runs: nothing here is a time, and no experiment's spool is touched."""
        check_data(plan)
        spool = profile_spool(settings.SPOOL_DIR)
        with self._alone(options):
            if not options["no_database"]:
                storage.check_writable(machine, accept_hardware=options["accept_hardware"])
            provenance.remember_name(machine.name, settings.VAR_DIR)
            spool.prepare()
            made = [
                self._tell_profile(outcome, spool, options)
                for outcome in profiles.take(plan, machine, options["gpu_index"])
            ]
            recorded = spool.read()
            self._warn_of_damage(spool.path, recorded.damaged, "profiles; left as they are")
            if not options["no_database"]:
                storage.store_profiles(recorded.records, accept_hardware=options["accept_hardware"])
        kept = [outcome.record.profile_id for outcome in made if outcome.record]
        if options["json"]:
            self.stdout.write(json.dumps({"profiles": kept}))
        else:
            self.stdout.write(f"Profiled {len(kept)} of {len(made)} cells. Profiles are no runs: {spool.path}")
        if not kept:
            raise RunsError("Not one of these cells could be profiled. The reasons are above.")

    def _tell_profile(
        self, outcome: profiles.Outcome, spool: ProfileSpool, options: dict[str, Any]
    ) -> profiles.Outcome:
        if outcome.record:
            spool.append(outcome.record)
        for line in profiles.lines(outcome):
            (self.stderr if options["json"] else self.stdout).write(line)
        return outcome

    def _gate(self, left: Plan, options: dict[str, Any]) -> Verdicts:
        """What is known of the engines' equivalence; asked first where nothing is, on the suite's smallest networks."""
        verdicts = Verdicts(settings.VAR_DIR / "equivalence.json")
        wanted = self._lacking(verdicts, left, options)
        if wanted:
            names = ", ".join(dict.fromkeys(registry.find(subject.engine).title for subject in wanted))
            self.stderr.write(f"Checking first that these do the reference's work: {names}. --no-verify leaves it out.")
        gate.ask(wanted, verdicts, self._tell_verdict)
        return verdicts

    def _lacking(self, verdicts: Verdicts, left: Plan, options: dict[str, Any]) -> gate.Wanted:
        runs = [run for run in left.runs if not here.cannot_run(run)]
        return {} if options["no_verify"] else gate.lacking(verdicts, runs, device_index=options["gpu_index"])

    def _tell_verdict(self, subject: gate.Subject, checks: list[gate.Check]) -> None:
        title = f"{registry.find(subject.engine).title} {subject.release}".strip()
        for check in checks:
            words = gate.in_words(check)
            self.stderr.write(f"{title} · {subject.track} · {check.case} · {check.dtype}: {words}")

    def _run(self, sitting: session.Session, predictor: Predictor, options: dict[str, Any]) -> list[RunRecord]:
        screen, plan = sys.stderr if options["json"] else sys.stdout, sitting.chosen
        try:
            told = here.reasons_against(plan.runs)
            with Display(screen, plan, lambda run: predictor.seconds(run, plan.suite), told) as display:
                made = session.carry_out(sitting, display)
        except KeyboardInterrupt:
            again = "the same command" if not options["fresh"] else f"--experiment {sitting.experiment!r}, not --fresh,"
            raise CommandError(f"Stopped. Nothing finished is lost; {again} continues.", returncode=130) from None
        options["pairs"] = self._pairs(sitting, options)
        self._print_end(sitting, made, options)
        return made

    def _pairs(self, sitting: session.Session, options: dict[str, Any]) -> list[side_by_side.Pair]:
        """Releases against the first, by all that the experiment has of them on this machine."""
        if not options["releases"]:
            return []
        own = resuming.of_experiment(sitting.spool.outlines().runs, sitting.experiment, sitting.machine)
        records = sitting.spool.records_of([run.run_id for run in own])
        found = side_by_side.pairs(records, options["releases"], rope=_rope(options))
        if options["report"]:
            side_by_side.write(Path(options["report"]), found, rope=_rope(options))
        return found

    def _warn(self, plan: Plan, spool: Spool, damaged: tuple[int, ...]) -> None:
        if words := stand_ins(plan):
            self.stderr.write(words)
        for reason, cells in here.reasons_against(plan.runs).items():
            self.stderr.write(f"Cannot run here: {cells}. {reason}")
        self._warn_of_damage(spool.path, damaged, "run records; left as they are, and run again")

    def _warn_of_damage(self, path: Path, damaged: tuple[int, ...], words: str) -> None:
        if damaged:
            lines = ", ".join(map(str, damaged))
            self.stderr.write(f"{path.name}: lines {lines} are no {words}.")

    def _print_plan(self, plan: Plan, left: Plan, predictor: Predictor, options: dict[str, Any]) -> None:
        verdicts = Verdicts(settings.VAR_DIR / "equivalence.json")
        gate_seconds = gate.rough_seconds(self._lacking(verdicts, left, options))
        budget = _budget(options, plan, predictor)
        summary = outlook.outlook(plan, left, predictor, budget, gate_seconds)
        if options["json"]:
            self.stdout.write(json.dumps(summary | {"left": outlook.blocks_of(left, predictor)}))
            return
        lines = plan_lines(plan, summary)
        if options["budget"]:
            lines += budget_lines(left, budget.fitting(left.blocks, after=gate_seconds), options["budget"])
        for line in lines:
            self.stdout.write(line)

    def _print_end(self, sitting: session.Session, made: list[RunRecord], options: dict[str, Any]) -> None:
        counts = status_counts(made) or ("nothing was run" if sitting.chosen.runs else "nothing was left to run")
        pairs = options["pairs"]
        if options["json"]:
            told: dict[str, Any] = {"experiment": sitting.experiment, "runs": [run.run_id for run in made]}
            told |= {"releases": side_by_side.document(pairs)} if options["releases"] else {}
            self.stdout.write(json.dumps(told))
        else:
            if options["releases"]:
                self.stdout.write(f"\n{side_by_side.markdown(pairs, rope=_rope(options))}\n")
            self.stdout.write(f"Experiment {sitting.experiment!r}: {counts}. Records: {sitting.spool.path}")


def _rope(options: dict[str, Any]) -> float:
    """What is too small to matter."""
    wished = (options["fail_on"] or 1.0) - 1
    return wished or EQUIVALENCE


def _budget(options: dict[str, Any], plan: Plan, predictor: Predictor) -> Budget:
    return Budget(options["budget"], partial(predictor.seconds_of_block, suite=plan.suite))


def _can_run(plan: Plan) -> bool:
    return not all(here.cannot_run(run) for run in plan.runs)


def _store(machine: Machine, options: dict[str, Any]) -> storage.Store:
    """Where records go after the spool. Raises StorageError or ConflictError if a database there would refuse them."""
    if options["no_database"]:
        return lambda records: None
    storage.check_writable(machine, accept_hardware=options["accept_hardware"])
    return partial(storage.store, accept_hardware=options["accept_hardware"])
