"""PyTorch as a backend."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines import gpus
from engines.backends.needs import build_to_install, no_gpu, require_compiler

if TYPE_CHECKING:
    from engines.contract import Setup

GPU_PACKAGES = ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13")
IMPORTS_AS_IT_IS = True
COMPILES_LONGEST = False
_COMPILED = "TORCHINDUCTOR_CACHE_DIR"


def device(setup: Setup) -> str:
    """Its name for the device. Which GPU is chosen before the import; it is then the only one that is seen."""
    return gpus.device_name("torch") if setup.device == "gpu" else "cpu"


def variables(setup: Setup, scratch: Path) -> dict[str, str]:
    return {
        _COMPILED: str(scratch / "inductor"),
        "TORCHINDUCTOR_COMPILE_THREADS": str(setup.threads),
        "KERAS_TORCH_DEVICE": device(setup),  # else it takes whatever it finds
    }


def start(setup: Setup) -> Any:
    if setup.track == "tuned":
        require_compiler("PyTorch's tuned track")
    torch = importlib.import_module("torch")
    if setup.device == "gpu" and not torch.cuda.is_available():
        raise no_gpu("torch")
    torch.set_num_threads(setup.threads)
    if torch.get_num_interop_threads() != setup.threads:  # can be set only once, before any work
        torch.set_num_interop_threads(setup.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch


def keep_headers() -> None:
    """To be called before `torch.compile`: what it compiles of C++ headers is kept where all else is that it compiled.

    By itself it keeps them in the folder of temporary files, for its user's other processes. A worker has such a folder
    of its own, that goes with it: every run would compile them anew.
    """
    codecache: Any = importlib.import_module("torch._inductor.codecache")
    codecache._HEADER_DIR = str(Path(os.environ[_COMPILED]) / "precompiled_headers")


def synchronize(framework: Any, setup: Setup, values: Callable[[], Iterable[Any]]) -> None:
    if setup.device == "gpu":
        framework.cuda.synchronize()


def peak_device_bytes(framework: Any) -> int | None:
    return int(framework.cuda.max_memory_allocated())


gpu_remedy = partial(build_to_install, "torch")


def may_have_gpus(version: str) -> bool:
    """A CPU build names itself one: 2.13.0+cpu."""
    return bool(version) and not version.endswith("+cpu")


# ---------------------------------------------------------------- Keras on it

KERAS_CONVOLVES = False


def keras_image_format(setup: Setup) -> str:
    """Tuned, PyTorch's own order."""
    return "channels_first" if setup.track == "tuned" else "channels_last"


def keras_compile_choices(setup: Setup, steps: int, *, has_convolutions: bool) -> dict[str, Any]:
    """It refuses more than one step per execution."""
    if has_convolutions and setup.device == "cpu":
        return {}
    keep_headers()
    return {"jit_compile": True}


def keras_placed(framework: Any, setup: Setup, array: Any) -> Any:
    return framework.as_tensor(array, device=device(setup))


KERAS_PREDICTOR = "model(x), torch.inference_mode"


def keras_predictor(framework: Any, model: Any) -> Callable[[Any], Any]:
    def ask(inputs: Any) -> Any:
        with framework.inference_mode():
            return model(inputs, training=False).cpu().numpy()

    return ask


def keras_settings(framework: Any) -> dict[str, str]:
    return {"num_threads": str(framework.get_num_threads())}
