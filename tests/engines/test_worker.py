"""The worker's own parts, in this process: what a result says, and which error a framework's failure is."""

from __future__ import annotations

import dataclasses
import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from engines import backends, datasets, networks, registry, worker
from engines.calls import CallPolicy
from engines.contract import Network, Optimizer, Setup
from engines.errors import EngineError, OutOfMemoryError, UnsupportedError
from engines.frameworks import reference
from engines.protocol import SCRATCH, Case, Job
from engines.registry import ENGINES_FOLDER
from engines.run_record import Epoch, Inference, Phases, Training
from engines.timing import Policy
from tests.engines.listener import Listener

NETWORK = Network("mlp", 2, 8)
SETUP = Setup("tensorflow", NETWORK, batch_size=50)


class FitEngine(reference.Engine):
    def fit(self, clock: Any, *, seed: int, epoch_limit: int) -> None:
        for epoch in range(epoch_limit):
            clock.begin_epoch()
            self.train_epoch(np.random.default_rng([seed, epoch]).permutation(len(self._data.train_labels)))
            if clock.end_epoch(float(np.mean(self.step_losses()))):
                return


@pytest.fixture(autouse=True)
def _numpy_for_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, reference.Engine)
    monkeypatch.setattr(backends, "environment_variables", lambda setup, backend, scratch: {})


def provide(monkeypatch: pytest.MonkeyPatch, engine: type) -> None:
    module = ModuleType("engines.frameworks.tensorflow")
    module.Engine = engine  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


def job(**changes: Any) -> Job:
    dataset = datasets.describe("shuttle", train_samples=520, synthetic=True)
    policy = Policy(warmup_epochs=1, steady_epochs=4, min_steady_seconds=0.0)
    return dataclasses.replace(Job("train", SETUP, dataset, seed=4, policy=policy), **changes)


def train(**changes: Any) -> Training:
    document = worker.train(job(**changes), Listener())["training"]
    return Training(**{**document, "epochs": tuple(Epoch(**epoch) for epoch in document["epochs"])})


def test_a_result_says_how_much_work_an_epoch_was() -> None:
    training = train()
    assert training.parameters == networks.parameters(NETWORK)
    assert training.steps_per_epoch == 10  # 520 samples in batches of 50: the last 20 are dropped
    assert training.flops_per_epoch == networks.flops_per_sample(NETWORK) * 500
    assert (len(training.epochs), training.warmup_epochs, training.order_from) == (5, 1, "harness")
    assert training.drift is not None
    assert training.settings == {"ties": "first"}


def infer(**changes: Any) -> dict[str, Any]:
    few = CallPolicy(warmup_calls=2, warmup_seconds=0.0, min_calls=20, min_seconds=0.0)
    setup = dataclasses.replace(SETUP, task="infer")
    return worker.infer(job(**{"kind": "infer", "setup": setup, "calls": few, **changes}), Listener())


def test_a_network_that_is_asked_gives_the_distribution_of_its_calls() -> None:
    found = infer()
    inference = Inference(**found["inference"])
    assert (inference.calls, inference.warmup_calls) == (20, 2)
    assert list(inference.quantiles) == sorted(inference.quantiles)
    assert inference.flops_per_call == networks.flops_per_call(NETWORK, SETUP.batch_size)
    assert inference.seconds >= 20 * inference.quantiles[0]
    assert found["phases"].keys() == {"import_seconds", "data_seconds", "build_seconds", "compile_seconds"}


def test_a_call_that_returns_too_early_is_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Promise(np.ndarray):
        pass

    class Lazy(reference.Engine):
        def predict(self, inputs: Any) -> Any:
            return super().predict(inputs).view(Promise)

    provide(monkeypatch, Lazy)
    with pytest.raises(EngineError, match="may be lazy"):
        infer()


def test_training_learns_and_is_repeatable() -> None:
    policy = Policy(warmup_epochs=1, steady_epochs=15, min_steady_seconds=0.0)
    setup = dataclasses.replace(SETUP, optimizer=Optimizer(learning_rate=0.1))
    one, other = train(policy=policy, setup=setup), train(policy=policy, setup=setup)
    losses = [epoch.loss for epoch in one.epochs]
    assert losses == [epoch.loss for epoch in other.epochs]
    assert losses[-1] is not None
    assert losses[0] is not None
    assert losses[-1] < 0.8 * losses[0]
    assert one.test_accuracy is not None
    assert one.test_accuracy > 0.5


def test_phases_are_those_of_the_record() -> None:
    result = worker.train(job(), Listener())
    phases = Phases(**result["phases"])
    assert min(phases.import_seconds, phases.data_seconds, phases.build_seconds, phases.evaluation_seconds) > 0


def test_memory_is_read_while_the_process_lives() -> None:
    assert train().peak_rss_bytes > 10 * 2**20


class Tensorflow:
    """As much of it as counts a GPU's memory."""

    def __init__(self) -> None:
        self.config = self.experimental = self

    def get_memory_info(self, device: str) -> dict[str, int]:
        return {"GPU:0": {"current": 5, "peak": 7}}[device]


class Jax:
    def __init__(self, stats: dict[str, int] | None) -> None:
        self.stats = stats

    def devices(self) -> list[Jax]:
        return [self]

    def memory_stats(self) -> dict[str, int] | None:
        return self.stats


class Torch:
    def __init__(self) -> None:
        self.cuda = self

    def max_memory_allocated(self) -> int:
        return 11


@pytest.mark.parametrize(
    ("slug", "module", "peak"),
    [
        ("tensorflow", Tensorflow(), 7),
        ("keras-jax", Jax({"peak_bytes_in_use": 9}), 9),
        ("jax", Jax(None), None),
        ("keras-torch", Torch(), 11),
        ("theano", object(), None),
    ],
)
def test_memory_on_a_gpu_is_what_its_framework_counted(
    slug: str, module: Any, peak: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, registry.find(slug).backend, module)
    setup = dataclasses.replace(SETUP, engine=slug)
    assert worker.peak_device_bytes(dataclasses.replace(setup, device="gpu")) == peak
    assert worker.peak_device_bytes(setup) is None


def test_events_tell_how_far_it_is() -> None:
    listener = Listener()
    worker.train(job(), listener)
    assert [event["event"] for event in listener.events] == ["phase", "phase", *["epoch"] * 5]


def test_an_engine_that_shuffles_by_itself_is_recorded_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    provide(monkeypatch, FitEngine)
    training = train()
    assert training.order_from == "framework"
    assert len(training.epochs) == 5


def test_a_run_of_one_epoch_has_a_steady_one() -> None:
    training = train(policy=Policy(warmup_epochs=3, steady_epochs=1, min_steady_seconds=0.0, epoch_limit=1))
    assert training.warmup_epochs == 0
    assert len(training.steady_epochs) == 1


def test_a_training_job_without_data_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="needs a data set"):
        worker.train(job(dataset=None), Listener())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("RESOURCE_EXHAUSTED: failed to allocate"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("CUDA error: out of memory"),
        ValueError("Unable to allocate 4.00 TiB for an array"),
    ],
)
def test_memory_that_runs_out_is_recognised_in_a_framework_s_words(error: Exception) -> None:
    failure = worker.as_engine_error(error)
    assert isinstance(failure, OutOfMemoryError)
    assert failure.status == "out_of_memory"


def test_any_other_failure_is_a_crash_with_its_type_and_words() -> None:
    failure = worker.as_engine_error(KeyError("conv2d"))
    assert (type(failure), failure.status, str(failure)) == (EngineError, "crashed", "KeyError: 'conv2d'")


def test_an_engine_s_own_error_stays_itself() -> None:
    error = UnsupportedError("No GPU.")
    assert worker.as_engine_error(error) is error


def test_threads_are_set_before_the_framework_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(backends, "environment_variables", lambda setup, backend, scratch: {"OMP_NUM_THREADS": "3"})
    monkeypatch.setattr(os, "environ", dict(os.environ))
    original = importlib.import_module

    def note(name: str, package: str | None = None) -> ModuleType:
        seen.append(os.environ.get("OMP_NUM_THREADS"))
        return original(name, package)

    monkeypatch.setattr(importlib, "import_module", note)
    worker.make_engine(SETUP)
    assert seen == ["3"]


def test_the_canary_s_job_gives_the_rates_that_records_keep() -> None:
    result = worker.canary(Job("canary", dataclasses.replace(SETUP, engine="")), Listener())
    assert 0 < result["gflops"] <= result["peak_gflops"]


def test_the_gate_checks_the_other_networks_where_an_engine_refuses_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoConvolutions(reference.Engine):
        def __init__(self, setup: Setup) -> None:
            if setup.network.type == "cnn":
                raise UnsupportedError("No convolutions.")
            super().__init__(setup)

    provide(monkeypatch, NoConvolutions)
    asked = job(kind="verify", cases=(Case(Network("cnn", 1, 2)), Case(Network("mlp", 1, 2))))
    refused, checked = worker.verify(asked, Listener())["reports"]
    assert refused == {"unsupported": "No convolutions."}
    assert checked["passed"]


def test_the_gate_tells_of_each_network_that_a_backend_has_no_such_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    setup = dataclasses.replace(SETUP, engine="theano", device="gpu")
    asked = job(kind="verify", setup=setup, cases=(Case(Network("mlp", 1, 2)), Case(Network("mlp", 2, 2))))
    told = worker.verify(asked, Listener())["reports"]
    assert len(told) == 2
    assert all("No GPU build of Theano" in each["unsupported"] for each in told)


def test_the_gate_sets_threads_before_its_reference_imports_numpy() -> None:
    """In a fresh interpreter: NumPy reads them once."""
    code = "import sys; from engines import backends, worker; from engines.protocol import Job\n"
    code += "from engines.contract import Network, Setup\n"
    code += "backends.environment_variables = lambda *_: {'WAS_NUMPY_THERE': str('numpy' in sys.modules)}\n"
    code += "worker.verify(Job('verify', Setup('tensorflow', Network('mlp', 1, 2))), None)\n"
    code += "import os; print(os.environ['WAS_NUMPY_THERE'], 'numpy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ENGINES_FOLDER.parent, capture_output=True, text=True)
    assert answer.stdout.split() == ["False", "True"], answer.stderr


def test_a_worker_whose_host_died_before_it_handed_the_job_over_leaves_no_files(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "engines.worker", "--channel", "1"]
    environment = os.environ | {SCRATCH: str(scratch)}
    root = ENGINES_FOLDER.parent
    completed = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, cwd=root)
    assert (completed.returncode, completed.stderr) == (0, b"")
    assert not scratch.exists()


@pytest.mark.parametrize("network", [Network("mlp", 1, 8), Network("cnn", 1, 1)])
def test_networks_of_both_types_train_on_grey_images(network: Network) -> None:
    setup = dataclasses.replace(SETUP, network=network)
    training = train(setup=setup, dataset=datasets.describe("fashion-mnist-10k", train_samples=200))
    sample = datasets.sample_of("fashion-mnist-10k")
    assert training.parameters == networks.parameters(network, sample)
    assert training.flops_per_epoch == networks.flops_per_sample(network, sample) * 200
    assert training.test_accuracy is not None
