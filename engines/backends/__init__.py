"""What belongs to a backend: what it needs before its import, how it starts, how one waits for it. One file each.

A backend that has no file here, as a plug-in's may, is taken as `plain` has it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from engines import gpus
from engines.backends import plain

if TYPE_CHECKING:
    from engines.contract import Setup


class Backend(Protocol):
    """What a module of this folder has. None imports its framework before `start`."""

    GPU_PACKAGES: tuple[str, ...]
    """Any of these shows that an environment's framework was built for GPUs; empty where its worker has to tell."""
    IMPORTS_AS_IT_IS: bool
    """Whether today's Pythons import it without the preparations that `start` makes."""
    COMPILES_LONGEST: bool
    """Asked first where engines go side by side."""
    KERAS_CONVOLVES: bool
    """Keras on it convolves where the others correlate: kernels are turned by 180 degrees."""

    def variables(self, setup: Setup, scratch: Path) -> dict[str, str]:
        """What to set before its import; `scratch` is where it keeps what it compiles."""

    def start(self, setup: Setup) -> Any:
        """Import it and return it. Raises UnavailableError or UnsupportedError if it cannot do what is asked."""

    def synchronize(self, framework: Any, setup: Setup, values: Callable[[], Iterable[Any]]) -> None:
        """Return when the device has done all that was asked of it; `values` are what it was asked for."""

    def peak_device_bytes(self, framework: Any) -> int | None:
        """The most that it held on its GPU, by its own count; None if it does not count."""

    def gpu_remedy(self, install_command: Callable[[], str]) -> str:
        """Why an environment cannot use a GPU, and what to type: asked for where there is a build to install."""

    def may_have_gpus(self, version: str) -> bool:
        """Whether a build that a user chose may use GPUs that no package shows; "" is an unknown version."""

    def keras_image_format(self, setup: Setup) -> str:
        """`channels_last` or `channels_first`, for Keras on it."""

    def keras_compile_choices(self, setup: Setup, steps: int, *, has_convolutions: bool) -> dict[str, Any]:
        """What Keras' `compile` is told in the tuned track, by what was measured: see docs/engines/."""

    def keras_placed(self, framework: Any, setup: Setup, array: Any) -> Any:
        """In the tuned track, training data as what makes Keras' `fit` faster."""

    KERAS_PREDICTOR: str
    """What `keras_predictor` is, in the framework's own words."""

    def keras_predictor(self, framework: Any, model: Any) -> Callable[[Any], Any]:
        """In the tuned track, a trained Keras model as its backend's guide calls one that is to answer fast."""

    def keras_settings(self, framework: Any) -> Mapping[str, str]:
        """What a record says of it beside Keras' own settings."""


def of(name: str) -> Backend:
    return _own_file(name) or cast(Backend, plain)


@cache
def _own_file(name: str) -> Backend | None:
    module = f"{__name__}.{name}"
    return cast(Backend, importlib.import_module(module)) if find_spec(module) else None


def environment_variables(setup: Setup, backend: str, scratch: Path) -> dict[str, str]:
    """What to set before the import of `backend`; `scratch` is where it keeps what it compiles."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(setup.threads))
    keras = {"KERAS_BACKEND": backend, "KERAS_HOME": str(scratch / "keras")}
    visible = gpus.visible(setup.device_index if setup.device == "gpu" else None)
    no_tf32 = {"NVIDIA_TF32_OVERRIDE": "0"}  # it is no float32
    return threads | visible | no_tf32 | keras | of(backend).variables(setup, scratch)


def start(setup: Setup, backend: str) -> Any:
    """Import `backend` and return it; raises UnavailableError or UnsupportedError if it cannot do what is asked."""
    own = _own_file(backend)
    return own.start(setup) if own else importlib.import_module(backend)
