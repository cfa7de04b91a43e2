"""What each vendor's GPUs tell of themselves, and what becomes of those that no engine can use."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engines import gpus, registry
from engines.environments.readiness import why_not
from engines.gpus import amd, apple, nvidia
from engines.gpus.nvidia import Gpu
from tests.engines import machine_samples as samples


def test_one_gpu_is_read_with_memory_driver_and_power_limit() -> None:
    assert nvidia.parse_nvidia_smi(samples.ONE_GPU) == (
        Gpu("NVIDIA H100 80GB HBM3", 81559 * 2**20, "550.54.15", 700.0),
    )


def test_four_gpus_are_read_and_what_is_not_available_is_left_out() -> None:
    gpus = nvidia.parse_nvidia_smi(samples.FOUR_GPUS)
    assert [gpu.name for gpu in gpus] == ["Tesla K80"] * 2 + ["NVIDIA GeForce RTX 3090"] * 2
    assert [gpu.power_limit_watts for gpu in gpus] == [149.0, 149.0, None, None]


@pytest.mark.parametrize("text", ["", "No devices were found\n", samples.NVIDIA_SMI_FAILED])
def test_a_message_is_no_gpu(text: str) -> None:
    assert nvidia.parse_nvidia_smi(text) == ()
    assert nvidia.parse_gpu_states(text) == ()


def test_the_cuda_version_stands_in_the_heading() -> None:
    assert nvidia.parse_cuda_version(samples.NVIDIA_SMI) == "12.2"
    assert nvidia.parse_cuda_version(samples.NVIDIA_SMI_FAILED) == ""


def test_gpu_states_name_why_a_gpu_is_slowed() -> None:
    idle, hot, silent = nvidia.parse_gpu_states(samples.GPU_STATES)
    assert (idle.sm_megahertz, idle.celsius, idle.throttle_reasons) == (1980, 34, ())
    assert hot.throttle_reasons == ("power cap", "thermal slowdown (software)")
    assert (idle.throttled_by_heat, hot.throttled_by_heat) == (False, True)
    assert (silent.sm_megahertz, silent.celsius, silent.throttle_bits) == (None, 41, None)


def test_without_nvidia_smi_there_is_no_gpu_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "find_nvidia_smi", lambda: None)
    monkeypatch.setattr(nvidia, "gpus_of_driver", lambda: ())
    assert (gpus.names(), gpus.hardware(), gpus.states(), nvidia.served_cuda()) == ([], (), (), "")


def test_an_nvidia_smi_that_hangs_leaves_the_names_that_the_driver_lists(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text(samples.GPU_INFORMATION)
    listed = nvidia.gpus_of_driver(tmp_path)

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 10)

    monkeypatch.setattr(nvidia, "find_nvidia_smi", lambda: "nvidia-smi")
    monkeypatch.setattr(subprocess, "run", hang)
    monkeypatch.setattr(nvidia, "gpus_of_driver", lambda: listed)
    assert gpus.hardware() == (Gpu("NVIDIA H100 80GB HBM3"),)


def test_one_gpu_is_shown_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpus.visible(2)["CUDA_VISIBLE_DEVICES"] == "2"
    hidden = gpus.visible(None)
    assert (hidden["CUDA_VISIBLE_DEVICES"], hidden["HIP_VISIBLE_DEVICES"]) == ("-1", "-1")
    assert (gpus.device_name("torch"), gpus.device_name("theano")) == ("cuda", "cuda")


# ---------------------------------------------------------------- vendors whose place is still empty


@pytest.fixture
def kfd(tmp_path: Path) -> Path:
    """What amdkfd shows of a machine with a CPU and one card."""
    for number, name, units in ((0, "", 0), (1, "gfx90a", 440)):
        node = tmp_path / str(number)
        node.mkdir()
        (node / "name").write_text(f"{name}\n")
        (node / "properties").write_text(f"cpu_cores_count {64 - 64 * number}\nsimd_count {units}\n")
    return tmp_path


def test_an_amd_card_is_told_from_a_cpu(kfd: Path) -> None:
    assert amd.names(kfd) == ["AMD GPU gfx90a"]
    assert amd.names(kfd / "nothing") == []


def test_apple_s_processors_have_a_gpu_and_others_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert apple.names() == ["Apple GPU"]
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert apple.names() == []


def test_a_card_that_no_engine_can_use_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch, kfd: Path) -> None:
    found = amd.names(kfd)
    monkeypatch.setattr(amd, "names", lambda: found)
    told = why_not(registry.find("torch"), "gpu", gpus.names())
    assert told.startswith("No GPU seen. AMD GPU gfx90a: unsupported, since no environment here has a ROCm build")
