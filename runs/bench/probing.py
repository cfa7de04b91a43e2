"""Measuring the releases that a bisection asks for: installed when they are needed, resumed from the spool."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engines.environments import releases as known
from engines.environments.environments import EnvironmentInfo, environment_for
from engines.errors import EngineError, UnavailableError
from engines.registry import EngineInfo
from engines.run_record import Environment, Machine, RunRecord
from runs.bench import gate, releases, resuming, session
from runs.bench.bisection import ROUNDS, CannotMeasureError, OutOfTimeError
from runs.bench.display import Display, release_of
from runs.bench.estimate import Predictor
from runs.bench.gate import Verdicts
from runs.bench.here import environment_of, reasons_against
from runs.bench.options import data_for
from runs.bench.stopping import Budget
from runs.errors import RunsError
from runs.records.run_records import timed_seconds
from runs.records.spool import Spool
from runs.stats import LogSamples
from runs.suites.ad_hoc import ad_hoc_suite
from runs.suites.plan import Plan, Selection, make_plan

_BLOCKS_OF_A_PROBE = ROUNDS[-1]


@dataclasses.dataclass
class Measuring:
    """Measures releases for `bisection`: installs what is missing, and goes on from what the spool has."""

    engine: EngineInfo
    options: dict[str, Any]
    experiment: str
    machine: Machine
    spool: Spool
    verdicts: Path
    """Where the gate's verdicts are kept."""
    budget: Budget
    store: Callable[[Sequence[RunRecord]], None]
    say: releases.Say
    names: dict[str, str] = dataclasses.field(default_factory=dict)
    """Version -> the release's name here: empty for the one that comes with Benchsite."""

    def __call__(self, wanted: Sequence[str], /, *, probe: int, blocks: int) -> Mapping[str, LogSamples]:
        names = {version: self.ready(version) for version in wanted}
        first = probe * _BLOCKS_OF_A_PROBE
        whole = self.plan(list(names.values()), first + blocks)
        plan = Plan(whole.suite, tuple(block for block in whole.blocks if block.number >= first))
        self._carry_out(plan)
        samples = {version: self._samples(plan, name) for version, name in names.items()}
        lacking = [version for version, own in samples.items() if len(own) < 3]
        if lacking:
            raise CannotMeasureError(f"{', '.join(lacking)} does not run: {self._why(plan, names[lacking[0]])}")
        return samples

    def ready(self, version: str) -> str:
        """The release's name, once it is installed."""
        if version not in self.names:
            try:
                info = known.resolve(self.base, known.Wanted(self.package, version), say=self.say)
                releases.make(info, say=self.say)
            except EngineError as error:
                raise CannotMeasureError(str(error)) from None
            self.names[version] = info.release
        return self.names[version]

    @property
    def base(self) -> EnvironmentInfo:
        return environment_for(self.engine)

    @property
    def package(self) -> str:
        return self.engine.package

    def plan(self, names: Sequence[str], blocks: int) -> Plan:
        asked = {
            "networks": [self.options["network"]],
            "engines": [self.engine.slug],
            "devices": ["cpu"],
            "threads": [self.options["threads"]],
            "tracks": [self.options["track"]],
            "dataset": self.options["dataset"],
            "batch_sizes": [],
            "replicas": [],
            "optimizer": None,
            "tasks": [],
            "blocks": blocks,
        }
        plain = {"shipped_if_missing": False, "synthetic_if_missing": False, "plan": False}
        dataset_for = data_for({"synthetic": self.options["synthetic"], **plain})
        suite = dataclasses.replace(ad_hoc_suite(asked), name="bisect", title="Releases between two")
        return make_plan(suite, dataset_for, Selection(blocks=blocks, releases={self.engine.slug: tuple(names)}))

    def _carry_out(self, plan: Plan) -> None:
        recorded = resuming.of_experiment(self.spool.outlines().runs, self.experiment, self.machine)
        left = resuming.remaining(plan, recorded)
        if not left.runs:
            return
        predictor = Predictor(recorded)
        self.budget.predict = lambda block: predictor.seconds_of_block(block, plan.suite)
        if not self.budget.allows(left.blocks):
            raise OutOfTimeError("The budget has no time for the next blocks.")
        verdicts = Verdicts(self.verdicts)
        gate.ask(gate.lacking(verdicts, left.runs), verdicts, lambda subject, checks: None)
        sitting = session.Session(
            plan=left,
            experiment=self.experiment,
            machine=self.machine,
            spool=self.spool,
            store=self.store,
            verdicts=verdicts,
            budget=Budget(None, lambda block: 0.0),
        )
        told = reasons_against(left.runs)
        with Display(sys.stdout, left, lambda run: predictor.seconds(run, plan.suite), told) as display:
            session.carry_out(sitting, display)

    def _records(self, plan: Plan, name: str) -> list[RunRecord]:
        numbers = {block.number for block in plan.blocks}
        own = resuming.of_experiment(self.spool.outlines().runs, self.experiment, self.machine)
        records = self.spool.records_of([run.run_id for run in own if run.block in numbers])
        return [record for record in records if release_of(record) == name]

    def _samples(self, plan: Plan, name: str) -> LogSamples:
        """Not of what failed the gate: it did other work."""
        times = {
            record.placement.block: seconds
            for record in self._records(plan, name)
            if record.equivalence != "failed" and (seconds := timed_seconds(record))
        }
        return LogSamples.of(list(times.values()), list(times))

    def _why(self, plan: Plan, name: str) -> str:
        records = self._records(plan, name)
        if any(record.equivalence == "failed" for record in records):
            return "it failed the equivalence gate"
        return next((record.reason for record in records if record.reason), "too few of its runs finished")

    def environment(self, version: str) -> Environment:
        cell = self.plan([""], 1).cells[0]
        return environment_of(cell, self.ready(version))


def releases_between(engine: EngineInfo, first: str, last: str) -> list[str]:
    """Published versions from one to the other, the oldest first. Raises RunsError or UnavailableError."""
    versions = known.published(engine.package)
    low, high = (_newest(versions, engine, text) for text in (first, last))
    if versions.index(low) >= versions.index(high):
        raise RunsError(f"{first} ({low}) does not come before {last} ({high}). Name the older release first.")
    return versions[versions.index(low) : versions.index(high) + 1]


def _newest(versions: Sequence[str], engine: EngineInfo, text: str) -> str:
    fitting = [version for version in versions if known.fits(version, text)]
    if not fitting:
        raise UnavailableError(
            f"No release of {engine.package} begins with {text}. There are: {', '.join(versions[-20:])}."
        )
    return fitting[-1]
