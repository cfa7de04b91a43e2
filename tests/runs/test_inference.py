"""Calls are kept beside epochs, whole and apart: what is asked of training never meets what a call took."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import pytest
from django.test import Client

from engines.contract import Network, as_json
from engines.run_record import QUANTILES, RunRecord
from runs.errors import RecordError
from runs.models import Run, Summary
from runs.models.stored_form import PartTexts, stored_form
from runs.pages import inference
from runs.pages.index import CHARTS, TABLES
from runs.records.run_records import parse_record
from runs.selectors.cells import cells_of
from runs.selectors.runs import newest_run_of_each_track
from runs.selectors.scopes import machines_with_a_gpu, scope, with_both_devices
from runs.services.recording import record_runs
from runs.services.summaries import rebuild_summaries, recount
from tests.records import MACHINE, make_inference, make_inference_record, make_record

pytestmark = pytest.mark.django_db
ENGINES = ("tensorflow", "keras-tensorflow")
FINDINGS = ("comparisons", "speed-ups", "scaling", "recommendation", "claims")


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


def trained() -> list[RunRecord]:
    return [
        make_record(engine, Network("mlp", 8, width), epoch_seconds=0.1 + place / 10 + block / 1000, block=block)
        for place, engine in enumerate(ENGINES)
        for width in (25, 50)
        for block in range(3)
    ]


def asked(**changes: Any) -> list[RunRecord]:
    return [
        make_inference_record(
            engine, Network("mlp", 8, 25), median_seconds=1e-3 + block / 1e6, batch_size=batch, block=block, **changes
        )
        for engine in (*ENGINES, "onnxruntime")
        for batch in (1, 100)
        for block in range(3)
    ]


def test_a_record_of_calls_survives_its_text() -> None:
    record = make_inference_record()
    assert parse_record(as_json(record)) == record


def test_a_record_of_training_is_written_as_it_always_was() -> None:
    body = json.loads(stored_form(make_record(), PartTexts()).body)
    assert "inference" not in body
    assert "task" not in body["cell"]["workload"]
    assert "inference" in json.loads(stored_form(make_inference_record(), PartTexts()).body)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (dataclasses.replace(make_inference_record(), inference=None), "has the part 'inference'"),
        (dataclasses.replace(make_inference_record(), training=make_record().training), "has the part 'training'"),
        (
            dataclasses.replace(make_record(), inference=make_inference(make_record().cell)),
            "has the part 'inference'",
        ),
        (dataclasses.replace(make_inference_record(), status="crashed", reason="x"), "has the part 'inference'"),
        (
            dataclasses.replace(
                make_inference_record(),
                inference=dataclasses.replace(make_inference(make_record().cell), quantiles=(1.0,) + (0.5,) * 11),
            ),
            "inference.quantiles are not in order",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(record: RunRecord, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        parse_record(as_json(record))


def test_a_run_keeps_the_median_the_tail_and_the_mean_of_its_calls() -> None:
    record_runs(records=[make_inference_record(median_seconds=2e-3)])
    run = Run.objects.get()
    assert (run.seconds, run.tail_seconds, run.mean_seconds) == pytest.approx((2e-3, 3e-3, 2.1e-3))


def test_a_summary_has_tails_and_means_and_can_be_made_again() -> None:
    record_runs(records=asked()[:3])
    first = Summary.objects.values("samples", "tails", "means").get()
    assert [block for block, _ in first["tails"]] == [0, 1, 2]
    assert all(tail > median for (_, tail), (_, median) in zip(first["tails"], first["samples"], strict=True))
    assert first["means"][0][1] == pytest.approx(math.log(1.05e-3))
    recount(Run.objects.all()[0])
    assert Summary.objects.values("samples", "tails", "means").get() == first
    rebuild_summaries()
    assert Summary.objects.values("samples", "tails", "means").get() == first


def test_no_table_chart_or_answer_about_training_changes_when_calls_arrive(client: Client) -> None:
    record_runs(records=trained())
    before = everything(client)
    assert len(before) > 15
    assert any("tensorflow" in text.lower() for text in before.values())
    record_runs(records=asked())
    after = everything(client)
    assert [name for name, text in before.items() if after[name] != text] == []


def test_a_history_begins_with_training_whatever_was_recorded_first(client: Client) -> None:
    record_runs(records=[*asked(), *asked(experiment="later")])
    record_runs(records=trained())
    shown = client.get("/history/").context["found"]
    assert shown.workload.task == "train"
    assert {each.task for each in shown.workloads} == {"train", "infer"}


def everything(client: Client) -> dict[str, str]:
    other = {"epochs", "losses", "place", "coverage", *inference.CHARTS, *inference.TABLES}
    addresses = [f"/charts/{slug}.json" for slug in CHARTS if slug not in other]
    addresses += [f"/tables/{slug}.csv" for slug in TABLES if slug not in other] + [
        f"/api/v1/{name}/" for name in FINDINGS
    ]
    figure = {"figure": "4-1"}
    answers = {
        each: client.get(each, {"experiment": "quick"} | ({} if each.startswith("/api/") else figure))
        for each in addresses
    }
    return {address: found.content.decode() for address, found in answers.items() if found.status_code == 200}


def test_each_task_has_its_own_cells() -> None:
    record_runs(records=[*trained(), *asked()])
    found = scope("quick")
    training, inference = cells_of(found), cells_of(found, "infer")
    assert {row.task for row in training} == {"train"}
    assert {(row.task, row.batch_size) for row in inference} == {("infer", 1), ("infer", 100)}
    assert {row.training for row in inference} == {"batch 1", "batch 100"}
    assert all(len(row.tails) == len(row.means) == 3 for row in inference)


def test_pages_go_on_showing_the_newest_experiment_that_trains() -> None:
    record_runs(records=[*trained(), *asked(experiment="inference")])
    found = scope()
    assert found.experiment is not None
    assert found.experiment.slug == "quick"
    assert {each.slug for each in found.experiments} == {"quick", "inference"}


def test_a_gpu_that_was_only_asked_has_no_speed_up_to_offer() -> None:
    gpu = dataclasses.replace(MACHINE, name="lab-2", fingerprint="9" * 32)
    on_gpu = [
        dataclasses.replace(each, machine=gpu, cell=dataclasses.replace(each.cell, device="gpu"))
        for each in asked(experiment="quick")
    ]
    record_runs(records=[*trained(), *on_gpu])
    found = scope("quick")
    assert machines_with_a_gpu(found) == []
    assert with_both_devices(found).gpu_machine is None


def test_a_gate_that_failed_for_one_task_says_nothing_of_the_other() -> None:
    failed = {"MLP 2x25, inference, float32": "failed: scores 0.1"}
    record_runs(records=[*trained(), *asked(equivalence="failed", gate=failed)])
    found = scope("quick")
    assert {row.outcome for row in cells_of(found)} == {"finished"}
    assert {row.outcome for row in cells_of(found, "infer")} == {"not_equivalent"}


def test_a_run_of_calls_says_so_on_its_page_in_the_list_and_in_the_api(client: Client) -> None:
    record_runs(records=[make_inference_record(median_seconds=2e-3)])
    run = Run.objects.get()
    page = client.get(run.get_absolute_url()).content.decode()
    assert "per call, the median of all" in page
    assert re.search(r"99 % of the calls within", page)
    assert "Optimizer" not in page
    assert "14,500 samples, batch 100" in page
    listed = client.get("/runs/").content.decode()
    assert "2.00 ms" in listed
    assert "MLP 8×25, inference" in listed
    found = client.get(f"/api/v1/runs/{run.run_id}/").json()
    assert (found["task"], found["epoch_seconds"], found["call_seconds"]) == ("infer", None, 2e-3)
    assert found["samples_per_second"] == pytest.approx(100 / 2.1e-3)
    assert client.get("/api/v1/runs/?task=train").json()["results"] == []


def test_an_engine_s_page_shows_what_its_tracks_set_for_training(client: Client) -> None:
    later = {"finished_at": "2026-11-25T08:00:10+00:00", "experiment": "inference"}
    record_runs(records=[*trained(), *asked(**later)])
    newest = newest_run_of_each_track("tensorflow")
    assert {track: run.workload.task for track, run in newest.items()} == {"idiomatic": "train"}
    assert newest_run_of_each_track("onnxruntime")["idiomatic"].workload.task == "infer"
    assert "tasks:\n    inference." in client.get("/engines/onnxruntime/").content.decode()


def test_quantiles_have_their_names() -> None:
    inference = make_inference(make_record().cell, 2.0)
    assert (inference.median_seconds, inference.tail_seconds) == (2.0, 3.0)
    assert len(inference.quantiles) == len(QUANTILES)
