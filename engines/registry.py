"""Which engines there are. Nothing here imports a framework."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from engines import networks, plug_ins
from engines.contract import NetworkType, Track
from engines.declarations import EngineInfo as EngineInfo
from engines.declarations import Replication
from engines.errors import UnsupportedError
from engines.networks.kinds import BatchNormalisation

ENGINES_FOLDER = Path(__file__).parent
# What every engine's numbers depend on, beside its own file: a change here makes old runs another engine's.
_SHARED_FILES = (
    "backends/__init__.py",
    "backends/needs.py",
    "calls.py",
    "evaluation.py",
    "optimizers.py",
    "timing.py",
)

_BOTH: tuple[Track, ...] = ("idiomatic", "tuned")

_ON_DEVICES = Replication("devices", _BOTH)
_IN_RANKS = Replication("ranks", ("idiomatic",))
_NOT_ON_THEANO = Replication(why_not="Theano has no means to train several replicas.")

_ALL = (
    EngineInfo(
        "theano", "Theano", "th", "theano", "theano", "theano", "theano", tracks=_BOTH, replication=_NOT_ON_THEANO
    ),
    EngineInfo(
        "tensorflow",
        "TensorFlow",
        "tf",
        "tensorflow",
        "tensorflow",
        "tensorflow",
        "tensorflow",
        _BOTH,
        replication=_IN_RANKS,
    ),
    EngineInfo("jax", "JAX", "jax", "jax", "jax", "jax", "jax", tracks=_BOTH, replication=_ON_DEVICES),
    EngineInfo("torch", "PyTorch", "pt", "torch", "torch", "torch", "torch", tracks=_BOTH, replication=_IN_RANKS),
    EngineInfo(
        "keras-theano", "Keras · Theano", "kth", "keras", "theano", "theano", "keras", _BOTH, replication=_NOT_ON_THEANO
    ),
    EngineInfo(
        "keras-tensorflow",
        "Keras · TensorFlow",
        "ktf",
        "keras",
        "tensorflow",
        "tensorflow",
        "keras",
        tracks=_BOTH,
        replication=Replication(why_not="Keras' fit fails under TensorFlow's MultiWorkerMirroredStrategy."),
    ),
    EngineInfo(
        "keras-jax", "Keras · JAX", "kjax", "keras", "jax", "jax", "keras", tracks=_BOTH, replication=_ON_DEVICES
    ),
    EngineInfo(
        "keras-torch",
        "Keras · PyTorch",
        "kpt",
        "keras",
        "torch",
        "torch",
        "keras",
        tracks=_BOTH,
        replication=Replication(
            why_not="Under DistributedDataParallel, Keras' results differ by 1.5e-8 from the reference's: why "
            "is not known yet."
        ),
    ),
    EngineInfo(
        "onnxruntime",
        "ONNX Runtime",
        "ort",
        "onnxruntime",
        "onnxruntime",
        "onnxruntime",
        "onnxruntime",
        devices=("cpu",),
        tasks=("infer",),
        replication=Replication(why_not="It does not train networks."),
    ),
)
_FOUND = plug_ins.found(_ALL)
PROBLEMS: tuple[str, ...] = _FOUND.problems
"""Why engines of other packages are left out: a sentence for each."""
ENGINES: dict[str, EngineInfo] = {engine.slug: engine for engine in (*_ALL, *_FOUND.engines)}
BY_ABBREVIATION: dict[str, EngineInfo] = {engine.abbreviation: engine for engine in ENGINES.values()}


def find(name: str) -> EngineInfo:
    """By slug or abbreviation; raises UnsupportedError naming the known ones."""
    engine = ENGINES.get(name) or BY_ABBREVIATION.get(name)
    if engine is None:
        known = ", ".join(f"{info.slug} ({info.abbreviation})" for info in ENGINES.values())
        raise UnsupportedError(" ".join([f"There is no engine {name!r}. Known engines: {known}.", *PROBLEMS]))
    return engine


def _normalises_batches(network_type: NetworkType) -> bool:
    made_of = networks.every(networks.layers(networks.of_type(network_type).gate[0]))
    return any(isinstance(layer, BatchNormalisation) for layer in made_of)


def why_no_replicas(info: EngineInfo, network_type: NetworkType, track: Track) -> str:
    """Why such networks cannot be trained on several replicas in this track; empty if they can."""
    own = info.replication
    if own.kind == "no":
        return own.why_not
    if track not in own.tracks:
        return f"It trains replicas in the track {', '.join(own.tracks)} alone."
    if own.kind == "ranks" and _normalises_batches(network_type):
        return "Each replica would normalise by its own share of a batch, not by the batch."
    return ""


def _files_of(framework: str) -> list[Path]:
    layers = sorted((ENGINES_FOLDER / "layers").glob(f"{framework}*.py"))
    return [ENGINES_FOLDER / "frameworks" / f"{framework}.py", *layers]


_OF_REPLICAS = ("clock.py", "equality.py", "ranks.py", "shares.py", "starting.py", "variables.py")


@cache
def code_hash(slug: str, network_type: NetworkType, *, with_replicas: bool = False) -> str:
    """Hash of the engine's own file and of what shapes its numbers on such networks: the identity of its code.

    No other backend's and no other architecture's file is in it, so that these can change and be added; what trains
    several replicas is in it where there are several.
    """
    digest, info = hashlib.sha256(), find(slug)
    own = plug_ins.files_of(info) if info.is_plug_in else _files_of(info.framework)
    backend = ENGINES_FOLDER / "backends" / f"{info.backend}.py"
    own.append(backend if backend.is_file() else backend.with_name("plain.py"))
    shared = [ENGINES_FOLDER / name for name in _SHARED_FILES]
    if with_replicas and info.replication.kind != "no":
        own += [ENGINES_FOLDER / "replicas" / name for name in (f"{info.framework}.py", *_OF_REPLICAS)]
    for path in [*own, *networks.files_of(network_type), *shared]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
