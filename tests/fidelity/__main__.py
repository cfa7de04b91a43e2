"""`make fidelity`: is the time that a worker reports the time that the framework takes?

Each engine's worker and the shortest script for the same framework and network take turns, in processes of their own,
held to the same one CPU. Prints, per engine and network, the ratio worker / script of CPU and of wall seconds per
epoch with its 95 % interval, and what the harness itself costs outside of epochs, import, build and compile.

On a noisy machine let both run at once, with `--together`: they take turns of half a second, so that a neighbour's
noise meets both alike. Only the CPU seconds then tell anything.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeAlias

import numpy as np

from engines import datasets, host, machine, networks, registry
from engines.contract import DataSet, Network, Setup
from engines.environments import environments
from engines.protocol import Job
from engines.timing import Policy
from runs import stats
from runs.stats import LogSamples
from runs.suites.plan import network_name
from tests.fidelity import turns

SCRIPTS = Path(__file__).parent / "scripts"
ALLOWED = 0.03
STUDIED = (Network("mlp", 2, 25), Network("mlp", 8, 200), Network("cnn", 2, 8))
FAMILIES = (Network("resnet", 1, 8), Network("lstm", 1, 64), Network("gru", 1, 64), Network("transformer", 2, 64))
NETWORKS = (*STUDIED, *FAMILIES)
FAMILY_ENGINES = ("jax", "torch", "keras-tensorflow")
"""Those that have a script for today's families."""
IMAGES = 5000
SHIPPED = {
    "resnet": ("fashion-mnist-10k", 1000),
    "lstm": ("fashion-mnist-10k", 4000),
    "gru": ("fashion-mnist-10k", 4000),
}
SHIPPED["transformer"] = ("shakespeare", 64_000)
"""Data set and training samples of today's families."""
WARMUP_EPOCHS = 2
LAST_ALONE = 3
"""Together, the side that began later ends alone: its last epochs do not count, nor those of the other."""


@dataclass(frozen=True)
class Times:
    """Seconds per epoch, the medians of the steady epochs; `overhead` is the harness's own seconds of a whole run."""

    cpu: float
    wall: float
    overhead: float = 0.0


def steady(epochs: list[tuple[float, float]], last_alone: int, overhead: float = 0.0) -> Times:
    wall, cpu = zip(*epochs[WARMUP_EPOCHS : len(epochs) - last_alone], strict=True)
    return Times(median(cpu), median(wall), overhead)


def epochs_for(network: Network, *, together: bool) -> int:
    """At least three, and about a second of them in turn: processes differ more than epochs of one do.

    Together, for ten times as long, so that the seconds by which one side begins before the other do not count.
    """
    times = 10 if together else 1
    if network in FAMILIES:
        return WARMUP_EPOCHS + 3 * times
    flops = networks.flops_per_sample(network) * (43_500 if network.type == "mlp" else IMAGES)
    return WARMUP_EPOCHS + max(3, min(15 * times, round(2e10 * times / flops)))


# ---------------------------------------------------------------- the two sides


def run_worker(setup: Setup, dataset: DataSet, python: Path, *, together: bool) -> Times:
    last_alone = LAST_ALONE if together else 0
    steady_epochs = epochs_for(setup.network, together=together) - WARMUP_EPOCHS + last_alone
    policy = Policy(warmup_epochs=WARMUP_EPOCHS, steady_epochs=steady_epochs, min_steady_seconds=0)
    job = Job("train", setup, dataset=dataset, seed=1, policy=policy, cpus=machine.allowed_cpus()[:1])
    outcome = host.run(python, job, timeout_seconds=900)
    if not outcome.finished:
        sys.exit(f"{setup.engine} {setup.network}: {outcome.reason}\n{outcome.stderr_tail}")
    epochs = [(epoch["wall_seconds"], epoch["cpu_seconds"]) for epoch in outcome.result["training"]["epochs"]]
    phases = outcome.result["phases"]
    framework = sum(phases[f"{name}_seconds"] for name in ("import", "build", "compile", "evaluation"))
    return steady(epochs, last_alone, outcome.process_seconds - framework - sum(wall for wall, _ in epochs))


def run_script(setup: Setup, data: Path, python: Path, *, together: bool) -> Times:
    last_alone = LAST_ALONE if together else 0
    info, network = registry.find(setup.engine), setup.network
    job: dict[str, object] = {"data": str(data), "epochs": epochs_for(network, together=together) + last_alone}
    if network in STUDIED:
        job["weights"] = len(networks.parameter_shapes(network))
    else:
        classes = networks.classes(network, setup.sample)
        sizes = {"depth": network.hidden_layers, "width": network.width, "classes": classes}
        job |= {"type": network.type, "batch": setup.batch_size, **sizes}
    told = _output([python, "-c", _VARIABLES, json.dumps([setup.engine, info.backend, str(data.parent)])], _ENGINES)
    variables = json.loads(told) | host.ALLOCATOR
    kind = "" if network in STUDIED else "families_"
    printed = _output([python, SCRIPTS / f"{info.framework}_{kind}script.py", json.dumps(job)], variables)
    return steady(json.loads(printed.splitlines()[-1]), last_alone)


def _output(command: list[str | Path], variables: dict[str, str]) -> str:
    held = partial(_hold_to, machine.allowed_cpus()[:1])
    answer = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | variables, preexec_fn=held
    )
    return answer.stdout


_ENGINES = {"PYTHONPATH": str(host.PROJECT_ROOT)}
# The variables that the worker sets for itself, asked of the interpreter that will run the script.
_VARIABLES = """
import json, sys
from pathlib import Path
from engines import backends
from engines.contract import Network, Setup
engine, backend, scratch = json.loads(sys.argv[1])
print(json.dumps(backends.environment_variables(Setup(engine, Network("mlp", 1, 1)), backend, Path(scratch))))
"""


def _hold_to(cpus: tuple[int, ...]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


# ---------------------------------------------------------------- pairs


Sides: TypeAlias = "tuple[Callable[[], Times], Callable[[], Times]]"


def compare(setup: Setup, pairs: int, folder: Path, *, together: bool) -> str:
    """A line of the table. The sides change places from pair to pair: over an even number of pairs, drift cancels."""
    dataset = _dataset_of(setup.network)
    data, python = _write_data(setup, dataset, folder), _python(setup.engine)
    sides: Sides = (
        partial(run_worker, setup, dataset, python, together=together),
        partial(run_script, setup, data, python, together=together),
    )
    run = _at_once if together else _in_turn
    run(sides, 0)  # not counted: it compiles what the others find compiled
    found = [run(sides, pair) for pair in range(pairs)]
    workers, scripts = (list(times) for times in zip(*found, strict=True))
    return _line(setup, workers, scripts)


def _dataset_of(network: Network) -> DataSet:
    usual = networks.of_type(network.type).dataset
    name, samples = SHIPPED.get(network.type, (usual, IMAGES if network.type == "cnn" else None))
    return datasets.describe(name, train_samples=samples)


def _setup_of(engine: str, network: Network) -> Setup:
    if network in STUDIED:
        return Setup(engine, network)
    size = 20 if network.type == "transformer" else 100
    return Setup(engine, network, batch_size=size, sample=datasets.sample_of(SHIPPED[network.type][0]))


def _in_turn(sides: Sides, pair: int) -> list[Times]:
    order = sides if pair % 2 == 0 else sides[::-1]
    found = [side() for side in order]
    return found if pair % 2 == 0 else found[::-1]


def _at_once(sides: Sides, _pair: int) -> list[Times]:
    with ThreadPoolExecutor() as pool, turns.taken_by(("engines.worker", "_script.py")):
        return [run.result() for run in [pool.submit(side) for side in sides]]


def _line(setup: Setup, workers: list[Times], scripts: list[Times]) -> str:
    cpu = _ratio([times.cpu for times in scripts], [times.cpu for times in workers])
    wall = _ratio([times.wall for times in scripts], [times.wall for times in workers])
    pairs = [worker.cpu / script.cpu for worker, script in zip(workers, scripts, strict=True)]
    verdict = "ok" if abs(median(pairs) - 1) <= ALLOWED else "OUTSIDE"
    overhead = median(times.overhead for times in workers)
    return (
        f"{setup.engine:18} {network_name(setup.network):10} {scripts[0].cpu:8.4f} s  median {median(pairs):.3f}  "
        f"cpu {cpu}  wall {wall}  harness {overhead:.2f} s  {verdict}  ({' '.join(f'{pair:.3f}' for pair in pairs)})"
    )


def _ratio(scripts: list[float], workers: list[float]) -> str:
    blocks = tuple(range(len(scripts)))
    baseline, candidate = (LogSamples(tuple(map(math.log, side)), blocks) for side in (scripts, workers))
    found = stats.ratio(baseline, candidate)
    interval = f"[{found.low:.3f}, {found.high:.3f}]" if found.low and found.high else "[too few]"
    return f"{found.value:.3f} {interval}"


def _write_data(setup: Setup, dataset: DataSet, folder: Path) -> Path:
    """The same samples and initial weights that the worker has, for the script to load."""
    network = setup.network
    path = folder / f"{network.type}-{network.hidden_layers}-{network.width}.npz"
    if not path.exists():
        data = networks.as_taken(datasets.load(dataset), network, setup.sample)
        arrays: dict[str, np.ndarray] = {"x": data.train_inputs, "y": data.train_labels}
        if network in STUDIED:
            arrays |= {f"w{index}": array for index, array in enumerate(networks.initial_weights(network, 1))}
        np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def _python(engine: str) -> Path:
    return environments.python_of(environments.environment_for(registry.find(engine)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fidelity", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--engines", nargs="+", choices=(engines := list(registry.ENGINES)), default=engines)
    parser.add_argument("--networks", nargs="+", choices=(names := [*map(network_name, NETWORKS)]), default=names)
    parser.add_argument("--together", action="store_true", help="both sides at once on one CPU: for a noisy machine")
    options = parser.parse_args()
    wanted = [network for network in NETWORKS if network_name(network) in options.networks]
    with tempfile.TemporaryDirectory(prefix="benchsite-fidelity-") as folder:
        for engine in options.engines:
            for network in wanted:
                if network in FAMILIES and engine not in FAMILY_ENGINES:
                    continue
                setup = _setup_of(engine, network)
                print(compare(setup, options.pairs, Path(folder), together=options.together), flush=True)


if __name__ == "__main__":
    main()
