"""What a new sitting finds: which of an experiment's records count, and what of its plan is left."""

from __future__ import annotations

from collections.abc import Iterable

from engines.run_record import Machine, RunRecord
from runs.bench.here import cannot_run, cell_key
from runs.errors import RunsError
from runs.suites.plan import Plan, PlannedRun, without
from runs.suites.suite import Suite


def remaining(plan: Plan, records: Iterable[RunRecord]) -> Plan:
    """What is planned and not validly recorded; `records` are this experiment's, of this machine."""
    recorded = {(record.cell_key, record.placement.block): record for record in records}

    def is_done(planned: PlannedRun) -> bool:
        record = recorded.get((cell_key(planned.cell, planned.release), planned.block))
        return record is not None and not _can_be_tried_again(record, planned, plan.suite)

    return without(plan, is_done)


def check_suite(records: Iterable[RunRecord], experiment: str, suite: Suite) -> None:
    """An experiment is one suite carried out: another's runs would count as done here. Raises RunsError."""
    known = {record.placement.suite for record in records if record.placement.experiment == experiment}
    if known and suite.name not in known:
        raise RunsError(
            f"The experiment {experiment!r} is one of the suite {', '.join(sorted(known))}, not {suite.name}. Choose "
            "another name with --experiment, or --fresh."
        )


def of_experiment(records: Iterable[RunRecord], experiment: str, machine_now: Machine) -> list[RunRecord]:
    """Of a spool's records those of this experiment on this machine: two names may share a file."""
    return [
        record
        for record in records
        if record.placement.experiment == experiment
        and (record.machine.name, record.machine.fingerprint) == (machine_now.name, machine_now.fingerprint)
    ]


def measured_alike(plan: Plan, records: Iterable[RunRecord]) -> list[RunRecord]:
    """Those of the plan's cells by today's code and software: older ones are kept, and never pooled with these."""
    keys = {cell_key(run.cell, run.release) for run in plan.runs}
    return [record for record in records if record.cell_key in keys]


def _can_be_tried_again(record: RunRecord, planned: PlannedRun, suite: Suite) -> bool:
    """A run that the suite gives more time by now, or an unsupported one whose cause is gone.

    What an engine itself refused (it has an exit code), it refuses again.
    """
    if record.status == "timed_out":
        return record.phases.process_seconds < suite.timeout_seconds
    return record.status == "unsupported" and record.exit_code is None and not cannot_run(planned)
