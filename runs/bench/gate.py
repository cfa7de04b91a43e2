"""The equivalence gate on this machine: asked once for each engine's code, software, track and device, and kept.

A verdict belongs to the hash of the engine's code and to the exact environment; a change of either asks for a new one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from engines import backends, host, machine, optimizers, registry
from engines.contract import Cell, Device, Network, NetworkType, Optimizer, Setup, Task, Track, content_hash
from engines.declarations import EngineInfo
from engines.environments import environments, releases
from engines.errors import UnavailableError
from engines.networks import ARCHITECTURES
from engines.protocol import Case, Job
from engines.run_record import Equivalence
from runs.errors import RunsError
from runs.suites.plan import PlannedRun
from runs.validation import DocumentError, from_json

DType = Literal["float64", "float32"]
OTHER_OPTIMIZERS = (Optimizer(momentum=0.9), Optimizer("adam"))
FULL = (
    *(Case(network) for family in ARCHITECTURES.values() for network in family.gate),
    *(Case(family.gate[0], optimizer) for family in ARCHITECTURES.values() for optimizer in OTHER_OPTIMIZERS),
    *(Case(family.gate[0], task="infer") for family in ARCHITECTURES.values()),
    *(Case(family.gate[0], replicas=replicas) for replicas in (2, 3) for family in ARCHITECTURES.values()),
)
"""What `engines verify` checks: every family's networks trained with plain descent; its smallest trained with the other
optimizers, asked (what a larger one answers, the losses of its training show), and trained on two and three replicas,
which share a batch evenly and unevenly."""
COMPARED: dict[Task, tuple[str, ...]] = {"train": ("losses", "weights", "updates"), "infer": ("scores",)}
_SUBJECT_SECONDS = 40.0
_TIMEOUT_SECONDS = 900.0


@dataclass(frozen=True)
class Check:
    """One network in one element type. `reports` are the gate's results on each kind of data, as it sent them."""

    engine: str
    device: Device
    network: Network
    dtype: DType
    passed: bool
    reason: str
    optimizer: Optimizer = field(default_factory=Optimizer)
    results: tuple[dict[str, Any], ...] = ()
    unsupported: bool = False
    """The engine refuses such networks: nothing was compared, and there is nothing to hold against it."""
    track: Track = "idiomatic"
    task: Task = "train"
    replicas: int = 1

    @property
    def case(self) -> Case:
        return Case(self.network, self.optimizer, self.task, self.replicas)

    @property
    def worst(self) -> dict[str, float]:
        """The largest difference, over all kinds of data, of each quantity that its task compares."""
        differences = [result["differences"] for result in self.results]
        return {name: max(each[name] for each in differences) for name in COMPARED[self.task]}


@dataclass(frozen=True)
class Subject:
    """An engine as it is now: its code and its software decide whether an old verdict still speaks of it."""

    engine: str
    device: Device
    track: Track = "idiomatic"
    device_index: int = field(default=0, compare=False)
    """Which GPU it is asked on: the verdict holds for any."""
    release: str = ""
    """Of its framework, beside the one that comes with Benchsite."""

    @property
    def environment(self) -> environments.EnvironmentInfo:
        """Raises UnavailableError where there is no such release."""
        return releases.release_environment(registry.find(self.engine), self.device, self.release)

    def key(self, network_type: NetworkType, *, with_replicas: bool = False) -> str:
        """Of the verdict on such networks. Raises UnavailableError where its environment is not there."""
        software = environments.describe(self.environment).sha256
        code = registry.code_hash(self.engine, network_type, with_replicas=with_replicas)
        return content_hash(self.engine, self.device, self.track, code, software)


Wanted = dict[Subject, tuple[Case, ...]]


def subject_of(cell: Cell, release: str = "", device_index: int = 0) -> Subject:
    return Subject(cell.engine, cell.device, cell.track, device_index, release)


class Verdicts:
    """What the gate has said so far, in a file beside the spool."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = self._read()

    def _read(self) -> dict[str, list[Check]]:
        try:
            return from_json(dict[str, list[Check]], self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RunsError(f"{self.path} cannot be read: {error.strerror}.") from None
        except DocumentError:
            raise RunsError(f"{self.path} is damaged. Delete it; the gate will be asked again.") from None

    def of(self, subject: Subject) -> list[Check]:
        try:
            keys = [subject.key(each, with_replicas=several) for several in (False, True) for each in ARCHITECTURES]
            return [check for key in dict.fromkeys(keys) for check in self._known.get(key, [])]
        except UnavailableError:
            return []

    def keep(self, subject: Subject, checks: Sequence[Check]) -> None:
        """Newer checks of a case take the place of older ones."""
        renewed = {(check.case, check.dtype) for check in checks}
        kept = [*(check for check in self.of(subject) if (check.case, check.dtype) not in renewed), *checks]
        by_key: dict[str, list[Check]] = {}
        for check in kept:
            key = subject.key(check.network.type, with_replicas=check.replicas > 1)
            by_key.setdefault(key, []).append(check)
        self._known |= by_key
        self._write({key: [asdict(check) for check in known] for key, known in self._known.items()})

    def _write(self, document: dict[str, Any]) -> None:
        draft = self.path.with_suffix(".draft")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(document))
            draft.replace(self.path)
        except OSError as error:
            raise RunsError(f"{self.path} cannot be written: {error.strerror}.") from None

    def standing(self, cell: Cell, release: str = "") -> tuple[Equivalence, dict[str, str]]:
        """What a run's record says of its engine: by the checks of the run's own kind of work."""
        own = work_of(case_of(cell))
        known = self.of(subject_of(cell, release))
        checks = [check for check in known if work_of(check.case) == own and not check.unsupported]
        if not checks:
            return "unverified", {}
        passed = all(check.passed for check in checks)
        return "passed" if passed else "failed", {f"{check.case}, {check.dtype}": in_words(check) for check in checks}


def in_words(check: Check) -> str:
    """'passed: losses 1.2e-15, weights 3.4e-15, updates 1.1e-09'."""
    verdict = "unsupported" if check.unsupported else "passed" if check.passed else "failed"
    if not check.results:
        return f"{verdict}: {check.reason}"[:500]
    numbers = ", ".join(f"{name} {value:.2g}" for name, value in check.worst.items())
    return f"{verdict}: {numbers}"


# ---------------------------------------------------------------- asking


def case_of(cell: Cell) -> Case:
    """The gate has learning rates of its own."""
    workload = cell.workload
    optimizer = replace(workload.optimizer, learning_rate=Optimizer.learning_rate)
    return Case(workload.network, optimizer, workload.task, workload.replicas)


Work = tuple[NetworkType, Task, optimizers.Kind, int]


def work_of(case: Case) -> Work:
    """What one check speaks for: networks of a family, however large, asked, or trained with one kind of optimizer on
    so many replicas."""
    return case.network.type, case.task, optimizers.kind(case.optimizer), case.replicas


def cases_for(engine: EngineInfo, track: Track = "idiomatic") -> tuple[Case, ...]:
    """Of FULL what the engine says that it does."""
    return tuple(
        case
        for case in FULL
        if case.task in engine.tasks
        and case.network.type in engine.families
        and (case.replicas == 1 or not registry.why_no_replicas(engine, case.network.type, track))
    )


def smallest_cases(cells: Iterable[Cell]) -> tuple[Case, ...]:
    """Of each kind of work the network with fewest layers, then neurons: what a suite is checked on before it runs."""
    cases = {case_of(cell) for cell in cells}
    by_size = sorted(cases, key=lambda case: (case.network.hidden_layers, case.network.width, str(case)))
    return tuple({work_of(case): case for case in reversed(by_size)}.values())


def lacking(verdicts: Verdicts, runs: Sequence[PlannedRun], *, device_index: int = 0) -> Wanted:
    """What the verdict on each engine, release and track of these runs lacks: one case of each kind of work at most."""
    wanted: Wanted = {}
    cells_of: dict[Subject, dict[Cell, None]] = {}
    for run in runs:
        cells_of.setdefault(subject_of(run.cell, run.release, device_index), {})[run.cell] = None
    for subject, own in cells_of.items():
        known = {work_of(check.case) for check in verdicts.of(subject)}
        missing = tuple(case for case in smallest_cases(own) if work_of(case) not in known)
        if missing:
            wanted[subject] = missing
    return wanted


def rough_seconds(wanted: Wanted) -> float:
    """How long it takes to ask these: with nothing compiled yet, about so long for each, engines side by side."""
    at_once = min(len(machine.allowed_cpus()), len({subject.engine for subject in wanted})) or 1
    return _SUBJECT_SECONDS * len(wanted) / at_once


def ask(wanted: Wanted, verdicts: Verdicts, told: Callable[[Subject, list[Check]], None]) -> None:
    """Check and keep. Nothing is timed, so engines go side by side, those that compile longest (Theano's) first.

    The tracks of one engine go one after the other: they share the folder of what is compiled, which Theano locks.
    """
    engines = dict.fromkeys(subject.engine for subject in wanted)
    longest_first = sorted(engines, key=lambda engine: not backends.of(registry.find(engine).backend).COMPILES_LONGEST)
    stop, one_at_a_time = threading.Event(), threading.Lock()

    def ask_one(engine: str) -> None:
        for subject in (each for each in wanted if each.engine == engine):
            checks = check(subject, wanted[subject], stop)
            with one_at_a_time:
                verdicts.keep(subject, checks)
                told(subject, checks)

    with ThreadPoolExecutor(max_workers=len(machine.allowed_cpus())) as pool:
        try:
            list(pool.map(ask_one, longest_first))
        except BaseException:  # Ctrl-C, above all: the workers are not waited for
            stop.set()
            raise


def check(subject: Subject, cases: tuple[Case, ...], stop: threading.Event) -> list[Check]:
    """Both checks of each case, in a process for each element type and number of replicas: both are a process's own."""
    found = []
    for dtype in get_args(DType):
        by_replicas: dict[int, list[Case]] = {}
        for case in _worth_checking(cases, dtype):
            by_replicas.setdefault(case.replicas, []).append(case)
        for own in by_replicas.values():
            found += _check_in(subject, tuple(own), dtype, stop)
    return found


def _worth_checking(cases: tuple[Case, ...], dtype: DType) -> tuple[Case, ...]:
    """What an optimizer computes, float64 shows; float32 shows the element type, by plain descent where that is asked.

    In float32 Adam's first steps are the signs of gradients that may be nothing but rounding, so that it could only be
    held to half of its updates. So it is with replicas: of what they add, float64 tells.
    """
    if dtype == "float64":
        return cases
    plain = {(case.network.type, case.task) for case in cases if _is_plain(case)}
    return tuple(case for case in cases if _is_plain(case) or (case.network.type, case.task) not in plain)


def _is_plain(case: Case) -> bool:
    return optimizers.kind(case.optimizer) == "sgd" and case.replicas == 1


def _check_in(subject: Subject, cases: tuple[Case, ...], dtype: DType, stop: threading.Event) -> list[Check]:
    setup = Setup(
        subject.engine,
        cases[0].network,
        track=subject.track,
        device=subject.device,
        device_index=subject.device_index,
        dtype=dtype,
        replicas=cases[0].replicas,
    )
    job = Job("verify", setup, cases=cases)
    python = environments.python_of(subject.environment)
    outcome = host.run(python, job, timeout_seconds=_TIMEOUT_SECONDS, stop=stop)
    if not outcome.finished:
        return [_check_of(subject, case, dtype, reason=outcome.reason) for case in cases]
    reports = zip(cases, outcome.result["reports"], strict=True)
    return [_check_of(subject, case, dtype, **_told(report)) for case, report in reports]


def _told(report: dict[str, Any]) -> dict[str, Any]:
    if "unsupported" in report:
        return {"reason": report["unsupported"], "unsupported": True}
    return {"passed": report["passed"], "results": tuple(report["checks"])}


def _check_of(subject: Subject, case: Case, dtype: DType, **told: Any) -> Check:
    return Check(
        subject.engine,
        subject.device,
        case.network,
        dtype,
        optimizer=case.optimizer,
        track=subject.track,
        task=case.task,
        replicas=case.replicas,
        **{"passed": False, "reason": "", **told},
    )
