"""`python -m tests.alternatives.trial JSON`: one alternative trained in a process of its own, in its environment.

The last line that it prints is a `Result`, as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from engines import backends, networks, registry, timing
from engines.contract import Network, Setup, Track
from engines.run_record import Epoch
from engines.timing import Policy

_SEED = 1
_POLICY = Policy(warmup_epochs=2, steady_epochs=3, min_steady_seconds=0.5)


@dataclass(frozen=True)
class Trial:
    """`track` is the alternative's: variables are set by it, before anything of the engine's is imported."""

    engine: str
    alternative: str
    track: Track
    network: Network
    samples: int
    cache: str


@dataclass(frozen=True)
class Result:
    """CPU seconds of all threads: per steady epoch, and, child processes included, for all that comes once before."""

    epoch: float
    compiling: float
    loss: float
    versions: dict[str, str]


def run(trial: Trial) -> Result:
    info = registry.find(trial.engine)
    setup = Setup(trial.engine, trial.network, track=trial.track)
    variables = backends.environment_variables(setup, info.backend, Path(trial.cache))
    os.environ.update(variables)  # the threads, before NumPy is imported
    from engines import datasets
    from tests.alternatives.declared import find

    alternative = find(trial.engine, trial.alternative)
    os.environ.update(alternative.told(variables))
    name = networks.of_type(trial.network.type).dataset
    dataset = datasets.describe(name, train_samples=trial.samples, synthetic=True)
    data = datasets.load(dataclasses.replace(dataset, test_samples=1))
    engine = alternative.engine(setup)
    ends: list[float] = []

    def note(epoch: Epoch) -> None:
        ends.append(_cpu_seconds())

    start = _cpu_seconds()
    engine.build(networks.initial_weights(trial.network, _SEED), data)
    engine.compile()
    epochs = timing.train(engine, samples=trial.samples, seed=_SEED, policy=_POLICY, report=note)
    steady = median(epoch.cpu_seconds for epoch in epochs[_POLICY.warmup_epochs :])
    last = epochs[_POLICY.warmup_epochs + _POLICY.steady_epochs - 1]
    versions = {name: sys.modules[name].__version__ for name in (info.framework, info.backend)}
    return Result(steady, max(0.0, ends[0] - start - steady), math.nan if last.loss is None else last.loss, versions)


def _cpu_seconds() -> float:
    """Of this process and of the compilers that it has waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(dataclasses.asdict(run(Trial(**{**asked, "network": Network(**asked["network"])})))))
    sys.stdout.flush()
    os._exit(0)  # some frameworks take long to take themselves apart
