"""Every engine in its real environment: it learns, it does the reference's work, and it keeps to its threads."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from engines import registry
from engines.contract import Optimizer

ROOT = Path(__file__).parents[2]
ENGINES = sorted(
    slug for slug, info in registry.ENGINES.items() if not info.is_plug_in and info.tasks == ("train", "infer")
)
KERAS = [slug for slug in ENGINES if registry.find(slug).is_keras]
SUBJECTS = [(slug, track) for slug in ENGINES for track in registry.find(slug).tracks]
each_subject = pytest.mark.parametrize(("slug", "track"), SUBJECTS, ids=["-".join(subject) for subject in SUBJECTS])
DTYPES = ("float64", "float32")
NETWORKS = ("MLP 2x25", "CNN 2x1")
FASTEST_FALL = 0.95
# What a trial may compute, cold compilers included; on a busy machine that takes any time. Beyond the other it hangs.
MOST_CPU_SECONDS = 1200
HUNG_SECONDS = 3600
# A background thread may help a little; a second training thread would show as nearly 2.
ONE_THREAD = 1.4
# JAX carries a step out on a thread of its own while Keras, in Python, readies the next: 1.4 on a quiet machine.
ONE_THREAD_BESIDE_PYTHON = 1.7

# Runs in the engine's own interpreter. The last line of its output is what it found.
TRIAL = """
import dataclasses, importlib, json, os, sys, time
from pathlib import Path
from engines import backends, networks, registry
from engines.contract import Network, Optimizer, SampleShape, SelfDrivenEngine, Setup, TrainingData

slug, track, dtype, scratch = *sys.argv[1:4], Path(sys.argv[4])
setup = Setup(slug, Network("mlp", 2, 25), track=track, dtype=dtype, optimizer=Optimizer(learning_rate=1e-2))
info = registry.find(slug)
os.environ.update(backends.environment_variables(setup, info.backend, scratch))
if quicken := getattr(backends.of(info.backend), "quicken", None):  # as the gate does: Theano compiles for minutes
    quicken(setup)
Engine = importlib.import_module("engines.frameworks." + info.framework).Engine
import numpy as np
from engines import equivalence

class Clock:
    def __init__(self): self.begun, self.losses = 0, []
    def begin_epoch(self): self.begun += 1
    def end_epoch(self, loss): self.losses.append(loss); return len(self.losses) == 3

def train(setup, samples):
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((samples, *networks.input_shape(setup.network)), dtype=np.float32)
    labels = generator.integers(0, 2, samples)
    inputs += labels.reshape(samples, *[1] * (inputs.ndim - 1)).astype(np.float32)
    engine = Engine(setup)
    engine.build(networks.initial_weights(setup.network, 0), TrainingData(inputs, labels, inputs, labels))
    engine.compile()
    found = {"before": dataclasses.asdict(engine.evaluate())}
    wall, cpu, losses = time.perf_counter(), time.process_time(), []
    for _ in range(4):
        engine.train_epoch(generator.permutation(samples))
        engine.synchronize()
        losses.append(float(np.mean(engine.step_losses())))
    found["threads"] = (time.process_time() - cpu) / (time.perf_counter() - wall)
    found |= {"losses": losses, "steps": len(engine.step_losses()), "after": dataclasses.asdict(engine.evaluate())}
    if isinstance(engine, SelfDrivenEngine):
        clock = Clock()
        engine.fit(clock, seed=1, epoch_limit=10)
        found["fit"] = {"begun": clock.begun, "losses": clock.losses}
    return found | {"settings": dict(engine.settings())}

found = {}
for network, samples in ((Network("mlp", 2, 25), 10_050), (Network("cnn", 2, 1), 1_050)):
    this = dataclasses.replace(setup, network=network)
    found[str(network)] = {"gate": dataclasses.asdict(equivalence.check(Engine, this))}
    if dtype == "float32":
        found[str(network)] |= train(this, samples)
if dtype == "float64":
    grey = dataclasses.replace(setup, network=Network("cnn", 1, 1), sample=SampleShape((28, 28, 1), 10))
    found["grey images"] = {"gate": dataclasses.asdict(equivalence.check(Engine, grey))}
    for optimizer in (Optimizer(momentum=0.9), Optimizer("adam")):
        this = dataclasses.replace(setup, optimizer=optimizer)
        found[str(optimizer)] = {"gate": dataclasses.asdict(equivalence.check(Engine, this))}
print(json.dumps(found))
"""

# One family and optimizer after the other, each once: `engines verify` checks all of them in both element types.
FAMILIES = """
import dataclasses, importlib, json, os, sys
from pathlib import Path
from engines import backends, networks, registry
from engines.contract import Network, Optimizer, SampleShape, Setup

slug, track, dtype, scratch = *sys.argv[1:4], Path(sys.argv[4])
info = registry.find(slug)
setup = Setup(slug, Network("mlp", 1, 2), track=track, dtype=dtype)
os.environ.update(backends.environment_variables(setup, info.backend, scratch))
if quicken := getattr(backends.of(info.backend), "quicken", None):  # as the gate does: Theano compiles for minutes
    quicken(setup)
Engine = importlib.import_module("engines.frameworks." + info.framework).Engine
from engines import equivalence

found = {}
optimizers = {"resnet": Optimizer(momentum=0.9), "transformer": Optimizer("adam")}
for name in ("resnet", "lstm", "gru", "transformer"):
    family = networks.of_type(name)
    this = dataclasses.replace(setup, network=family.gate[0], optimizer=optimizers.get(name, Optimizer()))
    # Small images, so few steps: Theano compiles each of them.
    sample = None if family.takes == "tokens" else SampleShape((8, 8, 1), 10)
    this = dataclasses.replace(this, batch_size=family.gate_batch_size, sample=sample)
    gate = dataclasses.asdict(equivalence.check(Engine, this))
    asked = dataclasses.replace(this, task="infer", optimizer=Optimizer())
    found[name] = {"gate": gate, "scores": dataclasses.asdict(equivalence.check(Engine, asked))}
print(json.dumps(found))
"""


def interpreter(slug: str) -> Path:
    return ROOT / ".environments" / registry.find(slug).environment / "bin" / "python"


def run_trial(slug: str, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(interpreter(slug)), "-W", "ignore", "-c", script, slug, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=HUNG_SECONDS,
        preexec_fn=partial(resource.setrlimit, resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS)),
        check=False,
    )


def scratch(dtype: str = "float32") -> str:
    """One per element type, whose trials run one after the other, so that Theano's lock holds nobody up.

    In pytest's cache, which `pytest --cache-clear` empties: Theano compiles for minutes, and only once.
    """
    folder = ROOT / ".pytest_cache" / "d" / f"engines-{dtype}"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


@cache
def lane(dtype: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1)


@cache
def started(slug: str, track: str, dtype: str) -> Future[Any]:
    return lane(dtype).submit(finished, slug, track, dtype)


def finished(slug: str, track: str, dtype: str, script: str = TRIAL) -> Any:
    completed = run_trial(slug, script, track, dtype, scratch(dtype))
    assert completed.returncode == 0, completed.stderr[-2000:]
    return json.loads(completed.stdout.splitlines()[-1])


def trial(slug: str, track: str, dtype: str = "float32") -> Any:
    """What the trial found; both element types start side by side, for the sake of time."""
    return {each: started(slug, track, each) for each in DTYPES}[dtype].result()


@pytest.mark.engine
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("dtype", DTYPES)
@each_subject
def test_an_engine_does_the_references_work(slug: str, track: str, dtype: str, network: str) -> None:
    gate = trial(slug, track, dtype)[network]["gate"]
    assert gate["passed"], gate
    assert [check["data"] for check in gate["checks"]] == ["random", "flat"]


@pytest.mark.engine
@pytest.mark.parametrize("optimizer", [Optimizer(momentum=0.9), Optimizer("adam")], ids=["momentum", "adam"])
@each_subject
def test_every_track_steps_as_the_reference_does(slug: str, track: str, optimizer: Optimizer) -> None:
    """In float64, where what a step computes shows: some frameworks take other constants there."""
    gate = trial(slug, track, "float64")[str(optimizer)]["gate"]
    assert gate["passed"], gate


FAMILY_DTYPES = {"idiomatic": "float64", "tuned": "float32"}


@cache
def families_started(slug: str, track: str) -> Future[Any]:
    dtype = FAMILY_DTYPES[track]
    return lane(dtype).submit(finished, slug, track, dtype, FAMILIES)


def family_trial(slug: str, track: str) -> Any:
    """Idiomatic in float64, tuned in float32: both start side by side, for the sake of time."""
    started = {str(each): families_started(slug, each) for each in registry.find(slug).tracks}
    return started[track].result()


@pytest.mark.engine
@pytest.mark.parametrize("family", ["resnet", "lstm", "gru", "transformer"])
@each_subject
def test_an_engine_does_the_references_work_on_each_family(slug: str, track: str, family: str) -> None:
    gate = family_trial(slug, track)[family]["gate"]
    assert gate["passed"], gate


@pytest.mark.engine
@pytest.mark.parametrize("family", ["resnet", "lstm", "gru", "transformer"])
@each_subject
def test_an_engine_that_is_asked_gives_the_references_scores(slug: str, track: str, family: str) -> None:
    """Batches and a single sample; batch normalisation goes by its running statistics."""
    gate = family_trial(slug, track)[family]["scores"]
    assert [check["check"] for check in gate["checks"]] == ["scores"]
    assert gate["passed"], gate


SCORES = """
import dataclasses, importlib, json, sys
from engines import equivalence, networks, registry
from engines.contract import Setup
from engines.errors import UnsupportedError

slug = sys.argv[1]
Engine = importlib.import_module("engines.frameworks." + registry.find(slug).framework).Engine
found = {}
for name in networks.ARCHITECTURES:
    for dtype in ("float64", "float32"):
        setup = Setup(slug, networks.of_type(name).gate[0], dtype=dtype, task="infer")
        try:
            found[name + " " + dtype] = dataclasses.asdict(equivalence.check(Engine, setup))["passed"]
        except UnsupportedError as error:
            found[name + " " + dtype] = str(error)
print(json.dumps(found))
"""


@pytest.mark.engine
def test_onnx_runtime_gives_the_references_scores() -> None:
    """As it is timed, for every family; in float64 for those that it has kernels for, and the others say so."""
    completed = run_trial("onnxruntime", SCORES)
    assert completed.returncode == 0, completed.stderr[-2000:]
    found = json.loads(completed.stdout.splitlines()[-1])
    as_timed = {name for name in found if name.endswith("float32")}
    assert len(as_timed) == 6
    assert all(found[name] is True for name in (*as_timed, "mlp float64"))
    assert all(found[name] is True or "no kernel" in found[name] for name in found)


@pytest.mark.engine
@each_subject
def test_an_engine_does_the_references_work_on_grey_images(slug: str, track: str) -> None:
    gate = trial(slug, track, "float64")["grey images"]["gate"]
    assert gate["passed"], gate


@pytest.mark.engine
@each_subject
def test_an_engine_says_what_it_does_where_pooling_ties(slug: str, track: str) -> None:
    flat = trial(slug, track, "float64")["CNN 2x1"]["gate"]["checks"][1]
    assert flat["ties"] in ("each", "once")
    if registry.find(slug).backend in ("theano", "tensorflow"):
        assert flat["ties"] == ("each" if registry.find(slug).backend == "theano" else "once")


@pytest.mark.engine
@pytest.mark.parametrize("network", NETWORKS)
@each_subject
def test_an_engine_learns(slug: str, track: str, network: str) -> None:
    found = trial(slug, track)[network]
    losses = found["losses"]
    assert losses == sorted(losses, reverse=True)
    assert found["after"]["loss"] < FASTEST_FALL * found["before"]["loss"]
    assert found["after"]["accuracy"] > found["before"]["accuracy"]


@pytest.mark.engine
@each_subject
def test_a_short_last_batch_is_dropped(slug: str, track: str) -> None:
    assert {name: found["steps"] for name, found in trial(slug, track).items()} == {"MLP 2x25": 100, "CNN 2x1": 10}


@pytest.mark.engine
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("slug", "track"), [subject for subject in SUBJECTS if subject[0] in KERAS])
def test_fit_goes_on_from_the_weights_and_stops_when_the_clock_has_enough(slug: str, track: str, network: str) -> None:
    found = trial(slug, track)[network]
    assert found["fit"]["begun"] == len(found["fit"]["losses"]) == 3
    assert found["fit"]["losses"][-1] < found["losses"][-1]


@pytest.mark.engine
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("slug", [slug for slug in KERAS if "tuned" in registry.find(slug).tracks])
def test_fit_does_the_same_steps_in_both_tracks(slug: str, network: str) -> None:
    """The gate goes batch by batch; what `fit` does with several steps at once shows in its losses."""
    idiomatic, tuned = (trial(slug, track)[network]["fit"]["losses"] for track in ("idiomatic", "tuned"))
    assert tuned == pytest.approx(idiomatic, rel=1e-3)


@pytest.mark.engine
@pytest.mark.parametrize("slug", [slug for slug in ENGINES if "tuned" in registry.find(slug).tracks])
def test_what_the_tuned_track_sets_is_told(slug: str) -> None:
    told = [[found["settings"] for found in trial(slug, track).values()] for track in ("idiomatic", "tuned")]
    assert told[0] != told[1]


@pytest.mark.engine
@each_subject
def test_one_thread_is_one_thread(slug: str, track: str) -> None:
    """By the framework's own settings alone: no affinity mask holds this trial."""
    most = ONE_THREAD_BESIDE_PYTHON if slug == "keras-jax" else ONE_THREAD
    for found in trial(slug, track).values():
        assert found["threads"] < most


THREADS = """
import importlib, json, os, sys
from pathlib import Path
from engines import backends, registry
from engines.contract import Network, Setup

setup = Setup(sys.argv[1], Network("mlp", 1, 2), threads=2)
os.environ.update(backends.environment_variables(setup, registry.find(setup.engine).backend, Path(sys.argv[2])))
engine = importlib.import_module("engines.frameworks." + registry.find(setup.engine).framework).Engine(setup)
print(json.dumps(dict(engine.settings())))
"""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("slug", "setting", "value"),
    [
        ("theano", "openmp", "True"),
        ("tensorflow", "intra_op_parallelism_threads", "2"),
        ("torch", "num_threads", "2"),
    ],
)
def test_a_framework_is_told_of_two_threads(slug: str, setting: str, value: str) -> None:
    completed = run_trial(slug, THREADS, scratch())
    assert json.loads(completed.stdout.splitlines()[-1])[setting] == value


JAX_BUILT = """
import logging, os, sys
from pathlib import Path
from engines import backends
from engines.contract import Network, Setup, TrainingData

setup = Setup(sys.argv[1], Network("mlp", 1, 2), track=sys.argv[2])
os.environ.update(backends.environment_variables(setup, "jax", Path(sys.argv[3])))
import jax, numpy as np
from engines import networks
from engines.frameworks.jax import Engine

inputs, labels = np.zeros((500, 8), np.float32), np.zeros(500, np.int64)
engine = Engine(setup)
engine.build(networks.initial_weights(setup.network, 0), TrainingData(inputs, labels, inputs, labels))
"""

COMPILED = f"""{JAX_BUILT}
logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
jax.config.update("jax_log_compiles", True)
engine.compile()
print("compiled")
engine.train_epoch(np.arange(500))
engine.synchronize()
"""


@pytest.mark.engine
@pytest.mark.parametrize("track", registry.find("jax").tracks)
def test_jax_trains_with_what_was_compiled_before(track: str) -> None:
    completed = run_trial("jax", COMPILED, track, scratch())
    assert completed.returncode == 0, completed.stderr[-2000:]
    before, after = completed.stdout.split("compiled\n", maxsplit=1)
    assert "Finished XLA compilation" in before
    assert "Compiling" not in after


LIVE = f"""{JAX_BUILT}
engine.compile()
before = len(jax.live_arrays())
engine.train_epoch(np.arange(500))
assert len(engine.step_losses()) == 5
print(len(jax.live_arrays()) - before)
"""


@pytest.mark.engine
@pytest.mark.parametrize("track", registry.find("jax").tracks)
def test_jax_frees_an_epochs_losses_when_they_are_read_not_in_the_next_epoch(track: str) -> None:
    completed = run_trial("jax", LIVE, track, scratch())
    assert completed.returncode == 0, completed.stderr[-2000:]
    assert completed.stdout.split() == ["0"]


@pytest.mark.engine
@pytest.mark.parametrize("slug", [slug for slug in ENGINES if registry.find(slug).backend == "torch"])
def test_headers_that_pytorch_compiled_are_there_for_the_next_run(slug: str) -> None:
    """They are kept with its kernels, not in the folder of temporary files that goes with each worker."""
    trial(slug, "tuned")
    assert list(Path(scratch(), "inductor", "precompiled_headers").glob("*.gch"))


REFUSAL = """
import importlib, os, sys
from pathlib import Path
from engines import backends, registry
from engines.contract import Network, Setup
from engines.errors import EngineError

setup = Setup(sys.argv[1], Network("mlp", 1, 2), device=sys.argv[2])
os.environ.update(backends.environment_variables(setup, registry.find(setup.engine).backend, Path(sys.argv[3])))
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
try:
    importlib.import_module("engines.frameworks." + registry.find(setup.engine).framework).Engine(setup)
except EngineError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("keras-theano", "UnsupportedError No GPU build of Theano"),
        ("tensorflow", "UnsupportedError No GPU seen. Install the GPU build with"),
        ("jax", "UnsupportedError No GPU seen. Install the GPU build with"),
        ("keras-torch", "UnsupportedError No GPU seen. Install the GPU build with"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused_with_the_reason(slug: str, text: str) -> None:
    """Each backend once: Keras and its backend are started by the same lines."""
    assert run_trial(slug, REFUSAL, "gpu", scratch()).stdout.splitlines()[-1].startswith(text)


@pytest.mark.engine
def test_theano_without_a_compiler_is_refused_with_what_to_type(tmp_path: Path) -> None:
    completed = run_trial("theano", REFUSAL, "cpu", str(tmp_path), PATH=str(tmp_path))
    assert completed.stdout.splitlines()[-1].startswith("UnavailableError")
    assert "apt-get install g++" in completed.stdout
