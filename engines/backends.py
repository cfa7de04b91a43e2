"""What a backend needs before its import (variables, aliases for old code) and what must hold right after it."""

from __future__ import annotations

import importlib
import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.errors import UnavailableError, UnsupportedError

if TYPE_CHECKING:
    from engines.contract import Setup

_SEQUENCE_ALIASES = ("Callable", "Hashable", "Iterable", "Iterator", "Mapping", "MutableMapping", "Sequence")


def environment_variables(setup: Setup, backend: str, scratch: Path) -> dict[str, str]:
    """What to set before the import of `backend`; `scratch` is where it keeps what it compiles."""
    variables = _threads(setup.threads) | _visible_gpus(setup)
    variables |= {"KERAS_BACKEND": backend, "KERAS_HOME": str(scratch / "keras")}
    if backend == "theano":
        return variables | {"THEANO_FLAGS": _theano_flags(setup, scratch, _blas_flags(_site_packages(), sys.prefix))}
    if backend == "tensorflow":
        return variables | _tensorflow_variables(setup.threads)
    if backend == "jax":
        return variables | _jax_variables(setup)
    if backend == "torch":
        return variables | _torch_variables(setup, scratch)
    return variables


def start(setup: Setup, backend: str) -> Any:
    """Import `backend` and return it; raises UnavailableError or UnsupportedError if it cannot do what is asked."""
    starts = {"theano": _start_theano, "tensorflow": _start_tensorflow, "jax": _start_jax, "torch": _start_torch}
    return starts[backend](setup) if backend in starts else importlib.import_module(backend)


def _threads(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(names, str(threads))


def _visible_gpus(setup: Setup) -> dict[str, str]:
    visible = str(setup.device_index) if setup.device == "gpu" else "-1"
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": visible, "NVIDIA_TF32_OVERRIDE": "0"}


def _no_gpu(environment: str) -> UnsupportedError:
    install = f"python manage.py engines install {environment} --gpu"
    return UnsupportedError(f"No GPU seen. Install the GPU build with `{install}`.")


# ---------------------------------------------------------------- TensorFlow


def _tensorflow_variables(threads: int) -> dict[str, str]:
    return {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        # By default on only where the CPU has AVX-512 VNNI; elsewhere CNNs would train 2.5 to 3.6 times slower.
        "TF_ENABLE_ONEDNN_OPTS": "1",
    }


def _start_tensorflow(setup: Setup) -> Any:
    tensorflow = importlib.import_module("tensorflow")
    if setup.device == "gpu" and not tensorflow.config.list_physical_devices("GPU"):
        raise _no_gpu("tensorflow")
    tensorflow.config.threading.set_intra_op_parallelism_threads(setup.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(setup.threads)
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    return tensorflow


# ---------------------------------------------------------------- JAX

# By default XLA hands a CPU's convolutions to a library (YNNPACK) that takes two to three times as long as its own
# kernels; this leaves the library the matrix products alone.
_OWN_CONVOLUTIONS = "--xla_cpu_experimental_ynn_fusion_type=individual_dot"


def _jax_variables(setup: Setup) -> dict[str, str]:
    on_gpu = setup.device == "gpu"
    variables = {
        "JAX_PLATFORMS": "" if on_gpu else "cpu",  # empty: whatever there is, and `start` looks
        "JAX_ENABLE_X64": str(int(setup.dtype == "float64")),
        "NPROC": str(setup.threads),  # beside the affinity mask, all that XLA's thread pool obeys
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    if on_gpu:
        variables["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"  # no TF32
    elif setup.track == "tuned":
        variables["XLA_FLAGS"] = _OWN_CONVOLUTIONS
    return variables


def _start_jax(setup: Setup) -> Any:
    jax = importlib.import_module("jax")
    if setup.device == "gpu" and jax.default_backend() != "gpu":
        raise _no_gpu("jax")
    return jax


# ---------------------------------------------------------------- PyTorch


def _torch_variables(setup: Setup, scratch: Path) -> dict[str, str]:
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(scratch / "inductor"),
        "TORCHINDUCTOR_COMPILE_THREADS": str(setup.threads),
        "KERAS_TORCH_DEVICE": "cuda" if setup.device == "gpu" else "cpu",  # else it takes whatever it finds
    }


def _start_torch(setup: Setup) -> Any:
    if setup.track == "tuned":
        _require_compiler("PyTorch's tuned track")
    torch = importlib.import_module("torch")
    if setup.device == "gpu" and not torch.cuda.is_available():
        raise _no_gpu("torch")
    torch.set_num_threads(setup.threads)
    if torch.get_num_interop_threads() != setup.threads:  # can be set only once, before any work
        torch.set_num_interop_threads(setup.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return torch


# ---------------------------------------------------------------- Theano


def _theano_flags(setup: Setup, scratch: Path, blas: str) -> str:
    flags = {
        "device": "cuda" if setup.device == "gpu" else "cpu",
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


def _start_theano(setup: Setup) -> Any:
    if setup.device == "gpu" and find_spec("pygpu") is None:
        raise UnsupportedError(
            "No GPU build of Theano: its GPU library (pygpu) is not installed, and no longer builds."
        )
    _require_compiler("Theano")
    _restore_old_names()
    theano = importlib.import_module("theano")
    if not theano.config.cxx:
        raise UnavailableError("Theano needs a C++ compiler: install one with `apt-get install g++`.")
    return theano


def _require_compiler(who: str) -> None:
    """For what compiles C++ while it trains, against the headers of the Python that runs it."""
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        raise UnavailableError(f"{who} needs the headers of Python: install them with `apt-get install python3-dev`.")
    if not (shutil.which("g++") or shutil.which("clang++")):
        raise UnavailableError(f"{who} needs a C++ compiler: install one with `apt-get install g++`.")


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
