"""Only like is compared with like: records that differ in more than what is compared, through page, export and API."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from engines.contract import Cell, DataSet, Network, as_json
from engines.run_record import Code, Environment, Machine, RunRecord
from runs.models import PublishedSpeedUp, Run, Workload
from runs.models.subjects import known_network_type
from runs.selectors.study import published_speed_ups
from runs.services.summaries import rebuild_summaries
from tests.records import ENVIRONMENT, MACHINE, SHUTTLE, make_cell, make_record
from tests.runs.kept import kept_rows
from tests.runs.pages.reading import csv_table, text

pytestmark = pytest.mark.django_db
NETWORK = Network("mlp", 8, 100)
GATE = {"MLP 2x25, float32": "failed: losses 0.34, weights 1.2, updates 0.9"}
GPU_BOX = dataclasses.replace(MACHINE, name="gpu-box", fingerprint="9" * 32, gpus=("NVIDIA H100",))


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    """Hashed file names need a collectstatic, which tests do without."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """Imports records as a user would, from a file."""

    def store(*records: RunRecord) -> None:
        path = tmp_path / "runs.jsonl"
        path.write_text("".join(as_json(record) + "\n" for record in records))
        call_command("importruns", str(path), verbosity=0)

    return store


def runs_of(
    engine: str,
    seconds: float,
    *,
    blocks: range = range(3),
    batch: int = 100,
    code: str = "a" * 32,
    data: DataSet = SHUTTLE,
    network: Network = NETWORK,
    environment: Environment = ENVIRONMENT,
    machine: Machine = MACHINE,
    day: int = 24,
    gate: dict[str, str] | None = None,
    **cell: Any,
) -> list[RunRecord]:
    """A run in each block, of about the same time."""
    made: Cell = make_cell(engine, network, dataset=data)
    made = dataclasses.replace(made, **cell, workload=dataclasses.replace(made.workload, batch_size=batch))
    return [
        make_record(
            cell=made,
            epoch_seconds=seconds * (1 + 0.002 * (block % 3)),
            block=block,
            machine=machine,
            environment=environment,
            code=Code("0.1.0", "0" * 40, dirty=False, engine_sha256=code),
            started_at=f"2026-11-{day}T08:00:00+00:00",
            finished_at=f"2026-11-{day}T08:{block:02}:10+00:00",
            equivalence="failed" if gate else "passed",
            gate=gate or {},
        )
        for block in blocks
    ]


def api(client: Client, name: str, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/v1/{name}/{query}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def situation(client: Client, slug: str = "mlp_cpu", query: str = "") -> dict[str, Any]:
    found = api(client, "recommendation", query)["situations"]
    answer: dict[str, Any] = next(each for each in found if each["situation"] == slug)
    return answer


# ---------------------------------------------------------------- the gate


def test_an_engine_that_failed_the_gate_is_recommended_nowhere(client: Client, load: Any) -> None:
    load(*runs_of("theano", 0.1, gate=GATE), *runs_of("tensorflow", 1.0), *runs_of("keras-tensorflow", 2.0))
    answer = situation(client)
    assert answer["preferred"] == "tensorflow"
    theano = next(each for each in answer["candidates"] if each["engine"] == "theano")
    assert (theano["missing"], theano["to_best"]) == ("not_equivalent", None)
    assert "losses 0.34" in theano["reason"]
    rows = {row["engine"]: row for row in csv_table(client, "recommendation")}
    assert (rows["theano"]["verdict"], rows["theano"]["seconds"]) == ("not_equivalent", "")
    words = text(client, reverse("recommendation"))
    assert "<s>0.100 s</s>" in words
    assert "losses 0.34" in words
    assert ">not equivalent</span>" in text(client, reverse("home"))


def test_an_engine_that_failed_the_gate_counts_in_no_comparison(client: Client, load: Any) -> None:
    load(
        *runs_of("theano", 0.1, gate=GATE),
        *runs_of("theano", 0.05, gate=GATE, threads=2),
        *runs_of("theano", 0.01, gate=GATE, device="gpu"),
        *runs_of("tensorflow", 1.0),
    )
    standing = next(each for each in api(client, "comparisons")["standings"] if each["engine"] == "theano")
    assert (standing["missing"], standing["estimate"], standing["to_fastest"]) == ("not_equivalent", None, None)
    assert "losses 0.34" in standing["reason"]
    assert api(client, "scaling")["scaling"] == []
    assert [each for each in api(client, "speed-ups")["speed_ups"] if each["measured"]] == []
    assert csv_table(client, "compare", "?a_engine=tensorflow&b_engine=theano") == []
    assert "losses 0.34" in text(client, reverse("compare") + "?a_engine=tensorflow&b_engine=theano")
    assert csv_table(client, "threads") == []
    chart = client.get(reverse("chart", args=["time-per-epoch"])).json()
    assert [series["label"] for series in chart["data"]["datasets"]] == ["TensorFlow · 8 layers"]
    (row,) = [row for row in csv_table(client, "comparison") if row["engine"] == "Theano"]
    assert (row["seconds"], row["verdict"]) == ("", "not_equivalent")


def test_what_failed_on_one_machine_does_not_count_on_another_that_never_asked(client: Client, load: Any) -> None:
    unverified = [dataclasses.replace(run, equivalence="unverified") for run in runs_of("theano", 0.1, day=26)]
    elsewhere = [
        dataclasses.replace(run, machine=GPU_BOX, placement=dataclasses.replace(run.placement, experiment="other"))
        for run in runs_of("theano", 0.1, gate=GATE)
    ]
    load(*unverified, *runs_of("tensorflow", 1.0, day=26))
    assert situation(client, query="?experiment=quick")["preferred"] == "theano"
    load(*elsewhere)
    assert situation(client, query="?experiment=quick")["candidates"][-1]["missing"] == "not_equivalent"


def test_a_gate_that_passed_after_it_had_failed_is_what_counts(client: Client, load: Any) -> None:
    load(*runs_of("theano", 0.1, gate=GATE), *runs_of("tensorflow", 1.0), *runs_of("keras-theano", 1.0))
    load(*runs_of("theano", 0.1, blocks=range(3, 6), day=25))
    assert situation(client)["preferred"] == "theano"


# ---------------------------------------------------------------- choices


def test_each_batch_size_has_its_own_recommendation(client: Client, load: Any) -> None:
    load(
        *runs_of("theano", 1.0),
        *runs_of("tensorflow", 2.0),
        *runs_of("theano", 0.9, batch=1000, day=25),
        *runs_of("tensorflow", 0.3, batch=1000, day=23),
    )
    assert situation(client)["preferred"] == "theano"
    assert situation(client, query="?batch=1000-sgd-0.001")["preferred"] == "tensorflow"
    choice = next(each for each in situation(client)["choices"] if each["name"] == "batch")
    assert [(each["value"], each["is_held"]) for each in choice["values"]] == [
        ("100-sgd-0.001", True),
        ("1000-sgd-0.001", False),
    ]
    words = text(client, reverse("recommendation") + "?batch=1000-sgd-0.001")
    assert "batch 1000, sgd 0.001" in words
    assert 'value="100-sgd-0.001">' in words
    rows = csv_table(client, "recommendation", "?batch=1000-sgd-0.001")
    assert {row["batch_size"] for row in rows} == {"1000"}
    assert [row["engine"] for row in rows if row["recommended"] == "True"] == ["tensorflow"]
    assert "batch 100, sgd 0.001" in text(client, reverse("home"))


def test_a_choice_that_no_answer_has_is_refused_by_the_api(client: Client, load: Any) -> None:
    load(*runs_of("theano", 1.0), *runs_of("tensorflow", 2.0))
    answer = client.get("/api/v1/recommendation/?batch=7")
    assert answer.status_code == 404
    assert "100-sgd-0.001" in json.dumps(answer.json())


def test_each_file_of_a_data_set_has_its_own_recommendation(client: Client, load: Any) -> None:
    other = dataclasses.replace(SHUTTLE, sha256="7" * 64)
    load(
        *runs_of("theano", 1.0),
        *runs_of("tensorflow", 2.0),
        *runs_of("theano", 0.9, data=other, day=25),
        *runs_of("tensorflow", 0.3, data=other, day=23),
    )
    choice = next(each for each in situation(client)["choices"] if each["name"] == "data")
    labels = {each["label"]: each["value"] for each in choice["values"]}
    assert len(labels) == 2, "two files of one name are told apart"
    answers = {situation(client, query=f"?data={value}")["preferred"] for value in labels.values()}
    assert answers == {"theano", "tensorflow"}
    assert {row["data_sha256"] for row in csv_table(client, "recommendation")} in ({"7" * 64}, {SHUTTLE.sha256})


# ---------------------------------------------------------------- the engine's code


def test_changed_code_is_another_cell_and_the_newer_answers(client: Client, load: Any) -> None:
    load(
        *runs_of("theano", 2.0, day=23),
        *runs_of("theano", 0.5, code="b" * 32, blocks=range(3, 6), day=25),
        *runs_of("tensorflow", 1.0, blocks=range(6)),
    )
    answer = situation(client)
    assert answer["preferred"] == "theano"
    theano = next(each for each in answer["candidates"] if each["engine"] == "theano")
    assert theano["held"]["engine_sha256"] == "b" * 32
    standings = [each for each in api(client, "comparisons")["standings"] if each["engine"] == "theano"]
    assert [each["estimate"]["runs"] for each in standings] == [3]
    older = api(client, "comparisons", f"?code={'a' * 8}&code={'b' * 8}")["standings"]
    assert sorted(each["held"]["engine_sha256"][0] for each in older if each["engine"] == "theano") == ["a", "b"]
    rows = [row for row in csv_table(client, "comparison") if row["engine"] == "Theano"]
    assert [(row["engine_sha256"], row["runs"]) for row in rows] == [("b" * 32, "3")]
    kept = kept_rows()
    rebuild_summaries()
    assert kept_rows() == kept


def test_a_cell_s_link_leads_to_its_own_runs_alone(client: Client, load: Any) -> None:
    load(*runs_of("theano", 1.0), *runs_of("theano", 0.2, batch=1000, blocks=range(3, 6), day=25))
    load(*runs_of("theano", 2.0, code="b" * 32, blocks=range(6, 9), day=22))
    (point,) = client.get(reverse("chart", args=["time-per-epoch"])).json()["data"]["datasets"][0]["data"]
    query = point["url"].partition("?")[2]
    words = text(client, reverse("runs") + f"?{query}")
    assert {run.block for run in Run.objects.all() if str(run.run_id) in words} == {0, 1, 2}
    found = api(client, "runs", "?" + "&".join(each for each in query.split("&") if "experiment" not in each))
    assert {run["block"] for run in found["results"]} == {0, 1, 2}


# ---------------------------------------------------------------- threads


def test_threads_at_another_batch_size_are_no_scaling(client: Client, load: Any) -> None:
    load(*runs_of("theano", 1.0), *runs_of("theano", 0.28, batch=1000, threads=2))
    assert api(client, "scaling")["scaling"] == []
    assert csv_table(client, "threads") == []
    assert "One thread count only" in text(client, reverse("threads"))


def test_threads_in_another_environment_are_no_scaling_and_the_difference_is_named(client: Client, load: Any) -> None:
    other = dataclasses.replace(ENVIRONMENT, sha256="d" * 32, packages={"numpy": "2.4.7"})
    load(*runs_of("theano", 1.0), *runs_of("theano", 0.2, environment=other, threads=2))
    found = api(client, "scaling")
    assert found["scaling"] == []
    (sentence,) = found["not_compared"]
    assert "environment" in sentence
    assert "dddddddd" in sentence
    assert csv_table(client, "threads") == []
    assert "dddddddd" in text(client, reverse("threads"))


def test_a_thread_count_that_stands_in_no_scaling_is_named_beside_those_that_do(client: Client, load: Any) -> None:
    other = dataclasses.replace(ENVIRONMENT, sha256="d" * 32, packages={"numpy": "2.4.7"})
    load(
        *runs_of("theano", 1.0),
        *runs_of("theano", 0.6, threads=2),
        *runs_of("theano", 0.2, environment=other, threads=8),
    )
    found = api(client, "scaling")
    assert [[point["threads"] for point in line["points"]] for line in found["scaling"]] == [[1, 2]]
    (sentence,) = found["not_compared"]
    assert sentence.startswith("Theano, MLP 8x100, 8 CPU threads: not compared")
    assert "dddddddd" in sentence
    assert "dddddddd" in text(client, reverse("threads"))


def test_threads_of_another_code_are_no_scaling(client: Client, load: Any) -> None:
    load(*runs_of("theano", 1.0), *runs_of("theano", 0.2, code="b" * 32, threads=2))
    assert api(client, "scaling")["scaling"] == []
    assert "bbbbbbbb" in api(client, "scaling")["not_compared"][0]
    a, b = "?a_engine=theano&a_threads=1", "&b_engine=theano&b_threads=2"
    assert csv_table(client, "compare", a + b) == []
    assert "bbbbbbbb" in text(client, reverse("compare") + a + b)


def test_scaling_has_a_line_for_each_batch_size(client: Client, load: Any) -> None:
    load(
        *runs_of("theano", 1.0),
        *runs_of("theano", 0.5, threads=2),
        *runs_of("theano", 0.8, batch=1000),
        *runs_of("theano", 0.2, batch=1000, threads=2),
    )
    found = {line["held"]["batch_size"]: line["points"] for line in api(client, "scaling")["scaling"]}
    assert {batch: round(points[-1]["speed_up"]["value"], 2) for batch, points in found.items()} == {100: 2, 1000: 4}
    for batch, speed_up in ((100, 2), (1000, 4)):
        rows = csv_table(client, "threads", f"?batch={batch}-sgd-0.001")
        assert [round(float(row["speed_up"])) for row in rows] == [1, speed_up]
        assert {row["batch_size"] for row in rows} == {str(batch)}


# ---------------------------------------------------------------- speed-ups


def _both_devices(cpu: float, gpu: float, **changes: Any) -> list[RunRecord]:
    return [*runs_of("tensorflow", cpu, **changes), *runs_of("tensorflow", gpu, device="gpu", **changes)]


def test_each_track_and_batch_size_has_a_speed_up_of_its_own(client: Client, load: Any) -> None:
    call_command("loadstudy", verbosity=0)
    load(
        *_both_devices(1.0, 0.5),
        *_both_devices(1.0, 0.25, track="tuned"),
        *_both_devices(1.0, 0.2, batch=1000),
        *_both_devices(1.0, 0.1, batch=1000, track="tuned"),
    )
    wanted = {("idiomatic", 100): 2, ("tuned", 100): 4, ("idiomatic", 1000): 5, ("tuned", 1000): 10}
    entries = [each for each in api(client, "speed-ups")["speed_ups"] if each["measured"]]
    assert {
        (each["gpu"]["track"], each["gpu"]["batch_size"]): round(each["measured"]["value"]) for each in entries
    } == wanted
    rows = csv_table(client, "speed-ups")
    assert {(row["track"], int(row["batch_size"])): round(float(row["speed_up"])) for row in rows} == wanted
    for (track, batch), speed_up in wanted.items():
        page = text(client, reverse("speed-ups") + f"?track={track}&batch={batch}-sgd-0.001")
        note = next(line for line in page.splitlines() if "Measured here:" in line)
        assert f"batch {batch}, sgd 0.001 · {track}" in note
        chosen = api(client, "speed-ups", f"?track={track}&batch={batch}-sgd-0.001")["speed_ups"]
        assert [round(each["measured"]["value"]) for each in chosen if each["is_chosen"]] == [speed_up]


def test_devices_with_different_releases_give_no_speed_up(client: Client, load: Any) -> None:
    old = dataclasses.replace(ENVIRONMENT, packages={"tensorflow": "2.20.0"})
    new = Environment("tensorflow-gpu", "8" * 32, "locked", packages={"tensorflow": "2.21.0"})
    load(*runs_of("tensorflow", 1.0, environment=old), *runs_of("tensorflow", 0.1, environment=new, device="gpu"))
    found = api(client, "speed-ups")
    assert [each for each in found["speed_ups"] if each["measured"]] == []
    assert "2.20.0" in found["not_compared"][0]
    assert "2.21.0" in text(client, reverse("speed-ups"))


def test_speed_ups_over_two_machines_are_named_on_home_page_and_api(client: Client, load: Any) -> None:
    call_command("loadstudy", verbosity=0)
    slow = dataclasses.replace(MACHINE, name="old-gpu", fingerprint="8" * 32, gpus=("NVIDIA K80",))
    load(
        *runs_of("tensorflow", 1.0, day=26),
        *runs_of("tensorflow", 0.1, device="gpu", machine=GPU_BOX, day=25),
        *runs_of("tensorflow", 0.5, device="gpu", machine=slow, day=24),
    )
    found = api(client, "speed-ups")
    assert (found["scope"]["machine"], found["scope"]["gpu_machine"]) == ("lab-1", "gpu-box")
    for name in ("home", "speed-ups"):
        assert "CPU: lab-1 · GPU: gpu-box" in text(client, reverse(name))
    keys = {run.machine.name: run.machine.pk for run in Run.objects.select_related("machine")}
    asked = f"?machine={keys['lab-1']}&gpu_machine={keys['old-gpu']}"
    (entry,) = [each for each in api(client, "speed-ups", asked)["speed_ups"] if each["measured"]]
    assert round(entry["measured"]["value"]) == 2
    assert (entry["cpu"]["machine"], entry["gpu"]["machine"]) == ("lab-1", "old-gpu")
    assert "CPU: lab-1 · GPU: old-gpu" in text(client, reverse("home") + asked)
    (row,) = csv_table(client, "speed-ups", asked)
    assert (row["cpu_host"], row["gpu_host"]) == ("lab-1", "old-gpu")


def test_claims_of_the_gpu_can_be_judged_over_two_machines(
    client: Client, load: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    records = []
    for width in (25, 50, 100, 200):
        for layers in (8, 16):
            network = Network("mlp", layers, width)
            for engine in ("theano", "tensorflow", "keras-theano", "keras-tensorflow"):
                records += runs_of(engine, 1.0, network=network, day=26)
                records += runs_of(engine, 0.1, network=network, device="gpu", machine=GPU_BOX)
    load(*records)
    keys = {run.machine.name: run.machine.pk for run in Run.objects.select_related("machine")}

    def verdicts(query: str) -> set[str]:
        found = api(client, "claims", query)["claims"]
        return {claim["verdict"] for claim in found if claim["id"] == "mlp-gpu-always-faster-when-deep"}

    asked = f"?machine={keys['lab-1']}&gpu_machine={keys['gpu-box']}"
    assert "CPU: lab-1 · GPU: gpu-box" in text(client, reverse("claims") + asked)
    row = csv_table(client, "claims", asked)[0]
    assert (row["machine"], row["gpu_machine"]) == ("lab-1", "gpu-box")
    assert "batch 100, sgd 0.001" in row["data"]
    assert 'name="gpu_machine"' in text(client, reverse("claims") + f"?machine={keys['lab-1']}")
    call_command("claims", "--machine", "lab-1", "--gpu-machine", "gpu-box")
    assert "the GPU's times of gpu-box" in capsys.readouterr().out
    alone, both = (verdicts(f"?machine={keys['lab-1']}{more}") for more in ("", f"&gpu_machine={keys['gpu-box']}"))
    assert alone == {"cannot be measured today"}
    assert both - alone


# ---------------------------------------------------------------- stalled runs


def test_a_stalled_run_hides_no_difference_and_is_marked(client: Client, load: Any) -> None:
    runs = runs_of("theano", 1.0, blocks=range(10))
    stalled = dataclasses.replace(runs[4], training=make_record(epoch_seconds=3.0).training)
    load(*runs[:4], stalled, *runs[5:], *runs_of("tensorflow", 1.1, blocks=range(10)))
    answer = situation(client)
    assert (answer["preferred"], answer["not_slower"]) == ("theano", ["theano"])
    assert "1 of 10 runs" in answer["notes"][0]
    standings = {each["engine"]: each for each in api(client, "comparisons")["standings"]}
    assert standings["tensorflow"]["verdict"] == "slower"
    assert (standings["theano"]["estimate"]["runs"], standings["theano"]["estimate"]["stalled"]) == (10, 1)
    rows = {row["engine"]: row for row in csv_table(client, "comparison")}
    assert (rows["Theano"]["runs"], rows["Theano"]["stalled"]) == ("10", "1")
    assert "1 stalled" in text(client, reverse("explore"))
    (pair,) = csv_table(client, "compare", "?a_engine=theano&b_engine=tensorflow")
    assert pair["verdict"] == "slower"


def test_of_three_runs_a_stalled_one_is_named_where_the_verdict_is_open(client: Client, load: Any) -> None:
    runs = runs_of("theano", 1.0)
    load(*runs[:2], dataclasses.replace(runs[2], training=make_record(epoch_seconds=3.0).training))
    load(*runs_of("tensorflow", 1.1))
    answer = situation(client)
    assert answer["preferred"] is None
    assert "Three runs cannot do without it" in answer["notes"][0]
    assert "Three runs cannot do without it" in text(client, reverse("recommendation"))


# ---------------------------------------------------------------- the rest


def test_machines_with_one_processor_stand_beside_each_other_only_with_one_release(client: Client, load: Any) -> None:
    other = dataclasses.replace(MACHINE, name="lab-2", fingerprint="2" * 32)
    third = dataclasses.replace(MACHINE, name="lab-3", fingerprint="3" * 32)
    newer = dataclasses.replace(ENVIRONMENT, sha256="d" * 32, packages={"theano": "1.1"})
    load(*runs_of("theano", 1.0), *runs_of("theano", 2.0, machine=other))
    load(*runs_of("theano", 0.1, machine=third, environment=newer))
    page = text(client, reverse("machine", args=[Run.objects.get(machine__name="lab-1", block=0).machine.pk]))
    assert ">1 of 2</span>" in page


def test_a_network_of_an_unknown_type_is_no_mlp() -> None:
    workload = Workload(network_type="capsule", hidden_layers=1, width=1)
    with pytest.raises(ValueError, match=r"'capsule' is not known here\. Known types: mlp, cnn"):
        _ = workload.network
    PublishedSpeedUp.objects.create(network_type="mlp", engine="theano", hidden_layers=1, width=1, speed_up=2)
    assert len(published_speed_ups()["mlp"]) == 1
    with pytest.raises(ValueError, match="'capsule' is not known here"):
        known_network_type("capsule")
