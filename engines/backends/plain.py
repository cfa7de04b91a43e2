"""A backend of which nothing more is known, as NumPy or a plug-in's: its worker has to tell what it can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.contract import Setup

GPU_PACKAGES: tuple[str, ...] = ()
IMPORTS_AS_IT_IS = True
COMPILES_LONGEST = False
KERAS_CONVOLVES = False


def variables(setup: Setup, scratch: Path) -> dict[str, str]:
    return {}


def synchronize(framework: Any, setup: Setup, values: Callable[[], Iterable[Any]]) -> None:
    """It never returns early, as far as is known."""


def peak_device_bytes(framework: Any) -> int | None:
    return None


def gpu_remedy(install_command: Callable[[], str]) -> str:
    return f"No GPU build is installed. Type: {install_command()}"


def may_have_gpus(version: str) -> bool:
    return True


def keras_image_format(setup: Setup) -> str:
    return "channels_last"


def keras_compile_choices(setup: Setup, steps: int, *, has_convolutions: bool) -> dict[str, Any]:
    return {}


def keras_placed(framework: Any, setup: Setup, array: Any) -> Any:
    return array


KERAS_PREDICTOR = "predict_on_batch"


def keras_predictor(framework: Any, model: Any) -> Callable[[Any], Any]:
    return model.predict_on_batch  # type: ignore[no-any-return]


def keras_settings(framework: Any) -> dict[str, str]:
    return {}
