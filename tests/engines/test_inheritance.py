"""What a worker inherits of the user's shell: nothing that changes times, unless its record says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engines import host, inheritance
from engines.environments import environments
from engines.environments.environments import find

UNTOLD = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_VERBOSE", "GOTO_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "TORCH_LOGS", "TORCHINDUCTOR_CACHE_DIR"),
    *("PYTORCH_CUDA_ALLOC_CONF", "TF_XLA_FLAGS", "XLA_FLAGS", "JAX_PLATFORMS", "THEANO_FLAGS", "KERAS_BACKEND"),
    *("KMP_AFFINITY", "NUMEXPR_MAX_THREADS", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "CUDA_VISIBLE_DEVICES"),
    *("ATEN_CPU_CAPABILITY", "LRU_CACHE_CAPACITY", "TRITON_CACHE_DIR", "NPY_DISABLE_CPU_FEATURES", "FLEXIBLAS"),
    *("CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_FORCE_PTX_JIT", "CUDA_MODULE_LOADING", "CUDA_DEVICE_ORDER"),
    *("MIMALLOC_VERBOSE", "LD_BIND_NOW", "LD_AUDIT", "PYTHONMALLOC", "PYTHONDEVMODE", "PYTHONOPTIMIZE"),
)


@pytest.mark.parametrize("name", UNTOLD)
def test_a_worker_does_not_see_what_could_change_its_times(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "left by the shell")
    assert "left by the shell" not in host._environment("tensorflow", str(tmp_path)).values()


@pytest.mark.parametrize("name", ["PATH", "CUDA_HOME", "CUDA_PATH", "LD_LIBRARY_PATH", "BENCHSITE_DATA_DIR"])
def test_a_worker_finds_programs_libraries_and_data_where_its_user_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "/said/by/the/shell")
    assert host._environment("tensorflow", str(tmp_path))[name] == "/said/by/the/shell"


def test_what_right_results_need_passes_and_stands_in_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "HASWELL")
    assert host._environment("theano", str(tmp_path))["OPENBLAS_CORETYPE"] == "HASWELL"
    assert inheritance.recorded()["OPENBLAS_CORETYPE"] == "HASWELL"


def test_an_environment_with_another_kernel_type_is_another_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    info = find("tensorflow")
    monkeypatch.setattr(environments, "origin", lambda environment: "chosen")
    monkeypatch.setattr(environments, "python_of", lambda environment: Path(sys.executable))
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    plain = environments.describe(info)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "HASWELL")
    told = environments.describe(info)
    assert told.facts["OPENBLAS_CORETYPE"] == "HASWELL"
    assert told.sha256 != plain.sha256


def test_a_preloaded_library_is_named_without_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/opt/lab/libjemalloc.so.2:/usr/lib/libfaster.so")
    assert inheritance.recorded()["LD_PRELOAD"] == "libjemalloc.so.2 libfaster.so"


def test_folders_of_libraries_are_recorded_without_their_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lab/cuda/lib64")
    first = inheritance.recorded()["LD_LIBRARY_PATH"]
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lab/mkl/lib")
    assert first != inheritance.recorded()["LD_LIBRARY_PATH"]
    assert "/" not in first
