"""What the data set changes: each engine against itself, per sample and per FLOP, and one honest sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from engines import networks
from engines.contract import DataSet, Network
from engines.run_record import RunRecord
from runs.services.recording import record_runs
from tests.records import MACHINE, SHUTTLE, make_cell, make_inference_record, make_record
from tests.runs.pages.reading import csv_table, text

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MLP = Network("mlp", 8, 100)
GREY = DataSet("fashion-mnist-10k", "shipped", "31216" + "3" * 59, 8_000, 2_000)
ADDRESS = "/api/v1/data-sets/"


def runs(times: Mapping[str, float], data: DataSet, network: Network = MLP, **changes: Any) -> list[RunRecord]:
    """Three blocks of each engine, with seconds per epoch."""
    return [
        make_record(
            engine,
            epoch_seconds=seconds * (1 + block / 1000),
            block=block,
            cell=make_cell(engine, network, dataset=data, **changes.get("cell", {})),
            **{name: value for name, value in changes.items() if name != "cell"},
        )
        for engine, seconds in times.items()
        for block in range(3)
    ]


def flops_per_sample(data: DataSet) -> float:
    return networks.work_of(make_cell("torch", MLP, dataset=data).workload).flops / data.train_samples


def test_each_engine_is_held_against_itself_on_the_family_s_own_data(client: Client) -> None:
    record_runs(records=[*runs({"torch": 1.0, "jax": 2.0}, SHUTTLE), *runs({"torch": 0.5, "jax": 0.4}, GREY)])
    sent = client.get(ADDRESS).json()
    assert sent["reference"] == "shuttle, 43,500 samples"
    found = {(each["engine"], each["held"]["dataset"]): each for each in sent["cells"]}
    work = flops_per_sample(GREY) / flops_per_sample(SHUTTLE)
    per_sample = 0.5 / 8_000 * 43_500
    own = found["torch", "fashion-mnist-10k"]
    assert own["sample_ratio"]["value"] == pytest.approx(per_sample)
    assert own["flop_ratio"]["value"] == pytest.approx(per_sample / work)
    assert own["sample_ratio"]["low"] == pytest.approx(per_sample)
    assert found["jax", "fashion-mnist-10k"]["sample_ratio"]["value"] == pytest.approx(per_sample * 0.4)
    assert found["torch", "shuttle"]["sample_ratio"] is None
    assert own["per_sample"]["seconds"] == pytest.approx(0.5005 / 8_000, 1e-5)


def test_page_file_chart_and_api_say_the_same(client: Client) -> None:
    record_runs(records=[*runs({"torch": 1.0, "jax": 2.0}, SHUTTLE), *runs({"torch": 0.5, "jax": 0.4}, GREY)])
    sent = client.get(ADDRESS).json()
    rows = csv_table(client, "data-sets")
    assert [float(row["seconds_per_sample"]) for row in rows] == pytest.approx(
        [each["per_sample"]["seconds"] for each in sent["cells"]]
    )
    assert [row["verdict"] for row in rows] == [each["verdict"] for each in sent["cells"]]
    drawn = client.get(reverse("chart", args=["time-per-flop"])).json()
    points = [point for series in drawn["data"]["datasets"] for point in series["data"]]
    assert sorted({point["x"] for point in points}) == pytest.approx(
        [flops_per_sample(SHUTTLE) / 1e6, flops_per_sample(GREY) / 1e6]
    )
    milliseconds = sorted(each["per_sample"]["seconds"] / each["flops_per_sample"] * 1e12 for each in sent["cells"])
    assert sorted(point["y"] for point in points) == pytest.approx(milliseconds)
    assert [mark["label"] for mark in drawn["options"]["verticals"]] == ["shuttle", "fashion-mnist-10k"]
    assert sent["answer"] in text(client, reverse("data-sets"))


@pytest.mark.parametrize(
    ("on_rows", "on_images", "words"),
    [
        ({"torch": 1.0, "jax": 2.0}, {"torch": 0.4, "jax": 0.5}, "does not hang on the data: PyTorch leads"),
        (
            {"torch": 1.0, "jax": 2.0},
            {"torch": 0.5, "jax": 0.4},
            "depends on the data: PyTorch leads on shuttle, 43,500 samples, but is slower than JAX on",
        ),
        ({"torch": 1.0}, {"torch": 0.5}, "Too few engines"),
        ({"torch": 1.0, "jax": 2.0}, {"torch": 0.5}, "Too few engines"),
    ],
)
def test_one_sentence_says_whether_the_choice_hangs_on_the_data(
    client: Client, on_rows: dict[str, float], on_images: dict[str, float], words: str
) -> None:
    record_runs(records=[*runs(on_rows, SHUTTLE), *runs(on_images, GREY)])
    assert words in client.get(ADDRESS).json()["answer"]


def test_what_no_verdict_decides_is_not_decided_in_words(client: Client) -> None:
    close = runs({"torch": 1.0, "jax": 1.04}, SHUTTLE) + runs({"torch": 1.04, "jax": 1.0}, GREY)
    noisy = [
        dataclasses.replace(each, training=make_record(epoch_seconds=seconds).training)
        for each, seconds in zip(close, (1.0, 1.3, 0.8, 1.2, 0.9, 1.4, 1.3, 1.0, 0.8, 0.9, 1.1, 1.2), strict=True)
    ]
    record_runs(records=noisy)
    assert "more runs may change who leads" in client.get(ADDRESS).json()["answer"]


def test_other_networks_machines_and_calls_stand_apart(client: Client) -> None:
    other = dataclasses.replace(MACHINE, name="lab-2", fingerprint="9" * 32)
    record_runs(
        records=[
            *runs({"torch": 1.0, "jax": 2.0}, SHUTTLE),
            *runs({"torch": 0.5, "jax": 0.4}, GREY),
            *runs({"theano": 0.1}, SHUTTLE, Network("mlp", 2, 25)),
            *runs({"theano": 0.1}, GREY, machine=other),
            *runs({"theano": 0.1}, GREY, cell={"threads": 2}),
            *(make_inference_record("theano", MLP, block=block) for block in range(3)),
        ]
    )
    machine = client.get("/api/v1/machines/?limit=9").json()["results"]
    (own,) = [each["id"] for each in machine if each["name"] == "lab-1"]
    assert {each["engine"] for each in client.get(ADDRESS, {"machine": own}).json()["cells"]} == {"torch", "jax"}


def test_another_code_s_time_on_other_data_is_no_ratio_but_a_sentence(client: Client) -> None:
    before = runs({"torch": 1.0, "jax": 2.0}, SHUTTLE) + runs({"jax": 0.4}, GREY)
    code = dataclasses.replace(before[0].code, engine_sha256="5" * 64)
    record_runs(records=[*before, *runs({"torch": 0.5}, GREY, code=code, finished_at="2026-11-25T08:00:10+00:00")])
    sent = client.get(ADDRESS).json()
    (torch,) = [each for each in sent["cells"] if each["engine"] == "torch"]
    assert (torch["held"]["dataset"], torch["sample_ratio"]) == ("fashion-mnist-10k", None)
    assert any("PyTorch" in words and "code" in words for words in sent["not_compared"])


def test_one_data_set_is_no_comparison(client: Client) -> None:
    record_runs(records=runs({"torch": 1.0, "jax": 2.0}, SHUTTLE))
    assert "runbench --suite data-sets" in text(client, reverse("data-sets"))
    sent = client.get(ADDRESS).json()
    assert (sent["cells"], sent["answer"]) == ([], None)
