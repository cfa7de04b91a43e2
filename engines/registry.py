"""Which engines there are. Nothing here imports a framework."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from engines import networks, plug_ins
from engines.contract import NetworkType, Track
from engines.declarations import EngineInfo as EngineInfo
from engines.errors import UnsupportedError

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

_ALL = (
    EngineInfo("theano", "Theano", "th", "theano", "theano", "theano", "theano", tracks=_BOTH),
    EngineInfo("tensorflow", "TensorFlow", "tf", "tensorflow", "tensorflow", "tensorflow", "tensorflow", tracks=_BOTH),
    EngineInfo("jax", "JAX", "jax", "jax", "jax", "jax", "jax", tracks=_BOTH),
    EngineInfo("torch", "PyTorch", "pt", "torch", "torch", "torch", "torch", tracks=_BOTH),
    EngineInfo("keras-theano", "Keras · Theano", "kth", "keras", "theano", "theano", "keras", tracks=_BOTH),
    EngineInfo(
        "keras-tensorflow", "Keras · TensorFlow", "ktf", "keras", "tensorflow", "tensorflow", "keras", tracks=_BOTH
    ),
    EngineInfo("keras-jax", "Keras · JAX", "kjax", "keras", "jax", "jax", "keras", tracks=_BOTH),
    EngineInfo("keras-torch", "Keras · PyTorch", "kpt", "keras", "torch", "torch", "keras", tracks=_BOTH),
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


def _files_of(framework: str) -> list[Path]:
    layers = sorted((ENGINES_FOLDER / "layers").glob(f"{framework}*.py"))
    return [ENGINES_FOLDER / "frameworks" / f"{framework}.py", *layers]


@cache
def code_hash(slug: str, network_type: NetworkType) -> str:
    """Hash of the engine's own file and of what shapes its numbers on such networks: the identity of its code.

    No other backend's and no other architecture's file is in it, so that these can change and be added.
    """
    digest, info = hashlib.sha256(), find(slug)
    own = plug_ins.files_of(info) if info.is_plug_in else _files_of(info.framework)
    backend = ENGINES_FOLDER / "backends" / f"{info.backend}.py"
    own.append(backend if backend.is_file() else backend.with_name("plain.py"))
    shared = [ENGINES_FOLDER / name for name in _SHARED_FILES]
    for path in [*own, *networks.files_of(network_type), *shared]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
