"""Theano as a backend."""

from __future__ import annotations

import gc
import importlib
import sys
import sysconfig
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines import gpus
from engines.backends import theano_headers
from engines.backends.needs import require_compiler
from engines.errors import UnavailableError, UnsupportedError

if TYPE_CHECKING:
    from engines.contract import Setup

GPU_PACKAGES = ("pygpu",)
IMPORTS_AS_IT_IS = False
COMPILES_LONGEST = True
_OBJECTS_BETWEEN_COLLECTIONS = 200_000
_SEQUENCE_ALIASES = ("Callable", "Hashable", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence")


def variables(setup: Setup, scratch: Path) -> dict[str, str]:
    return {"THEANO_FLAGS": _theano_flags(setup, scratch, _blas_flags(_site_packages(), sys.prefix))}


def _theano_flags(setup: Setup, scratch: Path, blas: str) -> str:
    flags = {
        "device": gpus.device_name("theano") if setup.device == "gpu" else "cpu",
        "floatX": setup.dtype,
        "openmp": str(setup.threads > 1),
        "allow_gc": str(setup.track == "idiomatic"),  # tuned keeps what a step allocates for the next one
        "base_compiledir": str(scratch / "theano"),
        "blas.ldflags": blas,
    }
    _require_plain_path(flags["base_compiledir"])
    return ",".join(f"{name}={value}" for name, value in flags.items())


def _require_plain_path(path: str) -> None:
    """Theano splits its flags at commas and the linker's at spaces, and knows no quotes."""
    if "," in path or " " in path:
        raise UnavailableError(f"Theano cannot use the path {path!r}: choose one without spaces and commas.")


def _blas_flags(site_packages: Path, prefix: str) -> str:
    """Linker flags of an OpenBLAS with plain symbols: SciPy's own copy, else the interpreter's, else none."""
    for library in sorted((site_packages / "scipy.libs").glob("libopenblas*.so")):
        return _link(library)
    for name in ("libopenblas.so", "libblas.so"):
        library = Path(prefix) / "lib" / name
        if library.exists():
            return _link(library)
    return ""


def _link(library: Path) -> str:
    _require_plain_path(str(library))
    return f"-L{library.parent} -l{library.stem.removeprefix('lib')}"


def _site_packages() -> Path:
    """Where SciPy is installed, found without importing it."""
    spec = find_spec("scipy")
    if spec is None or spec.origin is None:
        return Path(sysconfig.get_path("purelib"))
    return Path(spec.origin).parent.parent


def start(setup: Setup) -> Any:
    if setup.device == "gpu" and find_spec("pygpu") is None:
        raise UnsupportedError(
            "No GPU build of Theano: its GPU library (pygpu) is not installed, and no longer builds."
        )
    require_compiler("Theano")
    _restore_old_names()
    theano = importlib.import_module("theano")
    if not theano.config.cxx:
        raise UnavailableError("Theano needs a C++ compiler: install one with `apt-get install g++`.")
    return theano


def quicken(setup: Setup) -> None:
    """For a process that compiles much and times nothing.

    Theano rewrites graphs of many thousand small objects, and each collection looks through all of them: a tenth of
    the time.
    """
    theano_headers.use(start(setup), setup)
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def _restore_old_names() -> None:
    """Theano 1.0.5 and Keras 2.3.1 use names that Python 3.10 and 3.11 took away."""
    import collections
    import collections.abc
    import inspect

    for name in _SEQUENCE_ALIASES:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    if not hasattr(inspect, "getargspec"):
        setattr(inspect, "getargspec", _argument_specification)  # noqa: B010


def _argument_specification(function: Any) -> Any:
    """`inspect.getargspec` of Python 3.10: args, varargs, keywords, defaults."""
    import inspect

    return inspect.getfullargspec(function)[:4]


def synchronize(framework: Any, setup: Setup, values: Callable[[], Iterable[Any]]) -> None:
    if setup.device == "gpu":
        for variable in values():
            variable.get_value(borrow=True, return_internal_type=True).sync()


def peak_device_bytes(framework: Any) -> int | None:
    return None


def gpu_remedy(install_command: Callable[[], str]) -> str:
    return "No GPU build of Theano: pygpu is not installed, and it does not build for today's cards."


def may_have_gpus(version: str) -> bool:
    return False


# ---------------------------------------------------------------- Keras on it

KERAS_CONVOLVES = True


def keras_image_format(setup: Setup) -> str:
    """It knows no other."""
    return "channels_first"


def keras_compile_choices(setup: Setup, steps: int, *, has_convolutions: bool) -> dict[str, Any]:
    return {}


def keras_placed(framework: Any, setup: Setup, array: Any) -> Any:
    """Labels as Keras 2 takes them, which is floating; tokens stay the whole numbers that they are."""
    return array if array.dtype == "int32" else array.astype(setup.dtype, copy=False)


KERAS_PREDICTOR = "predict_on_batch"


def keras_predictor(framework: Any, model: Any) -> Callable[[Any], Any]:
    return model.predict_on_batch  # type: ignore[no-any-return]


def keras_settings(framework: Any) -> dict[str, str]:
    return {"allow_gc": str(framework.config.allow_gc)}
