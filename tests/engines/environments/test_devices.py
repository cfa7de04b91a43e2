"""Which environment serves which device, and what each engine can do here."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engines import registry
from engines.environments import environments, readiness, system
from engines.environments.environments import environment_for, find
from tests.engines.environments.pretending import pretend_installed

pytestmark = pytest.mark.slow

GPUS = ["NVIDIA A100"]


def test_the_gpu_build_serves_the_gpu_and_the_other_the_cpu(root: Path) -> None:
    engine = registry.find("keras-tensorflow")
    pretend_installed(find("tensorflow"))
    assert environment_for(engine, "gpu").name == "tensorflow"
    pretend_installed(find("tensorflow-gpu"))
    assert environment_for(engine, "gpu").name == "tensorflow-gpu"
    assert environment_for(engine, "cpu").name == "tensorflow"


def test_the_gpu_build_serves_the_cpu_too_where_it_is_alone(root: Path) -> None:
    pretend_installed(find("tensorflow-gpu"))
    assert environment_for(registry.find("tf"), "cpu").name == "tensorflow-gpu"


def test_a_chosen_interpreter_serves_the_gpu_before_our_gpu_build(root: Path) -> None:
    pretend_installed(find("tensorflow-gpu"))
    environments.choose(find("tensorflow"), Path(sys.executable))
    assert environment_for(registry.find("tf"), "gpu").name == "tensorflow"


@pytest.fixture
def software(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that an environment is installed and holds these packages, on a machine with a compiler."""

    def pretend(name: str, **packages: str) -> None:
        pretend_installed(find(name))
        listing = ("CPython 3.11.7", {key.replace("_", "-"): version for key, version in packages.items()})
        monkeypatch.setattr(environments, "_listing", lambda path: listing)
        monkeypatch.setattr(system, "missing", lambda names, python: [])

    return pretend


def test_an_engine_that_is_not_installed_names_the_command(root: Path) -> None:
    told = readiness.readiness(registry.find("theano"), GPUS)
    assert (told.devices, told.version, told.origin) == ((), "", "missing")
    assert told.notes == ("The environment theano is not installed. Type: python manage.py engines install theano",)


@pytest.mark.parametrize("slug", [slug for slug, info in registry.ENGINES.items() if "gpu" in info.devices])
def test_where_no_gpu_is_seen_every_engine_says_the_same_whatever_is_installed(
    slug: str, software: Callable[..., None]
) -> None:
    assert readiness.why_not(registry.find(slug), "gpu", []) == "No GPU seen."
    environment = registry.find(slug).environment
    software(environment, theano="1.0.5", tensorflow="2.21.0", jax="0.10.2", torch="2.13.0", keras="3.15.1")
    assert readiness.why_not(registry.find(slug), "gpu", []) == "No GPU seen."
    assert readiness.readiness(registry.find(slug), []).notes == ("No GPU seen.",)


def test_an_engine_for_the_cpu_alone_says_so_whatever_gpu_there_is() -> None:
    onnxruntime = registry.find("onnxruntime")
    assert {readiness.why_not(onnxruntime, "gpu", gpus) for gpus in ((), GPUS)} == {
        "ONNX Runtime has no way to use a GPU."
    }


def test_an_installed_engine_runs_on_the_cpu_and_says_that_there_is_no_gpu(software: Callable[..., None]) -> None:
    software("tensorflow", tensorflow_cpu="2.21.0", keras="3.15.1")
    told = readiness.readiness(registry.find("tensorflow"), [])
    assert (told.devices, told.version) == (("cpu",), "2.21.0")
    assert told.notes == ("No GPU seen.",)


def test_a_gpu_without_the_gpu_build_names_the_command(software: Callable[..., None]) -> None:
    software("tensorflow", tensorflow_cpu="2.21.0", keras="3.15.1")
    assert readiness.why_not(registry.find("ktf"), "gpu", GPUS).endswith("engines install tensorflow --gpu")


def test_with_a_gpu_and_the_gpu_build_an_engine_has_both_devices(software: Callable[..., None]) -> None:
    software("tensorflow-gpu", tensorflow="2.21.0", nvidia_cudnn_cu12="9.5", keras="3.15.1")
    assert readiness.readiness(registry.find("tf"), GPUS).devices == ("cpu", "gpu")


@pytest.mark.parametrize(
    ("slug", "packages"),
    [("jax", {"jax": "0.10.2", "jax_cuda12_plugin": "0.10.2"}), ("pt", {"torch": "2.13.0", "nvidia_cudnn_cu13": "9"})],
)
def test_a_gpu_build_is_known_by_what_it_alone_brings(
    slug: str, packages: dict[str, str], software: Callable[..., None]
) -> None:
    engine = registry.find(slug)
    software(f"{engine.environment}-gpu", **packages)
    assert readiness.readiness(engine, GPUS).devices == ("cpu", "gpu")
    software(engine.environment, **{engine.package: packages[engine.package]})
    shutil.rmtree(find(engine.environment, gpu=True).folder)
    assert readiness.why_not(engine, "gpu", GPUS).endswith(f"engines install {engine.environment} --gpu")


@pytest.mark.parametrize(
    ("version", "may_have_cuda"), [("2.13.0", True), ("2.13.0a0+vendor", True), ("2.13.0+cpu", False)]
)
def test_a_chosen_pytorch_is_trusted_with_the_gpu_unless_it_says_that_it_is_a_cpu_build(
    version: str, may_have_cuda: bool, software: Callable[..., None]
) -> None:
    software("torch", torch=version)
    environments.choose(find("torch"), Path(sys.executable))
    assert (readiness.why_not(registry.find("torch"), "gpu", GPUS) == "") is may_have_cuda


def test_which_build_of_pytorch_ran_is_told(software: Callable[..., None]) -> None:
    software("torch", torch="2.13.0+cpu", keras="3.15.1")
    assert readiness.readiness(registry.find("torch"), []).version == "2.13.0+cpu"
    assert environments.describe(find("torch")).packages["torch"] == "2.13.0+cpu"


def test_theano_has_a_gpu_only_with_pygpu(software: Callable[..., None]) -> None:
    software("theano", theano="1.0.5", keras="2.3.1")
    assert readiness.why_not(registry.find("th"), "gpu", GPUS).startswith("No GPU build of Theano")
    shutil.rmtree(find("theano").folder)
    software("theano", theano="1.0.5", pygpu="0.7.6")
    assert readiness.why_not(registry.find("th"), "gpu", GPUS) == ""


def test_an_interpreter_that_lacks_the_framework_is_no_engine(software: Callable[..., None]) -> None:
    software("tensorflow", tensorflow_cpu="2.21.0")
    assert "keras is not installed" in readiness.why_not(registry.find("ktf"), "cpu", [])
    assert readiness.why_not(registry.find("tf"), "cpu", []) == ""


def test_without_a_compiler_theano_says_what_to_type(
    software: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    software("theano", theano="1.0.5", keras="2.3.1")
    lacking = [system.Need("the C++ compiler g++", "g++", "xcode-select --install")]
    monkeypatch.setattr(system, "missing", lambda names, python: lacking)
    told = readiness.readiness(registry.find("theano"), [])
    assert told.devices == ()
    assert "g++" in told.notes[0]
