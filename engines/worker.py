"""`python -m engines.worker --channel FD`: does one job in a process of its own, then exits."""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import importlib
import math
import os
import resource
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from engines import backends, calls, networks, profiling, registry, timing
from engines.contract import Engine, Setup, TrainingData
from engines.errors import EngineError, OutOfMemoryError, UnsupportedError
from engines.machine.energy import Meter, counters
from engines.protocol import SCRATCH, Channel, Job, job_from_json
from engines.registry import ENGINES_FOLDER
from engines.replicas import clock, starting
from engines.replicas.ranks import Ranks, current
from engines.replicas.variables import variables
from engines.run_record import QUANTILES, Energy, Epoch, Inference, Training

# What frameworks say, in text alone, when memory runs out.
_OUT_OF_MEMORY_SIGNS = ("RESOURCE_EXHAUSTED", "out of memory", "std::bad_alloc", "Unable to allocate", "OOM when")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channel", type=int, required=True, metavar="FD", help="where the JSON lines go")
    channel = Channel(parser.parse_args().channel)
    os.dup2(2, 1)  # frameworks print banners from C++: to standard error with all of it
    line = sys.stdin.readline()
    if not line:  # the host was killed before it could hand the job over
        _clear_scratch()
        return
    job = job_from_json(line)
    _die_with_host()
    _be_first_to_go_when_memory_runs_out()
    cpus = starting.own_cpus(job)
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    try:
        with starting.beside_others(job, channel):
            result = JOBS[job.kind](job, channel)
        channel.send({"event": "result", "result": result})
    except Exception as error:  # whatever a framework raises ends up as a reason in the record
        failure = as_engine_error(error)
        channel.send({"event": "failed", "status": failure.status, "reason": str(failure)[:4000]})
        if failure is not error:
            raise
    _leave()


def as_engine_error(error: Exception) -> EngineError:
    """The error as one of ours: memory that ran out is told from a plain crash."""
    if isinstance(error, EngineError):
        return error
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or any(sign in text for sign in _OUT_OF_MEMORY_SIGNS):
        return OutOfMemoryError(text)
    return EngineError(text)


def _leave() -> None:
    """End without taking the interpreter apart, which takes TensorFlow 0.4 s after all is said."""
    atexit._run_exitfuncs()  # Theano's give its lock back and clear away what it may not keep
    sys.stderr.flush()
    os._exit(0)


def _die_with_host() -> None:
    """The host holds our standard input open for as long as it lives; at its end the whole process group goes.

    The host clears our temporary folder away; where it was killed, that is left to us.
    """

    def wait_for_the_end() -> None:
        sys.stdin.read()
        _clear_scratch()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait_for_the_end, daemon=True).start()


def _clear_scratch() -> None:
    if SCRATCH in os.environ:
        shutil.rmtree(os.environ[SCRATCH], ignore_errors=True)


def _be_first_to_go_when_memory_runs_out() -> None:
    with suppress(OSError):  # not Linux, or not allowed: the system chooses as it likes
        Path("/proc/self/oom_score_adj").write_text("900")


# ---------------------------------------------------------------- jobs


def make_engine(setup: Setup) -> Engine:
    """Import the framework, with its threads and flags set before, and make the engine."""
    info = registry.find(setup.engine)
    _set_environment(setup, info.backend)
    if setup.replicas == 1:
        name = info.engine_module
    elif reason := registry.why_no_replicas(info, setup.network.type, setup.track):
        raise UnsupportedError(reason)
    else:
        name = f"engines.replicas.{info.framework}"
    engine: Engine = importlib.import_module(name).Engine(setup)
    return engine


def _compile_cache(engine: str) -> Path:
    """Where a framework that compiles to disk keeps what it compiled, as it does for its users between processes.

    One folder an engine: Theano locks its own, so that two engines' gates can be asked side by side.
    """
    return Path(os.environ.get("BENCHSITE_VAR") or ENGINES_FOLDER.parent / "var") / "compiled" / engine


def _set_environment(setup: Setup, backend: str) -> None:
    """Before the first import of NumPy or a framework: they read their threads at that moment."""
    os.environ.update(backends.environment_variables(setup, backend, _compile_cache(setup.engine or backend)))
    os.environ.update(variables(setup, backend, current()))


def train(job: Job, channel: Channel) -> dict[str, Any]:
    """Train one cell; the result has `training` and `phases` as the contract's dataclasses, as dicts."""
    job = with_sample(job)
    phases: dict[str, float] = {}
    with timing.phase(phases, "import"):
        engine = make_engine(job.setup)
    channel.send({"event": "phase", "name": "imported"})
    with timing.phase(phases, "data"):
        data = _load(job)
        weights = networks.initial_weights(job.setup.network, job.seed, sample=job.setup.sample)
    with timing.phase(phases, "build"):
        engine.build(weights, data)
        engine.synchronize()
    with timing.phase(phases, "compile"):
        engine.compile()
        engine.synchronize()
    channel.send({"event": "phase", "name": "compiled"})

    meter = _meter(job)

    def report(epoch: Epoch) -> None:
        meter.epoch()
        channel.send({"event": "epoch", "epoch": dataclasses.asdict(epoch)})

    ranks = current()
    train = timing.train if ranks.count == 1 else partial(clock.train, ranks=ranks)
    epochs = train(engine, samples=len(data.train_labels), seed=job.seed, policy=job.policy, report=report)
    used = meter.energy()
    peak_rss, peak_device = peak_bytes(job.setup, ranks)
    if job.setup.replicas > 1:
        engine.weights()  # which says so, if they are not the same in all replicas
    with timing.phase(phases, "evaluation"):
        evaluation = engine.evaluate()
    training = describe(job, engine, data, epochs)
    training = dataclasses.replace(
        training,
        peak_rss_bytes=peak_rss,
        peak_device_bytes=peak_device,
        test_loss=_finite(evaluation.loss),
        test_accuracy=evaluation.accuracy,
        energy=used,
    )
    return {"training": dataclasses.asdict(training), "phases": phases}


class _SteadyMeter:
    """Reads the hardware's counters of energy after each epoch, its clock stopped, from the last warm-up epoch on."""

    def __init__(self, meter: Meter, warmup_epochs: int) -> None:
        self._meter, self._warmup, self._epochs = meter, warmup_epochs, 0
        if meter.counters and not warmup_epochs:
            meter.start()

    def epoch(self) -> None:
        self._epochs += 1
        if self._meter.counters and self._epochs == self._warmup:
            self._meter.start()
        elif self._meter.counters and self._epochs > self._warmup:
            self._meter.read()

    def energy(self) -> Energy | None:
        return self._meter.energy() if self._epochs > self._warmup else None


def _meter(job: Job) -> _SteadyMeter:
    """Several GPUs' counters are not added up yet: nothing is said then."""
    is_told = job.setup.device == "cpu" or job.setup.replicas == 1
    found = counters(job.setup.device, job.setup.device_index) if is_told else []
    return _SteadyMeter(Meter(found), job.policy.warmup_epochs)


def describe(job: Job, engine: Engine, data: TrainingData, epochs: tuple[Epoch, ...]) -> Training:
    """The epochs, with the size of the work that each of them did."""
    network, batch_size, samples = job.setup.network, job.setup.batch_size, len(data.train_labels)
    sample = job.setup.sample
    warmup = min(job.policy.warmup_epochs, len(epochs) - 1)
    return Training(
        epochs=epochs,
        warmup_epochs=warmup,
        parameters=networks.parameters(network, sample),
        flops_per_epoch=networks.flops_per_epoch(network, samples=samples, batch_size=batch_size, sample=sample),
        steps_per_epoch=networks.steps_per_epoch(samples, batch_size),
        threads_observed=timing.threads_observed(epochs[warmup:]),
        peak_rss_bytes=0,
        drift=timing.drift(epochs[warmup:]),
        order_from="framework" if hasattr(engine, "fit") else "harness",
        settings=dict(engine.settings()),
    )


def infer(job: Job, channel: Channel) -> dict[str, Any]:
    """Ask one cell's network, call by call; the result has `inference` and `phases` as dicts.

    Its weights are those that training starts from: no kernel's time depends on what they are.
    """
    job = with_sample(job)
    setup = job.setup
    phases: dict[str, float] = {}
    with timing.phase(phases, "import"):
        engine = make_engine(setup)
    channel.send({"event": "phase", "name": "imported"})
    with timing.phase(phases, "data"):
        data = _read(job)
        batches = calls.batches_of(data.test_inputs, setup.batch_size)
        weights = networks.initial_weights(setup.network, job.seed, sample=setup.sample)
    with timing.phase(phases, "build"):
        engine.build(weights, calls.without_training(data))
        engine.synchronize()
    with timing.phase(phases, "compile"):
        engine.compile()
        calls.checked_call(engine, batches[0])  # many compile for a size of batch when they first meet it
    channel.send({"event": "phase", "name": "compiled"})
    made = calls.measure(engine, batches, job.calls)
    inference = Inference(
        calls=len(made.seconds),
        warmup_calls=made.warmup_calls,
        seconds=math.fsum(made.seconds),
        quantiles=calls.quantiles_of(made.seconds, QUANTILES),
        parameters=networks.parameters(setup.network, setup.sample),
        flops_per_call=networks.flops_per_call(setup.network, setup.batch_size, setup.sample),
        threads_observed=made.threads_observed,
        peak_rss_bytes=peak_rss_bytes(),
        peak_device_bytes=peak_device_bytes(setup),
        drift=calls.drift(made.seconds),
        settings=dict(engine.settings()),
    )
    return {"inference": dataclasses.asdict(inference), "phases": phases}


def with_sample(job: Job) -> Job:
    """Knowing what the samples of its data set are."""
    from engines import datasets

    sample = datasets.sample_of(job.dataset.name) if job.dataset else None
    return dataclasses.replace(job, setup=dataclasses.replace(job.setup, sample=sample))


def _read(job: Job) -> TrainingData:
    from engines import datasets

    if job.dataset is None:
        raise UnsupportedError(f"A job of the kind {job.kind} needs a data set.")
    return networks.as_taken(datasets.load(job.dataset), job.setup.network, job.setup.sample)


def _load(job: Job) -> TrainingData:
    data, batch_size = _read(job), job.setup.batch_size
    if batch_size > len(data.train_labels):
        raise UnsupportedError(f"A batch of {batch_size} does not fit in {len(data.train_labels)} samples.")
    return data


def _finite(value: float) -> float | None:
    return value if abs(value) < 1e30 else None


def peak_rss_bytes() -> int:
    """The process's peak resident memory: VmHWM where there is /proc, else what getrusage says."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def peak_device_bytes(setup: Setup) -> int | None:
    """The most that the framework held on its GPU, by its own count; None on the CPU, or if it does not count."""
    backend = registry.find(setup.engine).backend
    framework: Any = sys.modules.get(backend)
    if setup.device == "cpu":
        return None
    return backends.of(backend).peak_device_bytes(framework)


def peak_bytes(setup: Setup, ranks: Ranks) -> tuple[int, int | None]:
    """Resident memory and that on GPUs, of all ranks."""
    resident, on_devices = zip(*ranks.gather((peak_rss_bytes(), peak_device_bytes(setup))), strict=True)
    known = [each for each in on_devices if each is not None]
    return sum(resident), sum(known) if known else None


def verify(job: Job, channel: Channel) -> dict[str, Any]:
    """Check each of the job's cases; the result has a report for each that could be built."""
    backend = registry.find(job.setup.engine).backend
    _set_environment(job.setup, backend)  # the reference is NumPy, before any engine
    from engines import equivalence

    if quicken := getattr(backends.of(backend), "quicken", None):  # not of the contract: nothing that is timed has it
        with suppress(UnsupportedError):  # each case will say so
            quicken(job.setup)

    reports = []
    for case in job.cases:
        setup = dataclasses.replace(
            job.setup, network=case.network, optimizer=case.optimizer, task=case.task, replicas=case.replicas
        )
        channel.send({"event": "phase", "name": str(case)})
        try:
            reports.append(dataclasses.asdict(equivalence.check(make_engine, setup)))
        except UnsupportedError as error:  # other networks may be fine
            reports.append({"unsupported": str(error)})
    return {"reports": reports}


def profile(job: Job, channel: Channel) -> dict[str, Any]:
    """Train two short epochs, the second under the framework's profiler; the result has a Profile, as a dict."""
    if job.setup.replicas > 1:
        raise UnsupportedError("Only one replica can be profiled.")
    job = with_sample(job)
    engine = make_engine(job.setup)
    profiler = _make_profiler(job.setup)
    data, batch_size = profiling.shortened(_load(job), job.setup.batch_size), job.setup.batch_size
    engine.build(networks.initial_weights(job.setup.network, job.seed, sample=job.setup.sample), data)
    engine.compile()
    channel.send({"event": "phase", "name": "compiled"})
    found = profiling.profile(engine, profiler, samples=len(data.train_labels), batch_size=batch_size, seed=job.seed)
    return {"profile": dataclasses.asdict(found)}


def _make_profiler(setup: Setup) -> profiling.Profiler:
    backend = registry.find(setup.engine).backend
    name = f"engines.profilers.{backend}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UnsupportedError(f"No profiler is known for engines on {backend}.") from None
    made: profiling.Profiler = module.Profiler(setup)
    return made


def canary(job: Job, channel: Channel) -> dict[str, Any]:
    from engines import canary

    _set_environment(job.setup, "numpy")
    return dataclasses.asdict(canary.measure(threads=job.setup.threads))


JOBS: dict[str, Callable[[Job, Channel], dict[str, Any]]] = {
    "train": train,
    "infer": infer,
    "verify": verify,
    "canary": canary,
    "profile": profile,
}

if __name__ == "__main__":
    main()
