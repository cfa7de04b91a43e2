"""Runs that never happened, for load work: plausible, the same for the same seed, and named invented. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from uuid import UUID

from engines import networks, registry
from engines.contract import Cell, DataSet, content_hash
from engines.datasets.available import describe
from engines.run_record import (
    Code,
    Conditions,
    Environment,
    Epoch,
    Machine,
    Phases,
    Placement,
    RunRecord,
    Status,
    Training,
)
from runs.errors import SuiteError
from runs.suites.plan import PlannedRun, Selection, make_plan
from runs.suites.suite import Bench, Suite, load

SUITE = "study"
BLOCKS = 10
MACHINES = 20
SITTINGS_PER_EXPERIMENT = 2
PACKAGES = 60
_EPOCHS, _WARMUP = 10, 1
_FIRST_DAY = datetime(2018, 1, 1, tzinfo=UTC)
_BETWEEN_SITTINGS = timedelta(hours=8)
_SITTINGS_PER_RELEASE = 40
"""After so many, the frameworks have a newer version."""
_FAILURES: dict[Status, str] = {
    "out_of_memory": "Invented: the device has no memory left.",
    "crashed": "Invented: the process ended with signal 11.",
    "timed_out": "Invented: it took longer than two hours.",
    "diverged": "Invented: the loss is no finite number.",
}


@dataclass(frozen=True)
class Sitting:
    """One machine's part of one experiment: its first `runs`, up to ten of each of the suite's cells."""

    seed: int
    number: int
    runs: int
    suite: str = SUITE

    @property
    def experiment(self) -> str:
        kind = "experiment" if self.suite == SUITE else self.suite
        return f"invented {kind} {self.seed}-{self.number // SITTINGS_PER_EXPERIMENT:04}"

    @property
    def started_at(self) -> datetime:
        return _FIRST_DAY + self.number * _BETWEEN_SITTINGS

    @cached_property
    def machine(self) -> Machine:
        number = self.number % MACHINES
        cores = 2 ** (1 + number % 5)
        return Machine(
            name=f"invented machine {self.seed}-{number:02}",
            fingerprint=content_hash("synthetic machine", self.seed, number),
            cpu=f"Invented CPU {1000 + 100 * (number % 7)}",
            sockets=1,
            cores=cores,
            threads=2 * cores,
            memory_bytes=cores * 4 * 2**30,
            gpus=("Invented GPU, 8 GiB",),
            system="Invented Linux",
            facts={"kernel": "6.1.0", "memory_bandwidth": "synthetic"},
        )


def sittings(runs: int, seed: int, suite: str = SUITE) -> list[Sitting]:
    """As many as hold that number of runs. More runs of a seed begin with the same ones as fewer.

    Raises SuiteError for a suite that is none, or has nothing to train.
    """
    in_one = len(_plan(suite))
    if not in_one:
        raise SuiteError(f"The suite {suite} trains nothing, and runs are invented of training alone.")
    whole, rest = divmod(runs, in_one)
    sizes = [in_one] * whole + ([rest] if rest else [])
    return [Sitting(seed, number, size, suite) for number, size in enumerate(sizes)]


def records_of(sitting: Sitting) -> Iterator[RunRecord]:
    """In the order in which they would have run."""
    own = () if sitting.suite == SUITE else (sitting.suite,)
    dice = random.Random(content_hash("runs", sitting.seed, sitting.number, *own))
    moment = sitting.started_at
    for planned in _plan(sitting.suite)[: sitting.runs]:
        record = _record(sitting, planned, moment, dice)
        moment = datetime.fromisoformat(record.finished_at)
        yield record


@cache
def _suite(name: str) -> Suite:
    return load(name)


@cache
def _plan(suite: str) -> tuple[PlannedRun, ...]:
    """Of the study 5,000 runs, block after block: every cell is there once before any is there twice."""
    loaded = _suite(suite)
    benches = (*loaded.benches, _TUNED) if suite == SUITE else loaded.benches
    selection = Selection(blocks=BLOCKS, tasks=("train",))
    return make_plan(replace(loaded, benches=benches), _synthetic_data, selection).runs


_TUNED = Bench(
    "mlp", (2, 4, 8), (100,), ("theano", "tensorflow", "keras-theano", "keras-tensorflow"), tracks=("tuned",)
)
"""With its 12 cells, the study's 488 are 500."""


def _synthetic_data(name: str, train_samples: int | None) -> DataSet:
    return describe(name, train_samples=train_samples, synthetic=True)


def _record(sitting: Sitting, planned: PlannedRun, moment: datetime, dice: random.Random) -> RunRecord:
    cell = planned.cell
    environment = _environment(registry.find(cell.engine).framework, sitting.number // _SITTINGS_PER_RELEASE)
    status = _status(cell, dice)
    training = _training(cell, sitting.machine, dice) if status == "finished" else None
    phases = _phases(training, dice)
    return RunRecord(
        run_id=str(UUID(int=dice.getrandbits(128), version=4)),
        status=status,
        reason=_FAILURES.get(status, ""),
        started_at=moment.isoformat(),
        finished_at=(moment + timedelta(seconds=phases.process_seconds)).isoformat(),
        cell=cell,
        placement=Placement(
            sitting.experiment,
            sitting.suite,
            _suite(sitting.suite).preset,
            planned.block,
            planned.position,
            planned.seed,
            session="synthetic",
        ),
        machine=sitting.machine,
        environment=environment,
        code=Code("synthetic", "0" * 40, dirty=False, engine_sha256=environment.sha256),
        cell_key=_cell_key(cell, environment.sha256),
        command=f"python manage.py seedruns --seed {sitting.seed} --suite {sitting.suite}",
        phases=phases,
        training=training,
        conditions=_conditions(cell, dice),
        equivalence="passed",
        exit_code=0 if status == "finished" else 1,
    )


@cache
def _environment(framework: str, release: int) -> Environment:
    packages = {f"synthetic-package-{number:02}": f"1.{number}.0" for number in range(PACKAGES - 1)}
    packages[framework] = f"{2 + release}.0.0"
    facts = {"blas": "synthetic"}
    return Environment(
        name=f"invented {framework}",
        sha256=content_hash("synthetic environment", packages, facts),
        origin="locked",
        python="CPython 3.11.7 (invented)",
        packages=packages,
        facts=facts,
    )


@cache
def _cell_key(cell: Cell, environment: str) -> str:
    return content_hash(cell, environment)


# ---------------------------------------------------------------- what a run might have given


def _status(cell: Cell, dice: random.Random) -> Status:
    """One run in fifty fails by chance, and one engine has no memory for the widest networks."""
    if cell.device == "gpu" and cell.engine == "keras-theano" and cell.workload.network.width == 1600:
        return "out_of_memory"
    return dice.choice(("crashed", "timed_out", "diverged")) if dice.random() < 0.02 else "finished"


def _training(cell: Cell, machine: Machine, dice: random.Random) -> Training:
    flops, steps, parameters = _sizes(cell)
    seconds = _expected_seconds(cell, flops, steps) * _luck(machine.fingerprint, cell.engine) * dice.gauss(1, 0.03)
    walls = [seconds * (2.5 if epoch == 0 else 1) * dice.gauss(1, 0.01) for epoch in range(_EPOCHS)]
    return Training(
        epochs=tuple(Epoch(wall, wall * cell.threads * 0.9, 2 / (1 + epoch)) for epoch, wall in enumerate(walls)),
        warmup_epochs=_WARMUP,
        parameters=parameters,
        flops_per_epoch=flops,
        steps_per_epoch=steps,
        threads_observed=round(cell.threads * 0.9, 2),
        peak_rss_bytes=400 * 2**20 + 16 * parameters,
        test_loss=dice.uniform(0.3, 0.5),
        test_accuracy=dice.uniform(0.80, 0.95),
        drift=dice.gauss(0, 0.01),
        settings={"synthetic": "yes"},
    )


@cache
def _sizes(cell: Cell) -> tuple[int, int, int]:
    """FLOPs and steps an epoch, and parameters."""
    work = networks.work_of(cell.workload)
    return work.flops, work.steps, networks.parameters(cell.workload.network)


_STEP_SECONDS = {"theano": 1e-4, "tensorflow": 3e-4, "keras-theano": 3e-4, "keras-tensorflow": 6e-4}
_DEVICE_FLOPS = {"cpu": 2e10, "gpu": 1e12}


def _expected_seconds(cell: Cell, flops: int, steps: int) -> float:
    """Some time for each step, and the rest by FLOPs, which more threads share."""
    rate = _DEVICE_FLOPS[cell.device] * math.pow(cell.threads, 0.7)
    return steps * _STEP_SECONDS.get(cell.engine, 5e-4) + flops / rate


@cache
def _luck(fingerprint: str, engine: str) -> float:
    """How well an engine does on a machine: between a fifth faster and a fifth slower."""
    return math.exp(random.Random(content_hash(fingerprint, engine)).uniform(-0.2, 0.2))


def _phases(training: Training | None, dice: random.Random) -> Phases:
    start, compiled = dice.uniform(1, 4), dice.uniform(0.1, 2)
    trained = sum(epoch.wall_seconds for epoch in training.epochs) if training else 0.0
    return Phases(
        import_seconds=start,
        data_seconds=0.05,
        build_seconds=0.1,
        compile_seconds=compiled,
        evaluation_seconds=0.1,
        process_seconds=start + compiled + trained + 0.25,
        process_cpu_seconds=start + compiled + trained,
    )


def _conditions(cell: Cell, dice: random.Random) -> Conditions:
    peak = 40.0 * math.pow(cell.threads, 0.9)
    return Conditions(
        readings={"governor": "performance", "load_average": f"{dice.uniform(0, 1):.2f}"},
        canary_gflops=peak * dice.gauss(0.9, 0.005),
        canary_after_gflops=peak * dice.gauss(0.9, 0.005),
        peak_gflops=peak,
    )
