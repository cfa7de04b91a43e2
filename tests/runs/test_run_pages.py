"""What a run's page says of its results."""

from __future__ import annotations

import pytest

from runs.run_pages import results_table
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
