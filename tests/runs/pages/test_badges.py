"""A badge says what its page says, of the experiment that it was made for, and never anything of a private one."""

from __future__ import annotations

import io
import re
from html import unescape
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from runs.models import Experiment
from runs.services.recording import record_runs
from tests.records import make_record

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def measured(experiment: str, fastest: str, **changes: int) -> None:
    blocks = changes.get("blocks", 6)
    record_runs(
        records=[
            make_record(
                engine,
                block=block,
                epoch_seconds=(1.0 if engine == fastest else 2.0) + block / 1000,
                experiment=experiment,
            )
            for engine in ("theano", "tensorflow")
            for block in range(blocks)
        ]
    )


def words(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)  # well-formed, or no badge
    return [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]


def badge(client: Client, situation: str = "mlp_cpu", **query: str) -> list[str]:
    answer = client.get(reverse("badge", args=[situation]), query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/svg+xml"
    return words(answer.content)


def test_a_badge_names_who_leads_as_the_page_does(client: Client) -> None:
    measured("lab", "tensorflow")
    assert badge(client, experiment="lab") == ["MLP on the CPU", "TensorFlow"]
    page = client.get(reverse("recommendation"), {"experiment": "lab"}).content.decode()
    assert "TensorFlow" in page


def test_doubt_is_no_advice(client: Client) -> None:
    measured("lab", "tensorflow", blocks=1)
    assert badge(client, experiment="lab") == ["MLP on the CPU", "no clear winner yet"]
    assert badge(client, "cnn_gpu", experiment="lab") == ["CNN on the GPU", "not measured yet"]


def test_made_up_runs_and_images_are_called_so(client: Client) -> None:
    call_command("seedruns", runs=30, seed=1, suite="quick", verbosity=0, stdout=io.StringIO())
    assert badge(client)[1].endswith("(synthetic data)")


def test_a_badge_stays_with_its_experiment_and_its_page_gives_its_address(client: Client) -> None:
    measured("first", "tensorflow")
    page = unescape(client.get(reverse("recommendation")).content.decode())
    (address,) = [each for each in re.findall(r'data-badge="([^"]*)"', page) if "mlp_cpu" in each]
    measured("second", "theano")
    assert words(client.get(address).content)[1] == "TensorFlow"


def test_a_private_or_unknown_experiment_or_situation_has_none(client: Client) -> None:
    measured("lab", "tensorflow")
    Experiment.objects.update(is_private=True)
    assert client.get(reverse("badge", args=["mlp_cpu"]), {"experiment": "lab"}).status_code == 404
    assert client.get(reverse("badge", args=["mlp_cpu"]), {"experiment": "no"}).status_code == 404
    assert client.get(reverse("badge", args=["perceptron"])).status_code == 404


def test_names_cannot_break_out_of_a_badge(client: Client) -> None:
    measured("</title><script>alert(1)</script>", "tensorflow")
    slug = Experiment.objects.get().slug
    answer = client.get(reverse("badge", args=["mlp_cpu"]), {"experiment": slug})
    assert b"<script>" not in answer.content
    assert words(answer.content) == ["MLP on the CPU", "TensorFlow"]
