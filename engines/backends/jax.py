"""JAX as a backend."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.backends.needs import build_to_install, no_gpu

if TYPE_CHECKING:
    from engines.contract import Setup

GPU_PACKAGES = ("jax-cuda12-plugin", "jax-cuda13-plugin")
IMPORTS_AS_IT_IS = True
COMPILES_LONGEST = False
# By default XLA hands a CPU's convolutions to a library (YNNPACK) that takes two to three times as long as its own
# kernels; this leaves the library the matrix products alone.
_OWN_CONVOLUTIONS = "--xla_cpu_experimental_ynn_fusion_type=individual_dot"


def variables(setup: Setup, scratch: Path) -> dict[str, str]:
    on_gpu = setup.device == "gpu"
    found = {
        "JAX_PLATFORMS": "" if on_gpu else "cpu",  # empty: whatever there is, and `start` looks
        "JAX_ENABLE_X64": str(int(setup.dtype == "float64")),
        "NPROC": str(setup.threads),  # beside the affinity mask, all that XLA's thread pool obeys
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    if on_gpu:
        found["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"  # no TF32
    elif setup.track == "tuned":
        found["XLA_FLAGS"] = _OWN_CONVOLUTIONS
    return found


def start(setup: Setup) -> Any:
    jax = importlib.import_module("jax")
    if setup.device == "gpu" and jax.default_backend() != "gpu":
        raise no_gpu("jax")
    return jax


def synchronize(framework: Any, setup: Setup, values: Callable[[], Iterable[Any]]) -> None:
    framework.block_until_ready(values())


def peak_device_bytes(framework: Any) -> int | None:
    peak: int | None = (framework.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    return peak


gpu_remedy = partial(build_to_install, "jax")


def may_have_gpus(version: str) -> bool:
    return bool(version)


# ---------------------------------------------------------------- Keras on it

KERAS_CONVOLVES = False


def keras_image_format(setup: Setup) -> str:
    return "channels_last"


def keras_compile_choices(setup: Setup, steps: int, *, has_convolutions: bool) -> dict[str, Any]:
    return {"steps_per_execution": steps}


def keras_placed(framework: Any, setup: Setup, array: Any) -> Any:
    return framework.numpy.asarray(array) if setup.device == "gpu" else array


KERAS_PREDICTOR = "jax.jit of stateless_call"


def keras_predictor(framework: Any, model: Any) -> Callable[[Any], Any]:
    """Jitted over the model's state, as Keras' guide for JAX has it; `fit` gives the old state's memory up."""
    call = framework.jit(lambda *given: model.stateless_call(*given, training=False)[0])
    both = (model.trainable_variables, model.non_trainable_variables)
    return lambda inputs: call(*([each.value for each in variables] for variables in both), inputs)


def keras_settings(framework: Any) -> dict[str, str]:
    precision = str(framework.config.jax_default_matmul_precision)
    return {"XLA_FLAGS": os.environ.get("XLA_FLAGS", "not set"), "jax_default_matmul_precision": precision}
