"""The client reads a real site over HTTP, and says what the site says."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchsite.client import CellFilters, RunFilters, Site, SiteError
from engines.contract import as_json
from runs.models import Run
from runs.selectors.runs import RUN_FILTERS
from runs.services.recording import record_runs
from tests.records import make_inference_record, make_record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def site(live_server: Any) -> Iterator[Site]:
    with Site(live_server.url) as opened:
        yield opened


def stored(engines: str = "theano tensorflow", blocks: int = 4) -> None:
    seconds = {"theano": 2.0, "tensorflow": 1.0}
    record_runs(
        records=[
            make_record(engine, block=block, epoch_seconds=seconds[engine] * (1 + block / 1000))
            for engine in engines.split()
            for block in range(blocks)
        ]
    )


def by_engine(frame: pd.DataFrame) -> dict[Any, dict[Any, Any]]:
    return frame.set_index("engine").to_dict("index")


def test_each_run_is_a_row_with_the_sites_times(site: Site) -> None:
    stored()
    frame = site.runs(engine="theano")
    assert set(frame.epoch_seconds) == set(Run.objects.filter(engine="theano").values_list("seconds", flat=True))
    assert isinstance(frame.finished_at.dtype, pd.DatetimeTZDtype)


def test_filters_narrow_and_an_unknown_one_is_named(site: Site) -> None:
    stored()
    assert len(site.runs(status="crashed")) == 0
    with pytest.raises(SiteError, match="colour") as caught:
        site.runs(colour="red")  # type: ignore[call-arg]
    assert caught.value.status == 400


def test_the_filters_are_those_of_the_site() -> None:
    assert set(RunFilters.__annotations__) == {*RUN_FILTERS, "excluded", "ordering"}
    assert set(CellFilters.__annotations__) == {name for name, each in RUN_FILTERS.items() if not each.is_of_runs}


def test_a_cells_times_and_their_mean_come_together(site: Site) -> None:
    stored("theano", blocks=2)
    (row,) = site.summaries().to_dict("records")
    assert row["seconds"] == pytest.approx([2.0, 2.002])
    assert row["geometric_mean_seconds"] == pytest.approx((2.0 * 2.002) ** 0.5)


def test_inference_has_its_calls_and_no_epochs(site: Site) -> None:
    record_runs(records=[make_inference_record()])
    (row,) = site.runs(task="infer").to_dict("records")
    assert row["epoch_seconds"] is None or pd.isna(row["epoch_seconds"])
    assert row["call_seconds"] > 0
    assert len(site.summaries(task="infer").tail_seconds[0]) == 1


def test_a_record_comes_to_the_letter(site: Site) -> None:
    record = make_record(reason="a line\u2028and another")
    record_runs(records=[record])
    assert site.record(record.run_id)["reason"] == "a line\u2028and another"
    assert list(site.runs().reason) == ["a line\u2028and another"]


def test_verdicts_and_intervals_are_the_sites(site: Site) -> None:
    stored(blocks=6)
    advised = by_engine(site.recommendation().dropna(subset=["ratio"]))
    assert advised["tensorflow"]["is_preferred"]
    assert advised["theano"]["ratio"] == pytest.approx(2.0, rel=1e-3)
    assert advised["theano"]["ratio_low"] <= 2.0 <= advised["theano"]["ratio_high"]
    compared = by_engine(site.comparisons())
    assert compared["theano"]["seconds"] == pytest.approx(2.005, rel=1e-2)
    assert compared["theano"]["data_sha256"]


def test_a_case_is_answered_place_by_place(site: Site) -> None:
    stored(blocks=6)
    record_runs(records=[make_record("theano", experiment="elsewhere")])
    table = site.your_case("mlp", 8, 25)
    assert list(dict.fromkeys(table.experiment))[1:] == ["elsewhere"]
    first = by_engine(table[table.experiment != "elsewhere"])
    assert first["theano"]["ratio"] == pytest.approx(2.0, rel=1e-3)
    with pytest.raises(SiteError, match="layers is '0'"):
        site.your_case("mlp", 0, 25)


def test_lists_are_read_to_their_last_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    record_runs(records=[make_record(experiment=f"number {number}") for number in range(5)])
    monkeypatch.setattr("benchsite.client.site._PAGE", 2)
    assert set(site.experiments().name) == {f"number {number}" for number in range(5)}


def test_an_empty_site_gives_empty_frames(site: Site) -> None:
    assert [len(frame) for frame in (site.runs(), site.summaries(), site.machines(), site.comparisons())] == [0] * 4
    assert not len(site.recommendation().get("ratio", pd.Series()).dropna())


def test_who_cannot_be_asked_is_named() -> None:
    with Site("http://127.0.0.1:9") as site, pytest.raises(SiteError, match=r"http://127\.0\.0\.1:9 cannot be asked"):
        site.runs()


class _BusyOnce(http.server.BaseHTTPRequestHandler):
    answers: tuple[tuple[int, bytes], ...] = ((429, b"{}"), (200, b'{"results": [{"name": "lab"}], "next": null}'))
    asked = 0

    def do_GET(self) -> None:
        status, body = self.answers[min(type(self).asked, 1)]
        type(self).asked += 1
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_busy_site_is_asked_again() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _BusyOnce) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Site(f"http://127.0.0.1:{server.server_address[1]}") as site:
            assert list(site.machines().name) == ["lab"]
        server.shutdown()


def test_it_needs_nothing_of_the_site(tmp_path: Path) -> None:
    """Its files alone, in a folder of their own, as pip lays them."""
    place = tmp_path / "benchsite" / "client"
    place.mkdir(parents=True)
    for file in Path("benchsite/client").glob("*.py"):
        (place / file.name).write_bytes(file.read_bytes())
    program = (
        "import sys, benchsite.client\n"
        "known = {'django', 'runs', 'engines', 'pydantic', 'rest_framework'}\n"
        "print(sorted(known & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_records_that_the_client_reads_are_those_that_were_uploaded(site: Site) -> None:
    record = make_record()
    record_runs(records=[record])
    assert site.record(record.run_id) == json.loads(as_json(record))
