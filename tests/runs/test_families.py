"""Networks of today in the database, pages and API: told apart by what makes them other networks, and like before."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from engines import networks
from engines.contract import DataSet, Network, Optimizer, Option, Workload, as_json, content_hash
from engines.networks import ARCHITECTURES
from engines.run_record import RunRecord
from runs.api.finding_documents import Held
from runs.errors import RecordError
from runs.findings.alike import HELD_NAMES
from runs.models import Run, Summary
from runs.models import Workload as WorkloadRow
from runs.records.run_records import parse_record
from tests.records import SHUTTLE, make_cell, make_record
from tests.runs.pages.reading import text

pytestmark = pytest.mark.django_db
TEXT = DataSet("shakespeare", "shipped", "c" * 64, 64_000, 10_000)
GREY = DataSet("fashion-mnist-10k", "shipped", "d" * 64, 4_000, 2_000)
SGD = Optimizer()
SMALL = Network("transformer", 2, 64)
LONG = dataclasses.replace(SMALL, options=(Option("context", 128),))


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    """Hashed file names need a collectstatic, which tests do without."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


def record_of(
    engine: str, network: Network, data: DataSet, *, optimizer: Optimizer = SGD, batch: int = 20, block: int = 0
) -> RunRecord:
    cell = dataclasses.replace(
        make_cell(engine, Network("mlp", 1, 1)), workload=Workload(network, data, batch, optimizer)
    )
    work = networks.work_of(cell.workload)
    made = make_record(cell=dataclasses.replace(cell, workload=Workload(Network("mlp", 1, 1), SHUTTLE)), block=block)
    assert made.training
    training = dataclasses.replace(
        made.training,
        parameters=networks.parameters(network),
        flops_per_epoch=work.flops,
        steps_per_epoch=work.steps,
    )
    return dataclasses.replace(made, cell=cell, training=training)


def load(tmp_path: Path, *records: RunRecord) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(as_json(record) + "\n" for record in records))
    call_command("importruns", str(path), verbosity=0)


def test_a_workload_of_the_first_version_keeps_its_text_and_its_key() -> None:
    """As version 0.1 wrote them, before there were options, momentum and tasks."""
    workload = Workload(Network("mlp", 8, 100), DataSet("shuttle", "shipped", "a" * 64, 43_500, 14_500))
    assert json.loads(as_json(workload))["network"] == {"type": "mlp", "hidden_layers": 8, "width": 100}
    assert json.loads(as_json(workload))["optimizer"] == {"name": "sgd", "learning_rate": 0.001}
    assert content_hash(workload) == "a913504b4bc4fe3fe9a19c4b7da685f2"


def test_a_record_of_the_first_version_is_given_back_as_it_came(tmp_path: Path) -> None:
    old = dataclasses.replace(make_record(), schema_version=1)
    load(tmp_path, old)
    assert Run.objects.get().record == json.loads(as_json(old))


def test_both_versions_of_a_workload_are_one_cell(tmp_path: Path) -> None:
    old, new = dataclasses.replace(make_record(block=0), schema_version=1), make_record(block=1)
    load(tmp_path, old, dataclasses.replace(new, run_id="00000000-0000-4000-8000-000000000001"))
    assert WorkloadRow.objects.count() == Summary.objects.count() == 1


@pytest.mark.parametrize("family", ARCHITECTURES)
def test_every_family_is_stored_and_named_on_the_page_of_its_run(tmp_path: Path, client: Client, family: str) -> None:
    of_family = networks.of_type(family)
    network, data = of_family.gate[0], TEXT if of_family.takes == "tokens" else GREY
    load(tmp_path, record_of("jax", network, data))
    run = Run.objects.get()
    assert run.workload.network == network
    page = text(client, run.get_absolute_url())
    assert of_family.title in page


def test_what_makes_another_network_makes_another_cell(tmp_path: Path) -> None:
    load(
        tmp_path,
        record_of("jax", SMALL, TEXT),
        dataclasses.replace(record_of("jax", LONG, TEXT), run_id="00000000-0000-4000-8000-000000000002"),
        dataclasses.replace(
            record_of("jax", SMALL, TEXT, optimizer=Optimizer("adam")), run_id="00000000-0000-4000-8000-000000000003"
        ),
        dataclasses.replace(
            record_of("jax", SMALL, TEXT, optimizer=Optimizer(momentum=0.9)),
            run_id="00000000-0000-4000-8000-000000000004",
        ),
    )
    assert Summary.objects.count() == 4
    told = set(WorkloadRow.objects.values_list("options", "optimizer"))
    assert told == {("", "sgd"), ("context 128", "sgd"), ("", "adam"), ("", "sgd momentum 0.9")}


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        (Workload(Network("transformer", 2, 10), TEXT, 20), "multiple of its 4 heads"),
        (Workload(Network("lstm", 3, 8), GREY, 20), "allowed for LSTM: 1 to 2"),
        (Workload(SMALL, GREY, 20), "dataset is fashion-mnist-10k, allowed for Transformer: shakespeare"),
        (Workload(Network("lstm", 1, 8, (Option("heads", 2),)), GREY, 20), "options has 'heads'"),
        (Workload(Network("lstm", 1, 8), GREY, 20, Optimizer("rmsprop")), "allowed: sgd, adam"),
        (Workload(Network("lstm", 1, 8), GREY, 20, Optimizer("adam", momentum=0.9)), "allowed for adam: none"),
    ],
    ids=str,
)
def test_a_record_of_what_cannot_be_is_refused_with_what_is_allowed(workload: Workload, words: str) -> None:
    record = make_record()
    refused = dataclasses.replace(record, cell=dataclasses.replace(record.cell, workload=workload))
    with pytest.raises(RecordError, match=words):
        parse_record(as_json(refused))


def test_each_family_has_an_answer_of_its_own_on_the_home_page(tmp_path: Path, client: Client) -> None:
    records = [
        record_of(engine, network, data, block=block)
        for network, data in ((Network("lstm", 1, 8), GREY), (SMALL, TEXT))
        for engine in ("jax", "torch")
        for block in range(3)
    ]
    named = [
        dataclasses.replace(each, run_id=f"00000000-0000-4000-8000-{number:012}") for number, each in enumerate(records)
    ]
    load(tmp_path, *named)
    page = text(client, "/")
    assert "LSTM" in page
    assert "Transformer" in page
    assert client.get("/explore/?network=lstm").status_code == 200
    assert client.get("/api/v1/recommendation/").status_code == 200
    found = client.get("/api/v1/runs/?network=transformer").json()
    assert {each["network"] for each in found["results"]} == {"transformer"}


def test_the_api_s_schema_names_all_that_is_held_equal() -> None:
    assert set(HELD_NAMES) <= set(Held.__annotations__)


def test_the_api_tells_options_and_optimizer(tmp_path: Path, client: Client) -> None:
    load(tmp_path, record_of("jax", LONG, TEXT, optimizer=Optimizer(momentum=0.9)))
    (workload,) = client.get("/api/v1/workloads/").json()["results"]
    assert (workload["options"], workload["optimizer"]) == ("context 128", "sgd momentum 0.9")
    (run,) = client.get("/api/v1/runs/").json()["results"]
    assert (run["network"], run["options"]) == ("transformer", "context 128")
