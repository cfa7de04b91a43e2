"""`manage.py claims`: verdicts for people and programs, over stored summaries."""

from __future__ import annotations

import json
import math
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from engines.contract import Network
from runs.findings.cells import CellRow
from runs.findings.claims import measured
from runs.models import Summary
from runs.selectors.cells import cells_of
from runs.selectors.scopes import scope
from runs.stats import LogSamples
from runs.stats.outcomes import Missing
from runs.study.claims import CLAIMS, Place
from tests.runs.site_rows import Site, make_environment, make_experiment, make_machine, make_workload

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SECONDS = {"tensorflow": 1.0, "theano": 1.5, "keras-theano": 1.02, "keras-tensorflow": 1.01}


def claims(*arguments: str) -> str:
    output = StringIO()
    call_command("claims", *arguments, stdout=output)
    return output.getvalue()


def as_json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(claims("--json", *arguments))
    return found


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {claim["id"]: claim["verdict"] for claim in found["claims"]}


def seed_mlps(site: Site) -> None:
    for layers in (8, 16):
        for width in (25, 50, 100, 200):
            for engine, seconds in SECONDS.items():
                site.cell(engine, make_workload("mlp", layers, width), seconds=seconds * layers * width)


def test_without_runs_it_says_what_to_type() -> None:
    assert claims().strip() == "No runs yet. Type: python manage.py runbench --suite study"
    found = as_json()
    assert found["experiment"] is None
    assert set(verdicts(found).values()) == {"not enough runs"}


def test_it_lists_every_claim_and_counts_the_verdicts() -> None:
    seed_mlps(Site())
    shown = claims()
    assert all(name in shown for name in CLAIMS)
    assert "33 claims: holds 4, mixed 0, does not hold 0" in shown
    assert "shuttle, 43,500 samples" in shown
    assert "Missing: Theano, GPU: This machine has no GPU. (MLP 8x1600, MLP 16x1600)" in shown
    assert "runbench --suite study --blocks 3" in shown


def test_verdicts_and_their_numbers_are_there_for_programs() -> None:
    seed_mlps(Site())
    found = as_json("mlp-cpu-tf-beats-th", "mlp-gpu-kth-beats-th")
    assert verdicts(found) == {
        "mlp-cpu-tf-beats-th": "holds",
        "mlp-gpu-kth-beats-th": "cannot be measured today",
    }
    second, first = found["claims"]
    evidence = first["parts"][0]["evidence"]
    assert len(evidence) == 8
    assert evidence[0]["ratio"]["value"] == pytest.approx(1 / 1.5, rel=0.02)
    assert evidence[0]["verdict"] == "faster"
    assert second["missing"][0]["reason"] == "This machine has no GPU."
    assert found["counts"]["holds"] == 1


def test_a_claim_that_is_named_is_shown_with_its_numbers() -> None:
    seed_mlps(Site())
    shown = claims("mlp-cpu-tf-beats-th")
    assert "mlp-cpu-tf-beats-th: holds" in shown
    assert "TensorFlow over Theano, MLP 8x25, 1 CPU thread" in shown
    assert "agrees" in shown
    assert "the Theano loop did not shuffle" in shown


def test_the_newest_experiment_speaks_unless_another_is_named() -> None:
    seed_mlps(Site())
    newer = Site(experiment=make_experiment("later", "later"), machine=make_machine("bench-2", gpus=["TITAN"]))
    newer.cell("theano", make_workload("mlp", 8, 25), seconds=1.0)
    assert as_json()["experiment"] == "later"
    assert as_json()["machine"] == "bench-2"
    assert verdicts(as_json())["mlp-gpu-kth-beats-th"] == "not enough runs"
    older = as_json("--experiment", "quick, November", "--machine", "bench-1")
    assert verdicts(older)["mlp-cpu-tf-beats-th"] == "holds"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--experiment", "nope"], "No experiment 'nope' with runs. There are: quick, November."),
        (["--machine", "nope"], "No machine 'nope' in quick, November. It has: bench-1."),
        (["nope"], "There is no claim 'nope'. Known claims: mlp-gpu-flat"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(arguments: list[str], message: str) -> None:
    Site().cell("theano", make_workload("mlp", 8, 25), seconds=1.0)
    with pytest.raises(CommandError) as refused:
        claims(*arguments)
    assert message in str(refused.value)


def test_a_database_that_is_not_set_up_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("no such table: runs_experiment")

    monkeypatch.setattr("runs.selectors.scopes.scope", fail)
    with pytest.raises(CommandError, match=r"no such table.*Type: python manage.py migrate"):
        claims()


def test_the_number_of_queries_does_not_grow_with_the_cells(django_assert_max_num_queries: Any) -> None:
    seed_mlps(Site())
    with django_assert_max_num_queries(7):
        claims()


# ---------------------------------------------------------------- which cells count


def rows() -> list[CellRow]:
    return cells_of(scope())


def only_place(found: list[CellRow]) -> LogSamples | Missing:
    (outcome,) = measured(found, {}).cells.values()
    return outcome


def test_another_data_set_another_track_and_an_older_environment_are_left_out() -> None:
    site, workload = Site(), make_workload("mlp", 8, 25)
    for width in (25, 50):
        site.cell("theano", make_workload("mlp", 8, width, data_source="synthetic"), seconds=1.0)
        site.cell("theano", make_workload("mlp", 8, width), seconds=2.0)
    site.cell("theano", make_workload("mlp", 8, 100), seconds=3.0)
    site.cell("theano", workload, seconds=4.0, track="tuned")
    old = site.cell("theano", workload, seconds=5.0, environment=make_environment("theano", numpy="1.0"))
    Summary.objects.filter(pk=old.pk).update(newest_run_at="2020-01-01T00:00:00Z")
    found = measured(rows(), {})
    assert {place.network.width for place in found.cells} == {25, 50, 100}
    samples = found.outcome(Place("theano", Network("mlp", 8, 25), "cpu"))
    assert isinstance(samples, LogSamples)
    assert math.exp(samples.values[0]) == pytest.approx(2.0, rel=0.02)
    assert len(found.data) == 1


def test_each_device_has_an_environment_of_its_own() -> None:
    site, workload = Site(), make_workload("mlp", 8, 25)
    site.cell("tensorflow", workload, seconds=1.0)
    site.cell("tensorflow", workload, seconds=0.1, device="gpu", environment=make_environment("tensorflow-gpu"))
    assert {place.device for place in measured(rows(), {}).cells} == {"cpu", "gpu"}


def test_synthetic_data_is_named() -> None:
    Site().cell("theano", make_workload("mlp", 8, 25, data_source="synthetic"), seconds=1.0)
    assert "(synthetic)" in claims()


def test_a_cell_that_mostly_failed_counts_as_its_failure() -> None:
    site = Site(blocks=2)
    cell = site.cell("theano", make_workload("mlp", 8, 25), seconds=1.0)
    assert isinstance(only_place(rows()), LogSamples)
    cell.status_counts = {"finished": 2, "timed_out": 3}
    cell.save()
    assert only_place(rows()) == Missing("timed_out", "")
