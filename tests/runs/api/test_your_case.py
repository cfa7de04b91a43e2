"""The API's answer about one network: what the page says, place by place, and nothing of a private experiment."""

from __future__ import annotations

from typing import Any

import pytest

from runs.models import Experiment
from runs.services.recording import record_runs
from tests.records import make_inference_record, make_record
from tests.runs.api.people import Caller
from tests.runs.pages.reading import text

pytestmark = pytest.mark.django_db
CASE = "/api/v1/your-case/?network=mlp&layers=8&width=25"


def stored(experiment: str, fastest: str) -> None:
    record_runs(
        records=[
            make_record(
                engine, block=block, epoch_seconds=(1 if engine == fastest else 2) + block / 1000, experiment=experiment
            )
            for engine in ("theano", "tensorflow")
            for block in range(6)
        ]
    )


def asked(address: str = CASE) -> Any:
    answer = Caller().get(address)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_places_disagree_and_each_keeps_its_own_answer() -> None:
    stored("one", "theano")
    stored("two", "tensorflow")
    found = {place["experiment"]: place["answer"]["preferred"] for place in asked()["places"]}
    assert found == {"one": "theano", "two": "tensorflow"}


def test_the_first_place_is_the_one_that_the_page_shows(client: Any) -> None:
    stored("one", "theano")
    page = text(client, "/your-case/?network=mlp&layers=8&width=25")
    (place,) = asked()["places"]
    assert place["answer"]["basis"] in page


def test_calls_are_no_epochs() -> None:
    record_runs(records=[make_inference_record()])
    assert asked()["places"] == []


def test_what_is_private_is_not_there_and_the_nearest_are_offered_instead() -> None:
    stored("one", "theano")
    assert asked(CASE.replace("25", "30"))["nearest"] == [{"layers": 8, "width": 25}]
    Experiment.objects.update(is_private=True)
    assert asked()["places"] == []
    assert asked(CASE.replace("25", "30"))["nearest"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("network=perceptron&layers=8&width=25", "network"), ("network=mlp&layers=0&width=25", "layers"), ("", "network")],
)
def test_what_does_not_fit_is_named(query: str, field: str) -> None:
    answer = Caller().get(f"/api/v1/your-case/?{query}")
    assert answer.status_code == 400
    assert field in {each["field"] for each in answer.json()["extra"]["problems"]}


def test_what_was_asked_for_and_is_not_held_is_named() -> None:
    stored("one", "theano")
    (place,) = asked(f"{CASE}&track=tuned")["places"]
    assert place["not_held"]
