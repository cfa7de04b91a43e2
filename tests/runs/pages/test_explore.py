"""The chart and the table of a comparison, what their address chooses, and the files they leave as."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from engines.contract import Network
from runs.models import Run
from runs.services.recording import record_runs
from tests.records import make_cell, make_record
from tests.runs.pages.reading import chart, csv_table, every_page, text
from tests.runs.site_rows import Site, make_environment, make_workload, run_record, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_chart_has_one_series_for_each_engine_and_depth(client: Client, site: Site) -> None:
    seed_study(site)
    labels = [one["label"] for one in chart(client, "?network=mlp")["data"]["datasets"]]
    assert len(labels) == len(set(labels)) == 8
    assert "Keras · Theano · 16 layers" in labels


def test_a_device_has_the_same_tint_in_every_engine_s_series(client: Client) -> None:
    for engine in ("jax", "torch"):
        cells = [make_cell(engine, device="cpu", threads=threads) for threads in (1, 2)]
        cells = cells if engine == "torch" else cells[1:]
        record_runs(records=[make_record(cell=cell) for cell in [*cells, make_cell(engine, device="gpu")]])
    sent = chart(client, "?device=cpu&device=gpu&threads=1&threads=2")
    tints = {each["label"]: each["tint"] for each in sent["data"]["datasets"]}
    by_variant: dict[str, set[int]] = {}
    for label, tint in tints.items():
        by_variant.setdefault(label.partition(" · ")[2], set()).add(tint)
    assert len(tints) == 5
    assert all(len(each) == 1 for each in by_variant.values())
    assert len({tint for each in by_variant.values() for tint in each}) == len(by_variant) == 3


def test_a_thread_count_has_the_same_tint_in_each_panel(client: Client) -> None:
    shallow, deep = Network("mlp", 8, 50), Network("mlp", 16, 50)
    cells = [make_cell("jax", shallow, threads=threads) for threads in (1, 2, 4)]
    cells.append(make_cell("jax", deep, threads=4))
    record_runs(records=[make_record(cell=cell) for cell in cells])
    asked = "?threads=1&threads=2&threads=4"
    sent = [chart(client, asked + panel)["data"]["datasets"] for panel in ("", "&panel=8", "&panel=16")]
    whole, first, second = ([each["tint"] for each in one] for one in sent)
    assert sorted(whole) == [0, 1, 2, 2]
    assert (first, second) == ([0, 1, 2], [2])


def test_each_run_is_shown_by_itself_where_that_is_asked_for(client: Client) -> None:
    times = (0.2, 0.3, 5.0)
    record_runs(records=[make_record(epoch_seconds=seconds, block=block) for block, seconds in enumerate(times)])
    (series,) = chart(client, "?intervals=runs")["data"]["datasets"]
    assert series["data"][0]["each"] == pytest.approx(times)
    assert chart(client, "?intervals=runs")["options"]["scales"]["y"]["max"] >= 5.0
    for query in ("", "?intervals=bars", "?intervals=runs&y=samples"):
        sent = chart(client, query)
        assert "each" not in sent["data"]["datasets"][0]["data"][0], query
        assert sent["options"]["intervals"] == "bars", query


def test_the_chart_and_the_table_show_the_stored_numbers(client: Client, site: Site) -> None:
    summary = site.cell("theano", make_workload("mlp", 8, 100), seconds=0.5)
    times = [run.seconds or 0 for run in Run.objects.order_by("seconds")]
    (point,) = chart(client)["data"]["datasets"][0]["data"]
    assert point["x"] == 100
    assert times[0] < point["y"] < times[-1]
    assert point["low"] < point["y"] < point["high"]
    assert point["runs"] == len(summary.samples)
    assert f"{point['y']:.3f} s" in text(client, reverse("explore"))


def test_recorded_runs_come_out_on_the_chart_as_they_went_in(client: Client) -> None:
    record_runs(records=[make_record("theano", Network("mlp", 8, 50), epoch_seconds=0.25, block=n) for n in range(3)])
    (series,) = chart(client)["data"]["datasets"]
    (point,) = series["data"]
    assert (series["label"], point["x"], point["runs"]) == ("Theano · 8 layers", 50, 3)
    assert point["y"] == pytest.approx(0.25)
    for url in every_page():
        assert client.get(url).status_code == 200, url


def test_django_chartjs_answers_without_its_view_object(client: Client, site: Site) -> None:
    seed_study(site)
    sent = chart(client)
    assert set(sent) == {"type", "data", "options", "summary"}
    assert "object at 0x" not in json.dumps(sent)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("?network=mlp&engine=theano", {"Theano · 8 layers", "Theano · 16 layers"}),
        ("?network=mlp&engine=theano&layers=8", {"Theano · 8 layers"}),
        ("?network=cnn&engine=tensorflow&layers=2", {"TensorFlow · 2 convolutions"}),
        ("?engine=no-such-engine", set()),
    ],
)
def test_filters_stand_in_the_address(client: Client, site: Site, query: str, left: set[str]) -> None:
    seed_study(site)
    assert {one["label"] for one in chart(client, query)["data"]["datasets"]} == left
    assert client.get(reverse("explore") + query).status_code == 200


def test_a_filter_left_over_from_another_network_is_dropped(client: Client, site: Site) -> None:
    seed_study(site)
    labels = {one["label"] for one in chart(client, "?network=cnn&layers=16")["data"]["datasets"]}
    assert labels
    assert all("convolution" in label for label in labels)


def test_different_data_are_never_one_series(client: Client, site: Site) -> None:
    site.cell("theano", make_workload("cnn", 1, 2), seconds=1)
    site.cell("theano", make_workload("cnn", 1, 2, data_source="synthetic"), seconds=9)
    datasets = chart(client)["data"]["datasets"]
    assert [len(one["data"]) for one in datasets] == [1]
    assert "Data set" in text(client, reverse("explore"))


def test_a_second_environment_is_offered_and_not_pooled(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 100)
    site.cell("theano", workload, seconds=1)
    newer = make_environment("theano", numpy="9.9")
    summary = site.cell("theano", workload, seconds=0.5, environment=newer)
    summary.newest_run_at = Run.objects.latest("finished_at").finished_at
    summary.save()
    (shown,) = chart(client)["data"]["datasets"]
    assert shown["data"][0]["y"] == pytest.approx(0.5, rel=0.02)
    environments = Run.objects.values_list("environment_id", flat=True).distinct()
    both = chart(client, "?" + "&".join(f"environment={pk}" for pk in environments))["data"]["datasets"]
    assert len(both) == 2
    assert both[0]["label"] != both[1]["label"]


def test_what_has_no_time_stands_in_the_table_with_its_reason(client: Client, site: Site) -> None:
    site.missing("theano", make_workload("mlp", 8, 100), status="out_of_memory", reason="It asked for 9 GiB.")
    words = text(client, reverse("explore"))
    assert "out of memory" in words
    assert "It asked for 9 GiB." in words
    assert "No cell of this choice has a time" in words


def test_filters_that_leave_nothing_say_so(client: Client, site: Site) -> None:
    seed_study(site)
    assert "No cell matches these filters" in text(client, reverse("explore") + "?engine=none")


@pytest.mark.parametrize(
    "query",
    ["?machine=%00", "?experiment=%00", "?network[]=1", "?scale=cubic", "?threads=1e99", "?engine=%F0%9F%98%80"],
)
def test_a_nonsense_address_is_no_fault(client: Client, site: Site, query: str) -> None:
    seed_study(site)
    for name in ("home", "explore", "runs", "speed-ups", "recommendation"):
        assert client.get(reverse(name) + query).status_code == 200


def test_the_linear_scale_can_be_asked_for(client: Client, site: Site) -> None:
    seed_study(site)
    assert chart(client)["options"]["scales"]["y"]["type"] == "logarithmic"
    assert chart(client, "?scale=linear")["options"]["scales"]["y"]["type"] == "linear"


def test_an_unknown_chart_is_not_found(client: Client) -> None:
    assert client.get(reverse("chart", args=["no-such-chart"])).status_code == 404


def test_a_csv_cell_is_no_formula(client: Client) -> None:
    site = Site(blocks=3)
    environment = make_environment("theano")
    workload = make_workload("mlp", 8, 25)
    site.missing("theano", workload, status="crashed", reason="=HYPERLINK(1)", environment=environment)
    (row,) = csv_table(client, "comparison")
    assert row["reason"] == "'=HYPERLINK(1)"


def test_the_table_and_its_files_hold_the_charts_numbers(client: Client, site: Site) -> None:
    seed_study(site)
    sent = client.get(reverse("chart", args=["time-per-epoch"]) + "?network=mlp").json()
    drawn = sorted(at["y"] for one in sent["data"]["datasets"] for at in one["data"])
    assert sorted(float(row["seconds"]) for row in csv_table(client, "comparison", "?network=mlp")) == pytest.approx(
        drawn
    )
    document = client.get(reverse("table", args=["comparison", "json"]) + "?network=mlp").json()
    assert sorted(row[document["columns"].index("seconds")] for row in document["rows"]) == pytest.approx(drawn)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("y=samples", 43_500.0),
        ("y=first", 1.9),
        ("y=compile", 1.9),
        ("y=total&epochs=3", 1.9 + 1.9 + 2),
        ("y=accuracy", 79.3),
    ],
)
def test_each_quantity_is_what_its_name_says(client: Client, query: str, value: float) -> None:
    site = Site(blocks=3)
    workload = make_workload("mlp", 8, 25)
    for block in range(3):
        site.run("theano", workload, block=block, epoch_seconds=1.0, record=run_record("theano", 1.0))
    site._summary("theano", workload, [[block, 0.0] for block in range(3)], {"finished": 3}, "", {})
    (series,) = client.get(reverse("chart", args=["time-per-epoch"]) + f"?{query}").json()["data"]["datasets"]
    assert series["data"][0]["y"] == pytest.approx(value)


def test_a_table_is_sorted_by_what_is_asked(client: Client, site: Site) -> None:
    seed_study(site)
    times = [float(row["seconds"]) for row in csv_table(client, "comparison", "?network=mlp&sort=-seconds")]
    assert times == sorted(times, reverse=True)


def test_a_filter_by_verdict_keeps_the_others_out_of_the_table(client: Client, site: Site) -> None:
    seed_study(site)
    assert {row["verdict"] for row in csv_table(client, "comparison", "?verdict=slower&verdict=tie")} == {
        "slower",
        "tie",
    }


@pytest.mark.parametrize(("query", "count"), [("q=keras theano", 8), ("q=nothing", 0), ("since=2999-01-01", 0)])
def test_words_and_dates_narrow_the_cells(client: Client, site: Site, query: str, count: int) -> None:
    seed_study(site)
    assert len(csv_table(client, "comparison", f"?network=mlp&{query}")) == count


def test_a_file_names_what_no_row_differs_in(client: Client, site: Site) -> None:
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    page = client.get(reverse("explore"))
    assert "On" not in [column.title for column in page.context["table"].columns]
    [row] = csv_table(client, "comparison")
    assert {name: row[name] for name in ("experiment", "machine", "device", "threads", "track")} == {
        "experiment": site.experiment.slug,
        "machine": site.machine.name,
        "device": "cpu",
        "threads": "1",
        "track": "idiomatic",
    }
