"""Scaling over replicas: what is one batch shared, what a batch for each, and what is neither."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import Run
from tests.runs.pages.reading import text
from tests.runs.site_rows import Site, make_machine, make_workload

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def seed_replicas(site: Site) -> None:
    """Twice as fast on two replicas by a batch for each, 1.6 times by one batch shared."""
    for batch, replicas, seconds in ((100, 1, 1.0), (100, 2, 0.625), (200, 1, 0.8), (200, 2, 0.5)):
        workload = make_workload("mlp", 8, 200, batch_size=batch, replicas=replicas)
        site.cell("torch", workload, seconds=seconds, engine_sha256="a" * 64 if replicas == 1 else "b" * 64)


def series(client: Client, slug: str, **query: Any) -> dict[str, list[tuple[float, float]]]:
    sent = client.get(reverse("chart", args=[slug]), query).json()
    return {each["label"]: [(at["x"], round(at["y"], 2)) for at in each["data"]] for each in sent["data"]["datasets"]}


def api(client: Client, name: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{name}/", query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def csv_table(client: Client, slug: str, query: dict[str, str]) -> list[dict[str, str]]:
    sent = client.get(reverse("table", args=[slug, "csv"]), query).content.decode()
    return list(csv.DictReader(sent.splitlines()))


def verdicts_of_claims(client: Client) -> list[str]:
    return [claim["verdict"] for claim in api(client, "claims")["claims"]]


def test_one_batch_shared_and_a_batch_for_each_are_held_against_one_replica(client: Client, site: Site) -> None:
    seed_replicas(site)
    batch = {"batch": "100-sgd-0.001"}
    assert series(client, "replicas-speed-up", **batch) == {"PyTorch": [(1, 1), (2, 1.6)], "Ideal": [(1, 1), (2, 2)]}
    assert series(client, "replicas-strong", **batch)["PyTorch"] == [(1, 100), (2, 80)]
    # 217 steps of 200 train on 43,400 samples, 435 of 100 on 43,500.
    assert series(client, "replicas-weak", **batch)["PyTorch"] == [(1, 100), (2, 99.77)]


def test_page_file_and_api_say_the_same(client: Client, site: Site) -> None:
    seed_replicas(site)
    query = {"batch": "100-sgd-0.001"}
    words = text(client, reverse("replicas") + "?batch=100-sgd-0.001")
    assert "100, the same batch" in words
    assert "1.60×" in words
    rows = csv_table(client, "replicas", query)
    assert [(row["scaling"], row["of_replicas"]) for row in rows] == [
        *(("strong", "1"), ("strong", "2"), ("weak", "1"), ("weak", "2"))
    ]
    answer = api(client, "replication")
    found = {
        (line["scaling"], line["points"][0]["held"]["batch_size"]): round(line["points"][1]["speed_up"]["value"], 3)
        for line in answer["replication"]
    }
    assert found == {("strong", 100): 1.6, ("strong", 200): 1.6, ("weak", 100): 1.995}


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": "other"},
        {"threads": 2},
        {"track": "tuned"},
        {"workload": {"optimizer": "adam"}},
        {"workload": {"data_sha256": "b" * 64}},
        {"workload": {"train_samples": 1000}},
        {"workload": {"batch_size": 150}},
    ],
    ids=str,
)
def test_what_differs_in_more_than_replicas_is_no_scaling(client: Client, site: Site, changes: dict[str, Any]) -> None:
    site.cell("torch", make_workload("mlp", 8, 200), seconds=1.0)
    machine = {"machine": make_machine("other")} if "machine" in changes else {}
    columns = {name: value for name, value in changes.items() if name in ("threads", "track")}
    workload = make_workload("mlp", 8, 200, replicas=2, **changes.get("workload", {}))
    site.cell("torch", workload, seconds=0.5, **machine, **columns)
    assert "One replica only" in text(client, f"{reverse('replicas')}?machine={site.machine.pk}")
    assert api(client, "replication", machine=site.machine.pk)["replication"] == []


def test_replicas_without_a_single_one_beside_them_are_told_with_the_reason(client: Client, site: Site) -> None:
    site.cell("torch", make_workload("mlp", 8, 200), seconds=1.0)
    site.cell("torch", make_workload("mlp", 8, 200, replicas=2, optimizer="adam"), seconds=0.5)
    (sentence,) = api(client, "replication")["not_compared"]
    assert "training: sgd 0.001 / adam 0.001" in sentence


def test_no_other_answer_takes_several_replicas_for_one(client: Client, site: Site) -> None:
    """An engine that is ten times as fast on ten replicas: every page says so, or leaves it alone."""
    for engine, seconds in (("torch", 1.0), ("jax", 2.0)):
        site.cell(engine, make_workload("mlp", 8, 200), seconds=seconds)
    asked = {"recommendation": "situations", "scaling": "scaling", "speed-ups": "speed_ups", "comparisons": "standings"}
    before = {name: api(client, name)[part] for name, part in asked.items()}
    claims = verdicts_of_claims(client)
    site.cell("jax", make_workload("mlp", 8, 200, replicas=10), seconds=0.2)
    now = {name: api(client, name)[part] for name, part in asked.items()}
    for situation in (*before["recommendation"], *now["recommendation"]):
        del situation["choices"]  # ten replicas may be asked for: a choice more
    assert now == before
    assert verdicts_of_claims(client) == claims
    ten = api(client, "comparisons", batch="100-sgd-0.001-10-replicas")["standings"]
    assert [(each["engine"], each["held"]["replicas"]) for each in ten] == [("jax", 10)]


def test_what_the_gate_says_of_three_replicas_it_says_not_of_two(client: Client, site: Site) -> None:
    """Uneven shares may go wrong where even ones do not."""
    for replicas, word in ((2, "passed"), (3, "failed")):
        workload = make_workload("mlp", 8, 200, replicas=replicas)
        site.cell("torch", workload, seconds=1.0, equivalence=word, engine_sha256="b" * 64)
    for replicas, missing in ((2, None), (3, "not_equivalent")):
        (standing,) = api(client, "comparisons", batch=f"100-sgd-0.001-{replicas}-replicas")["standings"]
        assert standing["missing"] == missing


def test_unasked_no_page_begins_with_several_replicas_where_there_is_one(client: Client, site: Site) -> None:
    """However many more cells have several: in what was measured, one is what people take it for."""
    for engine, seconds in (("theano", 1.0), ("tensorflow", 2.0)):
        site.cell(engine, make_workload("mlp", 8, 100), seconds=seconds)
    claims = verdicts_of_claims(client)
    for width in (25, 50, 100, 200):
        for engine, seconds in (("theano", 2.0), ("tensorflow", 1.0)):
            site.cell(engine, make_workload("mlp", 8, width, replicas=2), seconds=seconds)
    (held,) = {each["held"]["replicas"] for each in api(client, "comparisons")["standings"]}
    assert held == 1
    assert verdicts_of_claims(client) == claims
    (answer,) = (each for each in api(client, "recommendation")["situations"] if each["situation"] == "mlp_cpu")
    assert answer["candidates"][0]["engine"] == "theano"


def test_the_study_s_pages_take_one_replica_alone(client: Client, site: Site) -> None:
    site.cell("jax", make_workload("cnn", 1, 2), seconds=1.0)  # of no engine of the study's
    nothing = verdicts_of_claims(client)
    for engine in ("theano", "tensorflow"):
        for width in (25, 100, 200):
            site.cell(engine, make_workload("mlp", 8, width, replicas=2), seconds=1.0)
    assert verdicts_of_claims(client) == nothing
    figure = client.get(reverse("chart", args=["figure"]), {"figure": "4-5"}).json()
    assert figure["data"]["datasets"] == []


def test_two_replicas_of_a_thread_each_use_no_more_than_they_were_given(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 200, replicas=2)
    for threads in (1, 2):
        site.cell("torch", workload, seconds=1 / threads, threads=threads)
    for run in Run.objects.all():
        record = run.record
        record["training"]["threads_observed"] = 1.9 * run.threads
        run.record = record
        run.save()
    assert "It was given" not in text(client, reverse("threads"))
