"""TensorFlow as a backend."""

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

GPU_PACKAGES = ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13")
IMPORTS_AS_IT_IS = True
COMPILES_LONGEST = False


def variables(setup: Setup, scratch: Path) -> dict[str, str]:
    return {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": str(setup.threads),
        "TF_NUM_INTEROP_THREADS": str(setup.threads),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        # By default on only where the CPU has AVX-512 VNNI; elsewhere CNNs would train 2.5 to 3.6 times slower.
        "TF_ENABLE_ONEDNN_OPTS": "1",
    }


def start(setup: Setup) -> Any:
    tensorflow = importlib.import_module("tensorflow")
    if setup.device == "gpu" and not tensorflow.config.list_physical_devices("GPU"):
        raise no_gpu("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(setup.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(setup.threads)
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    return tensorflow


def synchronize(framework: Any, setup: Setup, values: Callable[[], Iterable[Any]]) -> None:
    framework.test.experimental.sync_devices()


def peak_device_bytes(framework: Any) -> int | None:
    return int(framework.config.experimental.get_memory_info("GPU:0")["peak"])


gpu_remedy = partial(build_to_install, "tensorflow")


def may_have_gpus(version: str) -> bool:
    """The package tensorflow-cpu leaves the name `tensorflow` without a version."""
    return bool(version)


# ---------------------------------------------------------------- Keras on it

KERAS_CONVOLVES = False


def keras_image_format(setup: Setup) -> str:
    return "channels_last"


def keras_compile_choices(setup: Setup, steps: int, *, has_convolutions: bool) -> dict[str, Any]:
    return {"steps_per_execution": steps}


def keras_placed(framework: Any, setup: Setup, array: Any) -> Any:
    return array


KERAS_PREDICTOR = "tf.function of the model"


def keras_predictor(framework: Any, model: Any) -> Any:
    return framework.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)


def keras_settings(framework: Any) -> dict[str, str]:
    return {"TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "not set")}
