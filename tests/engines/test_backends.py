"""What is set before a backend's import and right after it; no environment is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engines import backends
from engines.backends import theano
from engines.contract import Network, Setup, Track
from engines.errors import UnavailableError


def variables(backend: str = "tensorflow", **choices: Any) -> dict[str, str]:
    setup = Setup("tensorflow", Network("mlp", 1, 2), **choices)
    return backends.environment_variables(setup, backend, Path("scratch"))


def test_threads_are_told_to_every_library() -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    found = variables(threads=3)
    assert [found[name] for name in names] == ["3"] * 4


@pytest.mark.parametrize("slug", ["tensorflow", "keras-tensorflow"])
def test_tensorflow_has_its_onednn_kernels_on_every_cpu(slug: str) -> None:
    variables = backends.environment_variables(Setup(slug, Network("mlp", 2, 25)), "tensorflow", Path("scratch"))
    assert variables["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_a_cpu_run_sees_no_gpu_and_a_gpu_run_sees_its_own() -> None:
    assert variables()["CUDA_VISIBLE_DEVICES"] == "-1"
    assert variables(device="gpu", device_index=2)["CUDA_VISIBLE_DEVICES"] == "2"


def test_jax_is_told_its_threads_its_type_and_its_platform() -> None:
    found = variables("jax", threads=3, dtype="float64")
    assert (found["NPROC"], found["JAX_ENABLE_X64"], found["JAX_PLATFORMS"]) == ("3", "1", "cpu")
    assert variables("jax")["JAX_ENABLE_X64"] == "0"


def test_on_a_gpu_no_framework_computes_in_tf32_and_jax_takes_memory_as_it_needs_it() -> None:
    found = variables("jax", device="gpu")
    assert (found["NVIDIA_TF32_OVERRIDE"], found["JAX_DEFAULT_MATMUL_PRECISION"]) == ("0", "highest")
    assert (found["XLA_PYTHON_CLIENT_PREALLOCATE"], found["JAX_PLATFORMS"]) == ("false", "")


def test_only_the_tuned_track_sets_flags_of_xla_and_only_on_a_cpu() -> None:
    assert "XLA_FLAGS" in variables("jax", track="tuned")
    assert "XLA_FLAGS" not in variables("jax", track="tuned", device="gpu")
    assert "XLA_FLAGS" not in variables("jax")


def test_keras_on_pytorch_takes_the_device_that_is_asked_for_and_no_other() -> None:
    assert variables("torch")["KERAS_TORCH_DEVICE"] == "cpu"
    assert variables("torch", device="gpu")["KERAS_TORCH_DEVICE"] == "cuda"


class FakeTorch:
    """PyTorch's settings, as `backends.start` makes them where there is a GPU."""

    def __init__(self) -> None:
        self.threads = {"intra": 8, "interop": 8}
        self.cuda = SimpleNamespace(is_available=lambda: True)
        flags = {"cuda": SimpleNamespace(matmul=SimpleNamespace(allow_tf32=True))}
        self.backends = SimpleNamespace(**flags, cudnn=SimpleNamespace(allow_tf32=True))

    def set_num_threads(self, threads: int) -> None:
        self.threads["intra"] = threads

    def get_num_interop_threads(self) -> int:
        return self.threads["interop"]

    def set_num_interop_threads(self, threads: int) -> None:
        self.threads["interop"] = threads


def test_pytorch_starts_with_its_threads_and_without_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = FakeTorch()
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert backends.start(Setup("torch", Network("mlp", 1, 2), device="gpu", threads=2), "torch") is torch
    assert torch.threads == {"intra": 2, "interop": 2}
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


def test_pytorch_that_compiles_asks_for_a_compiler_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("engines.backends.needs.sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(UnavailableError, match="PyTorch's tuned track needs the headers of Python"):
        backends.start(Setup("torch", Network("mlp", 1, 2), track="tuned"), "torch")
    (tmp_path / "Python.h").touch()
    with pytest.raises(UnavailableError, match=r"PyTorch's tuned track needs a C\+\+ compiler"):
        backends.start(Setup("torch", Network("mlp", 1, 2), track="tuned"), "torch")


def test_theano_is_told_type_device_and_folder() -> None:
    flags = variables("theano", dtype="float64", threads=2)["THEANO_FLAGS"].split(",")
    assert {"floatX=float64", "device=cpu", "openmp=True", "base_compiledir=scratch/theano"} <= set(flags)


@pytest.mark.parametrize(("track", "told"), [("idiomatic", "allow_gc=True"), ("tuned", "allow_gc=False")])
def test_tuned_theano_keeps_what_a_step_allocates(track: Track, told: str) -> None:
    assert told in variables("theano", track=track)["THEANO_FLAGS"].split(",")


@pytest.mark.parametrize("folder", ["a folder", "one,two"])
def test_a_path_that_theano_cannot_read_is_refused(folder: str) -> None:
    with pytest.raises(UnavailableError, match="without spaces and commas"):
        backends.environment_variables(Setup("theano", Network("mlp", 1, 2)), "theano", Path(folder))


def test_theano_links_scipys_blas_before_any_other(tmp_path: Path) -> None:
    libraries = [
        tmp_path / "site" / "scipy.libs" / "libopenblasp-r0.so",
        tmp_path / "prefix" / "lib" / "libopenblas.so",
    ]
    for library in libraries:
        library.parent.mkdir(parents=True)
        library.touch()
    find = theano._blas_flags
    assert find(tmp_path / "site", str(tmp_path / "prefix")) == f"-L{libraries[0].parent} -lopenblasp-r0"
    assert find(tmp_path / "elsewhere", str(tmp_path / "prefix")) == f"-L{libraries[1].parent} -lopenblas"
    assert find(tmp_path / "elsewhere", str(tmp_path / "nowhere")) == ""
