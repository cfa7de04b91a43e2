"""`manage.py engines`: what it lists, installs, chooses and refuses."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from engines import registry
from engines.environments import environments, installation
from engines.environments.environments import EnvironmentInfo
from engines.environments.system import Need, Say
from engines.errors import UnavailableError


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing installed, nothing chosen."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setenv("BENCHSITE_VAR", str(tmp_path / "var"))
    return tmp_path


def engines(*arguments: str) -> str:
    output = StringIO()
    call_command("engines", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def test_the_list_has_every_engine_with_its_abbreviation_and_what_to_do() -> None:
    text = engines()
    for engine in registry.ENGINES.values():
        line = next(line for line in text.splitlines() if f" {engine.slug} " in line)
        assert line.startswith(engine.title)
        assert f" {engine.abbreviation} " in line
        assert "none" in line
    assert "Theano, Keras · Theano: The environment theano is not installed. Type:" in text


def test_the_list_is_there_as_json_too() -> None:
    rows = {row["slug"]: row for row in json.loads(engines("--json"))}
    assert list(rows) == list(registry.ENGINES)
    assert rows["keras-theano"]["abbreviation"] == "kth"
    assert rows["keras-theano"]["devices"] == []
    assert "engines install theano" in rows["keras-theano"]["notes"][0]


def test_a_chosen_environment_is_marked_in_the_list() -> None:
    environments.choose(environments.find("tensorflow"), Path(sys.executable))
    assert "tensorflow (chosen)" in engines()


@pytest.mark.parametrize(
    "arguments", [("install", "caffe"), ("use", "caffe", "--python", "python3"), ("remove", "caffe")]
)
def test_an_unknown_engine_is_refused_by_naming_the_known(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Known engines: theano"):
        engines(*arguments)


def fake_install(monkeypatch: pytest.MonkeyPatch, outcomes: dict[str, Exception | list[Need]]) -> list[str]:
    """Replace the installation by an outcome per environment; returns the names as they are asked for."""
    asked: list[str] = []

    def install(info: EnvironmentInfo, *, say: Say) -> list[Need]:
        asked.append(info.name)
        outcome = outcomes.get(info.name, [])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(installation, "install", install)
    return asked


def test_installing_says_first_what_it_will_download_and_each_environment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_install(monkeypatch, {})
    text = engines("install", "theano", "kth", "ktf")
    assert asked == ["theano", "tensorflow"]
    assert text.startswith("theano (Theano 1.0.5 and Keras 2.3.1): 61 MB to download")


@pytest.mark.parametrize(
    ("suite", "needed"), [("quick", ["theano", "tensorflow"]), ("modern", ["theano", "tensorflow", "jax", "torch"])]
)
def test_a_suite_s_environments_are_those_of_its_engines(
    suite: str, needed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fake_install(monkeypatch, {})
    text = engines("install", "--suite", suite)
    assert asked == needed
    assert "Together: " in text


@pytest.mark.parametrize(
    ("arguments", "sentence"), [((), "Name what to install"), (("--suite", "none"), "There is no suite 'none'")]
)
def test_installing_nothing_is_refused(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        engines("install", *arguments)


def test_installing_the_gpu_build_takes_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_install(monkeypatch, {})
    assert "3.4 GB to download" in engines("install", "tensorflow", "--gpu")
    assert asked == ["tensorflow-gpu"]


def test_one_that_fails_does_not_keep_the_others_but_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_install(monkeypatch, {"theano": UnavailableError("The disk is full.")})
    with pytest.raises(CommandError, match="The disk is full"):
        engines("install", "theano", "tensorflow")
    assert asked == ["theano", "tensorflow"]


def test_without_a_compiler_the_command_fails_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_install(monkeypatch, {"theano": [Need("the C++ compiler g++", "g++", "")]})
    with pytest.raises(CommandError, match=r"cannot run without the C\+\+ compiler g\+\+"):
        engines("install", "theano")


def test_set_up_goes_on_while_one_environment_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_install(monkeypatch, {"theano": UnavailableError("No Python 3.11.")})
    text = engines("install", "--go-on", "theano", "tensorflow")
    assert "No Python 3.11." in text
    assert "recorded as unsupported" in text
    with pytest.raises(CommandError, match=r"No Python 3\.11"):
        engines("install", "--go-on", "theano")


def test_an_interpreter_without_the_framework_is_not_taken() -> None:
    with pytest.raises(CommandError, match=r"-m pip install tensorflow$"):
        engines("use", "tensorflow", "--python", sys.executable)


def test_removing_a_choice_says_so() -> None:
    environments.choose(environments.find("theano"), Path(sys.executable))
    assert "no longer uses an interpreter of yours" in engines("remove", "keras-theano")
