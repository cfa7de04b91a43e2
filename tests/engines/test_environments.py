"""Engine environments: declared, found, made from locks, chosen by the user, described."""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from engines import registry
from engines.contract import content_hash
from engines.environments import environments, installation, interpreters, readiness, system
from engines.environments.environments import EnvironmentInfo, environment_for, find
from engines.environments.system import Python
from engines.errors import InterpreterMissingError, UnavailableError, UnsupportedError

pytestmark = pytest.mark.slow

TINY = """
[tiny]
title = "Nothing at all"
pythons = ["{python}"]
download_mb = 1
disk_mb = 2
"""
GPUS = ["NVIDIA A100"]


def ignore(text: str) -> None:
    """Say nothing."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of the test's own, with nothing installed and nothing chosen."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setenv("BENCHSITE_VAR", str(tmp_path / "var"))
    return tmp_path


@pytest.fixture
def tiny(root: Path, monkeypatch: pytest.MonkeyPatch) -> EnvironmentInfo:
    """An environment of this Python whose lock asks for no package: making it needs no network."""
    declared = root / "environments.toml"
    declared.write_text(TINY.format(python=f"{sys.version_info[0]}.{sys.version_info[1]}"))
    monkeypatch.setattr(environments, "_DECLARED_IN", declared)
    monkeypatch.setattr(environments, "_environments", environments._environments.__wrapped__)
    (root / "tiny.txt").write_text("# nothing\n")
    return find("tiny")


def pretend_installed(info: EnvironmentInfo, python: Path = Path(sys.executable)) -> None:
    info.python.parent.mkdir(parents=True)
    info.python.symlink_to(python)
    info.stamp.write_text(info.lock_sha256 + "\n")


# ---------------------------------------------------------------- declared


def test_every_engine_has_a_declared_environment_with_a_hashed_lock() -> None:
    for engine in registry.ENGINES.values():
        info = environment_for(engine)
        lock, pinned = info.lock.read_text(), info.lock.read_text() + " ".join(info.unhashed)
        assert f"{engine.framework}==" in pinned or f"{engine.framework}-cpu==" in pinned
        assert "--hash=sha256:" in lock
        assert "://" not in pinned


@pytest.mark.parametrize("name", ["tensorflow-gpu", "jax-gpu", "torch-gpu"])
def test_a_gpu_build_serves_the_same_engines_from_a_lock_in_which_all_has_a_hash(name: str) -> None:
    build, base = find(name), find(name.removesuffix("-gpu"))
    assert build.engines == base.engines
    assert build.unhashed == ()
    assert build.lock.read_text().count("--hash=sha256:") > base.lock.read_text().count("--hash=sha256:")


def test_a_lock_with_a_hash_never_takes_the_cpu_build_of_the_same_version() -> None:
    """2.13.0+cpu counts as 2.13.0 for `==`, and goes first where pip is offered both."""
    assert "\ntorch===2.13.0 " in find("torch-gpu").lock.read_text()


def test_an_environment_is_found_by_its_name_its_engines_slugs_and_abbreviations() -> None:
    assert find("theano") == find("keras-theano") == find("kth")
    assert find("tf", gpu=True).name == "tensorflow-gpu"
    assert find("tensorflow-gpu", gpu=True) == find("tensorflow-gpu")


def test_what_does_not_exist_is_refused_by_naming_what_does() -> None:
    with pytest.raises(UnsupportedError, match="Known engines: theano"):
        find("caffe")
    with pytest.raises(UnsupportedError, match="no GPU build"):
        find("theano", gpu=True)


# ---------------------------------------------------------------- installed or not


def test_a_missing_environment_says_what_to_type(root: Path) -> None:
    with pytest.raises(UnavailableError, match=r"not installed\. Type: python manage\.py engines install theano$"):
        environments.python_of(find("theano"))
    with pytest.raises(UnavailableError, match=r"install tensorflow --gpu$"):
        environments.python_of(find("tensorflow-gpu"))


def test_without_its_stamp_an_environment_is_half_an_installation(root: Path) -> None:
    info = find("theano")
    pretend_installed(info)
    assert environments.origin(info) == "locked"
    info.stamp.unlink()
    assert environments.origin(info) == "missing"


def test_a_changed_lock_file_makes_the_environment_old(root: Path) -> None:
    info = find("theano")
    pretend_installed(info)
    info.stamp.write_text("0" * 64)
    with pytest.raises(UnavailableError, match="older lock file"):
        environments.python_of(info)


def test_installing_makes_the_environment_once_and_again_when_the_lock_changed(tiny: EnvironmentInfo) -> None:
    said: list[str] = []
    assert installation.install(tiny, say=said.append) == []
    assert environments.python_of(tiny) == tiny.python
    installation.install(tiny, say=said.append)
    assert len([line for line in said if line.startswith("Installing")]) == 1
    tiny.lock.write_text("# still nothing\n")
    assert not environments.is_installed(tiny)
    installation.install(tiny, say=said.append)
    assert environments.is_installed(tiny)


def test_what_has_no_hash_is_installed_after_the_lock_by_its_exact_version() -> None:
    locked, unhashed = installation._pip_commands(find("torch"))
    assert locked[-3:] == ["--require-hashes", "-r", str(find("torch").lock)]
    assert unhashed[-1] == "torch==2.13.0"
    assert "--require-hashes" not in unhashed
    assert len(installation._pip_commands(find("jax"))) == 1


def test_another_version_of_what_has_no_hash_makes_the_environment_old(root: Path) -> None:
    info = find("torch")
    pretend_installed(info)
    assert environments.is_installed(info)
    assert not environments.is_installed(replace(info, unhashed=("torch==2.14.0",)))


def test_an_installation_that_failed_does_not_count_and_gives_one_reason(tiny: EnvironmentInfo) -> None:
    absent = tiny.lock.with_name("absent.whl").as_uri()
    tiny.lock.write_text(f"absent @ {absent} --hash=sha256:{'0' * 64}\n")
    with pytest.raises(UnavailableError, match=r"tiny could not be installed: .*To try again, type") as caught:
        installation.install(tiny, say=ignore)
    assert "\n" not in str(caught.value)
    assert environments.origin(tiny) == "missing"


def test_removing_deletes_what_was_installed_and_forgets_what_was_chosen_first(tiny: EnvironmentInfo) -> None:
    installation.install(tiny, say=ignore)
    environments.choose(tiny, Path(sys.executable))
    installation.remove(tiny)
    assert environments.origin(tiny) == "locked"
    installation.remove(tiny)
    assert not tiny.folder.exists()
    assert "not installed" in installation.remove(tiny)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_without_room_is_noticed_before_the_download(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - 10**8, 10**8))
    with pytest.raises(UnavailableError, match=r"needs 1\.5 GB and 100 MB are free"):
        installation.check_place(find("tensorflow"))


@pytest.mark.parametrize("output", ["ERROR: [Errno 28] No space left on device", "x\nOSError: No space left on device"])
def test_a_disk_that_fills_up_under_pip_is_one_message(output: str) -> None:
    assert installation._why_it_failed(find("theano"), output).startswith("The disk is full: theano needs 260 MB")


def test_a_disk_that_fills_up_under_us_is_the_same_message(
    tiny: EnvironmentInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(installation, "_make", full)
    with pytest.raises(UnavailableError, match="The disk is full"):
        installation.install(tiny, say=ignore)


def test_theano_refuses_a_path_with_a_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my project"
    folder.mkdir()
    monkeypatch.setattr(environments, "ROOT", folder)
    with pytest.raises(UnavailableError, match="path without spaces"):
        installation.check_place(find("theano"))
    installation.check_place(find("tensorflow"))


def test_what_it_costs_is_said_for_each_and_together() -> None:
    text = installation.cost([find("theano"), find("tensorflow")])
    assert "theano (Theano 1.0.5 and Keras 2.3.1): 61 MB to download, 260 MB on disk." in text
    assert "Together: 396 MB to download, 1.8 GB on disk." in text


# ---------------------------------------------------------------- chosen by the user


def test_a_chosen_interpreter_goes_before_the_installed_one_until_it_is_forgotten(root: Path) -> None:
    info = find("tensorflow")
    pretend_installed(info)
    environments.choose(info, Path(sys.executable))
    assert environments.origin(info) == "chosen"
    assert environments.python_of(info) == Path(sys.executable)
    environments.choose(info, None)
    assert environments.python_of(info) == info.python


def test_a_chosen_interpreter_that_is_gone_is_reported_not_replaced(root: Path) -> None:
    info = find("tensorflow")
    pretend_installed(info)
    environments.choose(info, root / "gone" / "python")
    with pytest.raises(UnavailableError, match="is gone"):
        environments.python_of(info)


def test_a_damaged_file_of_choices_is_one_message(root: Path) -> None:
    (root / "var").mkdir()
    (root / "var" / "environments.json").write_text("{")
    with pytest.raises(UnavailableError, match="cannot be read"):
        environments.origin(find("theano"))


def test_an_interpreter_without_the_framework_is_refused_with_what_to_install(root: Path) -> None:
    info = find("tensorflow")
    with pytest.raises(UnavailableError, match=r"import tensorflow, keras\. Type: .* pip install tensorflow keras$"):
        installation.use(info, Path(sys.executable), info.engines)
    assert environments.chosen(info) is None


def test_what_is_no_interpreter_cannot_be_chosen(root: Path) -> None:
    with pytest.raises(UnavailableError, match="does not run as a Python"):
        installation.use(find("theano"), Path("/bin/true"), [])


def test_an_interpreter_that_is_too_old_cannot_be_chosen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Python(Path("/opt/python3.8"), (3, 8), Path("/opt"))
    monkeypatch.setattr(installation, "ask", lambda path: old)
    with pytest.raises(UnavailableError, match=r"3\.10 or newer"):
        installation.use(find("theano"), old.executable, [])


# ---------------------------------------------------------------- which environment for which device


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


# ---------------------------------------------------------------- described


def test_an_environment_is_described_by_exact_versions_and_their_hash(root: Path) -> None:
    info = find("tensorflow")
    environments.choose(info, Path(sys.executable))
    described = environments.describe(info)
    assert described.origin == "chosen"
    assert described.packages["numpy"].count(".") == 2
    assert described.packages["annotated-types"]
    assert "pip" not in described.packages
    assert described.python.endswith(".".join(map(str, sys.version_info[:3])))
    assert described.sha256 == content_hash(described.python, described.packages, described.facts)


def test_a_description_tells_nothing_of_where_things_are(root: Path) -> None:
    info = find("theano")
    environments.choose(info, Path(sys.executable))
    assert str(Path(sys.executable).parent) not in str(environments.describe(info))


def test_a_missing_environment_is_described_as_missing(root: Path) -> None:
    described = environments.describe(find("theano"))
    assert (described.origin, described.packages) == ("missing", {})


# ---------------------------------------------------------------- finding a Python


def python(version: tuple[int, int], *, headers: Path = Path("/nowhere"), has_venv: bool = True) -> Python:
    return Python(Path(f"/opt/python{version[0]}.{version[1]}"), version, headers, has_venv)


def test_the_first_allowed_version_that_exists_is_taken() -> None:
    candidates = [python((3, 13)), python((3, 10)), python((3, 11))]
    found = interpreters.choose(candidates, versions=["3.11", "3.10"], needs_headers=False)
    assert found == candidates[2]


def test_a_python_that_cannot_make_environments_is_passed_over() -> None:
    candidates = [python((3, 11), has_venv=False), python((3, 10))]
    assert interpreters.choose(candidates, versions=["3.11", "3.10"], needs_headers=False) == candidates[1]
    assert interpreters.choose(candidates[:1], versions=["3.11"], needs_headers=False) is None


def test_a_python_with_headers_goes_first_only_where_headers_are_needed(tmp_path: Path) -> None:
    (tmp_path / "Python.h").touch()
    bare, complete = python((3, 11)), python((3, 10), headers=tmp_path)
    choose = interpreters.choose
    assert choose([bare, complete], versions=["3.11", "3.10"], needs_headers=True) == complete
    assert choose([bare, complete], versions=["3.11", "3.10"], needs_headers=False) == bare


def test_a_dead_shim_is_no_interpreter(tmp_path: Path) -> None:
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    assert interpreters.ask(shim) is None
    assert interpreters.ask(tmp_path / "nothing") is None


def test_an_interpreter_tells_its_version_and_where_its_headers_belong() -> None:
    told = interpreters.ask(Path(sys.executable))
    assert told is not None
    assert told.version == sys.version_info[:2]
    assert told.headers.name.startswith("python3")


def test_without_any_fitting_python_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_on_this_machine", lambda versions: [])
    monkeypatch.setattr(interpreters, "_fetched", lambda version, say: [])
    with pytest.raises(InterpreterMissingError, match=r"needs Python 3\.11 or 3\.10.*engines install theano"):
        interpreters.interpreter_for(find("theano"), say=ignore)


# ---------------------------------------------------------------- what each engine can do here


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


@pytest.mark.parametrize("slug", registry.ENGINES)
def test_where_no_gpu_is_seen_every_engine_says_the_same_whatever_is_installed(
    slug: str, software: Callable[..., None]
) -> None:
    assert readiness.why_not(registry.find(slug), "gpu", []) == "No GPU seen."
    environment = registry.find(slug).environment
    software(environment, theano="1.0.5", tensorflow="2.21.0", jax="0.10.2", torch="2.13.0", keras="3.15.1")
    assert readiness.why_not(registry.find(slug), "gpu", []) == "No GPU seen."
    assert readiness.readiness(registry.find(slug), []).notes == ("No GPU seen.",)


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
