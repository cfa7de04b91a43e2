"""What a new sitting finds: which of an experiment's runs count, and what of its plan is left."""

from __future__ import annotations

from collections.abc import Iterable

from engines.run_record import Machine
from runs.bench.here import cannot_run, cell_key
from runs.errors import RunsError
from runs.records.outlines import Outline
from runs.suites.plan import Plan, PlannedRun, without
from runs.suites.suite import Suite


def remaining(plan: Plan, runs: Iterable[Outline]) -> Plan:
    """What is planned and not validly recorded; `runs` are this experiment's, of this machine."""
    recorded = {(run.cell_key, run.block): run for run in runs}

    def is_done(planned: PlannedRun) -> bool:
        run = recorded.get((cell_key(planned.cell, planned.release), planned.block))
        return run is not None and not _can_be_tried_again(run, planned, plan.suite)

    return without(plan, is_done)


def check_suite(runs: Iterable[Outline], experiment: str, suite: Suite) -> None:
    """An experiment is one suite carried out: another's runs would count as done here. Raises RunsError."""
    known = {run.suite for run in runs if run.experiment == experiment}
    if known and suite.name not in known:
        raise RunsError(
            f"The experiment {experiment!r} is one of the suite {', '.join(sorted(known))}, not {suite.name}. Choose "
            "another name with --experiment, or --fresh."
        )


def of_experiment(runs: Iterable[Outline], experiment: str, machine_now: Machine) -> list[Outline]:
    """Of a spool's runs those of this experiment on this machine: two names may share a file."""
    here = (experiment, machine_now.name, machine_now.fingerprint)
    return [run for run in runs if (run.experiment, run.machine, run.fingerprint) == here]


def measured_alike(plan: Plan, runs: Iterable[Outline]) -> list[Outline]:
    """Those of the plan's cells by today's code and software: older ones are kept, and never pooled with these."""
    keys = {cell_key(run.cell, run.release) for run in plan.runs}
    return [run for run in runs if run.cell_key in keys]


def _can_be_tried_again(run: Outline, planned: PlannedRun, suite: Suite) -> bool:
    """A run that the suite gives more time by now, or an unsupported one whose cause is gone.

    What an engine itself refused (it has an exit code), it refuses again.
    """
    if run.status == "timed_out":
        return run.process_seconds < suite.timeout_seconds
    return run.status == "unsupported" and run.exit_code is None and not cannot_run(planned)
