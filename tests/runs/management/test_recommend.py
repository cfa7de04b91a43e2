"""`manage.py recommend`: the pages' answers on the command line."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from engines.contract import Network
from runs.services.recording import record_runs
from tests.records import make_record

pytestmark = pytest.mark.django_db

LARGE = Network("mlp", 16, 200)
SECONDS = {"tensorflow": 1.0, "keras-tensorflow": 1.3, "theano": 1.02, "keras-theano": 1.01}


def shown(**options: object) -> str:
    out = io.StringIO()
    call_command("recommend", stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def measured() -> None:
    call_command("loadstudy", verbosity=0)
    jitter = (1.0, 1.002, 0.999, 1.001, 0.998, 1.0)
    record_runs(
        records=[
            make_record(engine, LARGE, block=block, epoch_seconds=seconds * wobble, experiment="lab")
            for engine, seconds in SECONDS.items()
            for block, wobble in enumerate(jitter)
        ]
    )


def test_without_runs_it_says_what_to_type() -> None:
    assert "runbench" in shown()


@pytest.mark.usefixtures("measured")
def test_it_names_the_tied_engines_the_network_and_the_study_s_own_answer() -> None:
    text = shown()
    assert "MLP on the CPU: Keras · Theano or" in text
    assert "16×200" in text
    assert "Study, 2017: TensorFlow or Keras · Theano" in text
    assert "slower" in text
    assert "CNN on the GPU: not measured" in text


@pytest.mark.usefixtures("measured")
def test_the_json_holds_every_ratio_with_its_interval() -> None:
    situations = {each["situation"]: each for each in json.loads(shown(json=True))["situations"]}
    candidates = {each["engine"]: each for each in situations["mlp_cpu"]["candidates"]}
    assert set(candidates) == set(SECONDS)
    assert candidates["keras-tensorflow"]["verdict"] == "slower"
    assert candidates["keras-tensorflow"]["to_best"]["low"] > 1.2
    assert situations["mlp_cpu"]["preferred"] == "keras-theano"


@pytest.mark.usefixtures("measured")
def test_an_unknown_experiment_or_machine_names_the_known_ones() -> None:
    with pytest.raises(CommandError, match="There are: lab"):
        shown(experiment="nothing")
    with pytest.raises(CommandError, match="It has: lab-1"):
        shown(machine="nowhere")
