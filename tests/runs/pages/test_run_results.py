"""What a run's page says of its results."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from django.test import Client
from django.utils import translation

from engines.contract import DataSource
from runs.pages.parts.record_tables import DATA_SOURCES, placement_table, results_table
from tests.runs.site_rows import Site, make_workload, run_record

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("held", "told"), [(3 * 2**30, "3.00 GiB"), (None, None)])
def test_memory_on_the_gpu_is_told_where_it_was_counted(held: int | None, told: str | None) -> None:
    record = run_record("torch", 0.5)
    record["training"]["peak_device_bytes"] = held
    run = Site().run("torch", make_workload("mlp", 8, 25), record=record, device="gpu")
    rows = {row[0].text: row[1].text for row in results_table(run).rows}
    assert rows.get("Peak memory on the GPU") == told
    assert rows["Peak memory"] == "0.793 GiB"


def test_a_run_without_a_time_says_why_in_the_readers_language(client: Client, settings: Any) -> None:
    run = Site().run("torch", make_workload("mlp", 8, 25), status="unsupported", reason="No GPU seen.", device="gpu")
    page = client.get(f"/runs/{run.run_id}/", headers={"accept-language": "es"}).content.decode()
    assert "No se ve ninguna GPU." in page
    assert "No GPU seen." not in page


def test_every_source_of_data_is_named_in_the_readers_language() -> None:
    assert set(DATA_SOURCES) == set(get_args(DataSource))
    run = Site().run("torch", make_workload("mlp", 8, 25))
    with translation.override("es"):
        told = [row[1].text for row in placement_table(run).rows]
    assert any(text.startswith("incluidos en Benchsite, sha256") for text in told), told


def test_an_accuracy_stands_beside_that_of_always_guessing_the_commonest_class() -> None:
    run = Site().run("torch", make_workload("mlp", 8, 25))
    rows = {row[0].text: row[1].text for row in results_table(run).rows}
    assert rows["Test accuracy"] == "79.3 % (always guessing the most common class: 79.2 %)"
