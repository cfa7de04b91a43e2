"""How fast engines answer: page, files and API say the same, and never of what was not asked."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from engines.contract import Network
from engines.run_record import RunRecord
from runs.services.recording import record_runs
from tests.records import MACHINE, SHUTTLE, make_cell, make_inference_record, make_record
from tests.runs.pages.reading import csv_table, text

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MLP, OTHER = Network("mlp", 8, 25), Network("mlp", 8, 50)
CALLS = {"tensorflow": (1e-3, 1e-2), "onnxruntime": (1e-4, 2e-3), "torch": (5e-4, 1e-3)}
"""Engine -> the median call of one sample, and of a hundred."""


def asked(blocks: int = 3, **changes: Any) -> list[RunRecord]:
    return [
        call(engine, seconds, batch, block, **changes)
        for engine, medians in CALLS.items()
        for batch, seconds in zip((1, 100), medians, strict=True)
        for block in range(blocks)
    ]


def call(engine: str, seconds: float, batch: int, block: int, network: Network = MLP, **changes: Any) -> RunRecord:
    changes = {"experiment": "asked"} | changes
    spread = 1 + block / 1000
    return make_inference_record(
        engine, network, median_seconds=seconds * spread, batch_size=batch, block=block, **changes
    )


def trained(network: Network = MLP, **changes: Any) -> list[RunRecord]:
    times = {"jax": 0.1, "tensorflow": 0.2, "torch": 0.4}
    return [
        make_record(engine, network, epoch_seconds=seconds + block / 1e4, block=block, **changes)
        for engine, seconds in times.items()
        for block in range(3)
    ]


def elsewhere(records: list[RunRecord]) -> list[RunRecord]:
    other = dataclasses.replace(MACHINE, name="lab-2", fingerprint="9" * 32)
    return [dataclasses.replace(each, machine=other) for each in records]


def on(chart: str, client: Client, query: str = "") -> dict[str, Any]:
    sent = client.get(reverse("chart", args=[chart]) + query).json()
    return {
        series["label"]: [(point["x"], point["y"]) for point in series["data"]] for series in sent["data"]["datasets"]
    }


def test_latency_is_the_median_call_and_throughput_the_batch_over_the_mean_call(client: Client) -> None:
    record_runs(records=asked())
    assert on("latency", client)["PyTorch"] == [(1, pytest.approx(0.5005)), (100, pytest.approx(1.001))]
    assert on("tail-latency", client)["PyTorch"] == [(1, pytest.approx(0.75075)), (100, pytest.approx(1.5015))]
    rates = [pytest.approx(batch / (1.05 * seconds * 1.001), 1e-5) for batch, seconds in ((1, 5e-4), (100, 1e-3))]
    assert on("throughput", client)["PyTorch"] == [(1, rates[0]), (100, rates[1])]
    assert [y for _, y in on("front", client)["PyTorch"]] == rates


def test_the_front_is_what_nothing_else_beats_in_both(client: Client) -> None:
    record_runs(records=asked())
    rows = csv_table(client, "inference")
    fronts = {(row["engine"], row["batch"]): row["front"] for row in rows}
    assert {key for key, word in fronts.items() if word == "front"} == {("ONNX Runtime", "1"), ("PyTorch", "100")}
    assert set(fronts.values()) == {"front", "beaten"}
    assert len(on("front", client)["The front"]) == 2


def test_without_intervals_nothing_is_said_to_be_beaten(client: Client) -> None:
    record_runs(records=asked(blocks=2))
    words = {(row["engine"], row["batch"]): row["front"] for row in csv_table(client, "inference")}
    assert words["ONNX Runtime", "1"] == "front"
    assert words["TensorFlow", "1"] == "unresolved"
    assert "too few runs for a verdict" in text(client, reverse("inference"))


def test_page_file_and_api_give_the_same_ratios(client: Client) -> None:
    record_runs(records=asked())
    rows = csv_table(client, "inference")
    sent = client.get("/api/v1/inference/").json()
    assert [row["engine_sha256"] for row in rows] == [each["held"]["engine_sha256"] for each in sent["calls"]]
    for row, each in zip(rows, sent["calls"], strict=True):
        assert float(row["ratio"]) == pytest.approx(each["to_fastest"]["value"])
        assert float(row["samples_per_second"]) == pytest.approx(each["samples_per_second"]["value"])
        assert float(row["tail_seconds"]) == pytest.approx(each["tail"]["seconds"])
        assert (row["verdict"], row["front"]) == (each["verdict"], each["front"])
    page = text(client, reverse("inference"))
    assert "Batch 1</dt><dd>ONNX Runtime</dd>" in page
    assert "Batch 100</dt><dd>PyTorch</dd>" in page


def test_no_time_of_training_is_among_the_calls(client: Client) -> None:
    record_runs(records=[*asked(), *trained(experiment="asked")])
    assert {row["engine"] for row in csv_table(client, "inference")} == {"TensorFlow", "ONNX Runtime", "PyTorch"}
    assert {each["held"]["task"] for each in client.get("/api/v1/inference/").json()["calls"]} == {"infer"}


def test_a_new_experiment_that_trains_is_not_what_this_page_begins_with(client: Client) -> None:
    later: dict[str, Any] = {"finished_at": "2026-11-25T08:00:10+00:00"}
    record_runs(records=[*asked(), *trained(**later)])
    assert client.get("/api/v1/inference/").json()["scope"]["experiment"] == "asked"
    assert client.get("/api/v1/comparisons/").json()["scope"]["experiment"] == "quick"


def test_beside_stands_how_the_same_network_trains_on_the_same_machine(client: Client) -> None:
    record_runs(
        records=[*asked(), *trained(), *trained(OTHER, experiment="other"), *elsewhere(trained(experiment="far"))]
    )
    sent = client.get("/api/v1/inference/").json()
    assert sent["trained_in"] == "quick"
    assert {(each["engine"], each["held"]["task"], each["width"]) for each in sent["trained"]} == {
        ("jax", "train", 25),
        ("tensorflow", "train", 25),
        ("torch", "train", 25),
    }
    page = text(client, reverse("inference"))
    assert "Training</dt><dd>JAX</dd>" in page
    row = re.search(r"<tr[^>]*><th[^>]*>(?:(?!</th>).)*PyTorch</.*?</tr>", page[page.index('id="beside"') :], re.DOTALL)
    assert row is not None
    assert re.findall(r">([\d.]+×)", row[0]) == ["5.00×", "1.00×", "4.00×"]


def test_a_network_that_nobody_trained_here_says_so(client: Client) -> None:
    record_runs(records=[*asked(), *trained(OTHER)])
    assert client.get("/api/v1/inference/").json()["trained_in"] is None
    assert "has trained this network on this data yet" in " ".join(text(client, reverse("inference")).split())


def test_one_machine_s_calls_never_meet_another_s(client: Client) -> None:
    record_runs(records=[*asked(), *elsewhere([call("theano", 1e-6, 1, block) for block in range(3)])])
    scopes = client.get("/api/v1/inference/").json()
    others = client.get("/api/v1/inference/", {"machine": scopes["scope"]["machine_id"]}).json()
    engines = {tuple(sorted({each["engine"] for each in sent["calls"]})) for sent in (scopes, others)}
    assert all(("theano" in names) is (names == ("theano",)) for names in engines)


def test_batches_of_another_code_stand_in_no_line_and_are_named(client: Client) -> None:
    old = [call("torch", 5e-4, batch, block) for batch in (1, 100) for block in range(3)]
    code = dataclasses.replace(old[0].code, engine_sha256="5" * 64)
    new: dict[str, Any] = {"code": code, "finished_at": "2026-11-25T08:00:10+00:00"}
    record_runs(records=[*old, *(call("torch", 2e-4, 1, block, **new) for block in range(3))])
    assert on("latency", client)["PyTorch"] == [(1, pytest.approx(0.2002))]
    (sentence,) = client.get("/api/v1/inference/").json()["not_compared"]
    assert "the engine&#x27;s code" in text(client, reverse("inference"))
    assert "batch size" not in sentence.split("differs")[1].split(":")[0]


def test_an_engine_that_failed_the_gate_is_struck_through_and_beats_nobody(client: Client) -> None:
    failed: dict[str, Any] = {"equivalence": "failed", "gate": {"MLP 2x25, inference, float32": "failed: scores 0.1"}}
    wrong = [call("theano", 1e-6, batch, block, **failed) for batch in (1, 100) for block in range(3)]
    record_runs(records=[*asked(), *wrong])
    page = text(client, reverse("inference"))
    assert "Batch 1</dt><dd>ONNX Runtime</dd>" in page
    assert "not equivalent" in page
    assert "Theano" not in on("latency", client)
    (first, _) = [row for row in csv_table(client, "inference") if row["engine"] == "Theano"]
    assert (first["seconds"], first["front"], first["verdict"]) == ("", "", "not_equivalent")


def test_what_an_older_code_gave_is_history_where_the_newest_gave_no_time(client: Client) -> None:
    old = [call("torch", 5e-4, 1, block) for block in range(3)]
    code = dataclasses.replace(old[0].code, engine_sha256="5" * 64)
    later: dict[str, Any] = {"code": code, "finished_at": "2026-11-25T08:00:10+00:00"}
    crashed = call("torch", 1.0, 1, 0, status="crashed", reason="It crashed.", inference=None, **later)
    record_runs(records=[*asked(), *old, crashed])
    found = [each for each in client.get("/api/v1/inference/").json()["calls"] if each["engine"] == "torch"]
    assert [(each["held"]["batch_size"], each["missing"]) for each in found] == [(1, "crashed"), (100, None)]


def test_training_on_another_file_of_the_data_does_not_stand_beside(client: Client) -> None:
    data = dataclasses.replace(SHUTTLE, sha256="0" * 64)
    record_runs(records=[*asked(), make_record("torch", cell=make_cell("torch", MLP, dataset=data))])
    assert client.get("/api/v1/inference/").json()["trained_in"] is None


def test_each_network_is_asked_for_by_its_name(client: Client) -> None:
    record_runs(records=[*asked(), *(call("torch", 1e-2, 1, block, OTHER) for block in range(3))])
    assert set(on("latency", client, "?network=mlp-8x50")) == {"PyTorch"}
    sent = client.get("/api/v1/inference/", {"network": "mlp-8x50"}).json()
    assert {each["width"] for each in sent["calls"]} == {50}
    refused = client.get("/api/v1/inference/", {"network": "mlp-9x9"})
    assert refused.status_code == 404
    assert "mlp-8x50" in refused.content.decode()


def test_both_tracks_are_rivals_until_one_is_picked(client: Client) -> None:
    cell = dataclasses.replace(make_inference_record("torch", MLP, batch_size=1).cell, track="tuned")
    tuned = [call("torch", 1e-5, 1, block, cell=cell) for block in range(3)]
    record_runs(records=[*asked(), *tuned])
    assert "Batch 1</dt><dd>PyTorch · tuned</dd>" in text(client, reverse("inference"))
    assert "Batch 1</dt><dd>ONNX Runtime</dd>" in text(client, reverse("inference") + "?track=idiomatic")


def test_an_experiment_s_page_leads_to_what_it_has(client: Client) -> None:
    record_runs(records=[*asked(), *trained()])
    only_asks, only_trains = (text(client, reverse("experiment", args=[slug])) for slug in ("asked", "quick"))
    assert "/inference/?experiment=asked" in only_asks
    assert "/explore/?experiment=asked" not in only_asks
    assert "/inference/?experiment=quick" not in only_trains
    assert "/explore/?experiment=quick" in only_trains


def test_pages_about_training_lead_away_from_an_experiment_that_only_asks(client: Client) -> None:
    record_runs(records=[*asked(), *trained()])
    for name in ("home", "explore", "recommendation", "threads", "speed-ups"):
        assert "its networks are asked" in text(client, reverse(name) + "?experiment=asked")
        assert "its networks are asked" not in text(client, reverse(name) + "?experiment=quick")
    assert "its networks are asked" not in text(client, reverse("inference") + "?experiment=asked")


def test_where_nothing_was_asked_the_page_says_how_to(client: Client) -> None:
    record_runs(records=trained())
    for query in ("", "?experiment=quick"):
        assert "runbench --suite inference" in text(client, reverse("inference") + query)
    assert make_cell().workload.task == "train"
