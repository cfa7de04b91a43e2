from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from engines.contract import Network
from runs.models import Experiment, Machine, Run
from runs.services import record_runs
from tests.records import make_record
from tests.runs.site_rows import (
    Site,
    make_environment,
    make_experiment,
    make_machine,
    make_workload,
    run_record,
    seed_study,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7|add:7 }}"
MOST_QUERIES = 12

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def site() -> Site:
    return Site(blocks=3)


def pages() -> list[str]:
    """Every page that the rows at hand have."""
    urls = [reverse(name) for name in ("home", "explore", "speed-ups", "recommendation", "method", "upload-help")]
    urls += [reverse(name) for name in ("figures", "threads", "claims", "compare", "search")]
    urls += [reverse("figure", args=["4-5"]), reverse("figure", args=["4-9"]), reverse("figure", args=["4-20"])]
    urls += [reverse("claim", args=["mlp-cpu-tf-beats-th"])]
    urls += [reverse("search") + "?q=bench", reverse("machines") + "?q=bench&sort=-cores"]
    urls += [reverse("runs") + "?sort=-seconds", reverse("explore") + "?y=memory&x=flops"]
    urls += [reverse(name) for name in ("runs", "experiments", "machines", "environments", "engines")]
    urls += [reverse("engine", args=["theano"])]
    if run := Run.objects.first():
        urls += [
            run.get_absolute_url(),
            reverse("experiment", args=[run.experiment.slug]),
            reverse("machine", args=[run.machine.pk]),
            reverse("environment", args=[run.environment.pk]),
            reverse("chart", args=["time-per-epoch"]),
            reverse("chart", args=["epochs"]) + f"?run={run.run_id}",
            reverse("chart", args=["losses"]) + f"?run={run.run_id}",
            reverse("chart", args=["place"]) + f"?run={run.run_id}",
            reverse("chart", args=["stability"]) + f"?machine={run.machine.pk}",
            reverse("progress", args=[run.experiment.slug]),
        ]
    return urls


def text(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, url
    return answer.content.decode()


# ---------------------------------------------------------------- all pages


def test_every_page_stands_on_an_empty_database(client: Client) -> None:
    for url in pages():
        text(client, url)


def test_an_empty_site_says_which_commands_fill_it(client: Client) -> None:
    for name in ("home", "explore", "runs", "experiments"):
        words = text(client, reverse(name))
        assert "make bench" in words
        assert "python manage.py runbench" in words


def test_no_page_has_inline_script_or_style(client: Client, site: Site) -> None:
    seed_study(site)
    call_command("loadstudy", verbosity=0)
    for url in pages():
        words = text(client, url)
        assert not re.search(r"<script(?![^>]*\bsrc=)", words), url
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", words), url


def test_the_content_security_policy_allows_nothing_from_elsewhere(client: Client) -> None:
    policy = client.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_hostile_names_are_shown_as_text(client: Client) -> None:
    site = Site(
        blocks=3,
        experiment=make_experiment(HOSTILE[:100], slug="hostile"),
        machine=make_machine(HOSTILE[:100], cpu=HOSTILE),
    )
    environment = make_environment(HOSTILE[:90], **{HOSTILE: HOSTILE})
    workload = make_workload("mlp", 8, 25, dataset=HOSTILE[:100])
    record = run_record(HOSTILE, 1.0) | {"command": HOSTILE, "stderr_tail": HOSTILE}
    site.cell("theano", workload, seconds=1, environment=environment)
    site.missing(HOSTILE[:100], workload, status="crashed", reason=HOSTILE, environment=environment)
    site.run("theano", workload, record=record, environment=environment)
    for url in pages():
        words = text(client, url)
        if "/charts/" not in url:
            assert "<script>alert" not in words, url
            assert "<img src=x" not in words, url
            assert "14" not in re.findall(r"onerror=alert\(2\)&gt;(\d+)", words), url


def test_chart_json_is_never_taken_for_a_page(client: Client, site: Site) -> None:
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    answer = client.get(reverse("chart", args=["time-per-epoch"]))
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(url)
    return len(queries)


def test_no_page_asks_more_of_the_database_as_it_fills(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 2, 25)
    site.cell("theano", workload, seconds=1)
    urls = pages()
    few = {url: count_queries(client, url) for url in urls}
    seed_study(site)
    for number in range(60):
        other = Site(blocks=1, experiment=make_experiment(f"more {number}"), machine=make_machine(f"machine {number}"))
        other.cell("tensorflow", workload, seconds=1, environment=make_environment(f"environment {number}"))
    many = {url: count_queries(client, url) for url in urls}
    assert max(many.values()) <= MOST_QUERIES, many
    # One more where a second page begins to exist is the count of pages, not of rows.
    assert {url: n for url, n in many.items() if n > few[url]} == {}


# ---------------------------------------------------------------- answers


def test_the_published_recommendation_stands_beside_the_measured_one(client: Client, site: Site) -> None:
    call_command("loadstudy", verbosity=0)
    seed_study(site)
    words = re.sub(r"<[^>]+>|\s+", " ", text(client, reverse("recommendation")))
    row = re.search(
        r"MLP on the CPU +TensorFlow or Keras · Theano +Keras · TensorFlow or TensorFlow", re.sub(" +", " ", words)
    )
    assert row


def test_home_shows_verdicts_reasons_and_counts(client: Client, site: Site) -> None:
    seed_study(site)
    words = text(client, reverse("home"))
    for verdict in ("best", "tie", "slower", "timed out", "unsupported"):
        assert f">{verdict}</span>" in words
    assert "There is no GPU build of Theano" in words
    assert f">{Run.objects.count()}<" in words


def test_two_runs_give_no_verdict(client: Client) -> None:
    site = Site(blocks=2)
    for engine in ("theano", "tensorflow"):
        site.cell(engine, make_workload("mlp", 8, 100), seconds=1)
    words = text(client, reverse("explore"))
    assert "not enough runs" in words
    assert ">best<" not in words
    assert ">tie<" not in words


def test_synthetic_data_are_named_wherever_they_appear(client: Client, site: Site) -> None:
    site.cell("theano", make_workload("cnn", 1, 2, data_source="synthetic"), seconds=1)
    run = Run.objects.get(block=0)
    for url in (
        reverse("home"),
        reverse("explore"),
        reverse("runs"),
        run.get_absolute_url(),
        reverse("recommendation"),
    ):
        assert "synthetic" in text(client, url), url
    sent = client.get(reverse("chart", args=["time-per-epoch"])).json()
    assert sent["options"]["marks"] == ["synthetic data"]


# ---------------------------------------------------------------- the comparison


def chart(client: Client, query: str = "") -> dict[str, Any]:
    sent: dict[str, Any] = client.get(reverse("chart", args=["time-per-epoch"]) + query).json()
    return sent


def test_the_chart_has_one_series_for_each_engine_and_depth(client: Client, site: Site) -> None:
    seed_study(site)
    labels = [one["label"] for one in chart(client, "?network=mlp")["data"]["datasets"]]
    assert len(labels) == len(set(labels)) == 8
    assert "Keras · Theano · 16 layers" in labels


def test_the_chart_and_the_table_show_the_stored_numbers(client: Client, site: Site) -> None:
    summary = site.cell("theano", make_workload("mlp", 8, 100), seconds=0.5)
    times = [run.epoch_seconds or 0 for run in Run.objects.order_by("epoch_seconds")]
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
    for url in pages():
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


# ---------------------------------------------------------------- speed-ups


def test_the_published_speed_ups_are_shown_as_printed(client: Client) -> None:
    call_command("loadstudy", verbosity=0)
    words = text(client, reverse("speed-ups"))
    for value in ("2,045.85×", "1,381.30×", "28.34×"):
        assert value in words


def test_a_measured_speed_up_stands_beside_the_published_one(client: Client, site: Site) -> None:
    call_command("loadstudy", verbosity=0)
    workload = make_workload("mlp", 16, 200)
    site.cell("tensorflow", workload, seconds=1.0)
    site.cell("tensorflow", workload, seconds=0.1, device="gpu")
    words = text(client, reverse("speed-ups"))
    assert "10.0×" in words
    assert "1,127.96" in words
    assert "95 % interval" in words


def test_a_speed_up_needs_one_thread_and_the_same_data(client: Client, site: Site) -> None:
    workload = make_workload("cnn", 1, 2)
    site.cell("tensorflow", workload, seconds=1.0, threads=4)
    site.cell("tensorflow", make_workload("cnn", 1, 2, data_source="synthetic"), seconds=1.0)
    site.cell("tensorflow", workload, seconds=0.1, device="gpu")
    assert "No engine has runs on both" in text(client, reverse("speed-ups"))


# ---------------------------------------------------------------- runs and what they stand on


def test_a_run_shows_its_record(client: Client, site: Site) -> None:
    run = site.run("keras-tensorflow", make_workload("mlp", 8, 100), epoch_seconds=0.51234)
    words = text(client, run.get_absolute_url())
    for shown in (
        "0.512 s",
        "python -m engines.worker --engine keras-tensorflow",
        "79.3 %",
        "AMD EPYC 7313",
        "Compiling",
    ):
        assert shown in words
    epochs = client.get(reverse("chart", args=["epochs"]) + f"?run={run.run_id}").json()
    assert len(epochs["data"]["datasets"][0]["data"]) == 10


def test_a_run_that_failed_shows_why(client: Client, site: Site) -> None:
    record = run_record("theano", None) | {"stderr_tail": "Segmentation fault"}
    run = site.run(
        "theano", make_workload("mlp", 8, 100), status="crashed", reason="It ended by signal 11.", record=record
    )
    words = text(client, run.get_absolute_url())
    for shown in ("crashed", "It ended by signal 11.", "Segmentation fault"):
        assert shown in words
    assert "<canvas" not in words


def test_a_run_with_a_bare_record_is_shown_all_the_same(client: Client, site: Site) -> None:
    run = site.run("theano", make_workload("mlp", 8, 100), record={})
    assert "not recorded" in text(client, run.get_absolute_url())


def test_runs_are_filtered_by_their_address(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 100)
    site.run("theano", workload)
    site.run("tensorflow", workload, status="timed_out", reason="It was stopped.")
    words = text(client, reverse("runs") + "?status=timed_out")
    table = words[words.index("<tbody>") :]
    assert "timed out" in table
    assert ">Theano<" not in table


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("run", [uuid.UUID(int=7)]),
        ("experiment", ["no-such"]),
        ("machine", [10**12]),
        ("environment", [999]),
        ("engine", ["no-such"]),
    ],
)
def test_what_does_not_exist_is_our_own_404(client: Client, name: str, args: list[Any]) -> None:
    assert "There is no such page" in text(client, reverse(name, args=args), status=404)


def test_a_page_that_fails_is_our_own_500(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("runs.selectors.stored_counts", fail)
    client.raise_request_exception = False
    words = text(client, "/", status=500)
    assert "This page failed" in words
    assert "secret detail" not in words


def test_healthz_says_that_the_database_answers(client: Client) -> None:
    assert client.get(reverse("healthz")).json() == {"status": "healthy", "database": "answers"}


def test_healthz_says_when_it_does_not(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def refuse(*args: object) -> Iterator[None]:
        raise OperationalError("gone")

    monkeypatch.setattr("runs.views.connection.cursor", refuse)
    assert client.get(reverse("healthz")).status_code == 503


# ---------------------------------------------------------------- staff, and the study's tables


def test_the_staff_read_every_table_and_change_none(admin_client: Client, site: Site) -> None:
    site.cell("theano", make_workload("mlp", 8, 100), seconds=1)
    call_command("loadstudy", verbosity=0)
    for model in ("experiment", "machine", "environment", "workload", "run", "summary", "profile", "publishedspeedup"):
        assert admin_client.get(reverse(f"admin:runs_{model}_changelist") + "?q=theano").status_code == 200
        assert admin_client.get(reverse(f"admin:runs_{model}_add")).status_code == 403


def test_loadstudy_twice_stores_the_tables_once(capsys: pytest.CaptureFixture[str]) -> None:
    from runs.models import PublishedRecommendation, PublishedSpeedUp

    for _ in range(2):
        call_command("loadstudy")
    assert (PublishedSpeedUp.objects.count(), PublishedRecommendation.objects.count()) == (72, 4)
    assert "72 speed-ups, 4 recommendations" in capsys.readouterr().out


def test_first_pages_of_lists_are_short(client: Client) -> None:
    Experiment.objects.bulk_create(
        Experiment(name=f"e{n}", slug=f"e{n}", suite="quick", preset="quick") for n in range(120)
    )
    Machine.objects.bulk_create(Machine(name=f"m{n}", fingerprint="f" * 32) for n in range(120))
    for name in ("experiments", "machines"):
        words = text(client, reverse(name))
        assert words.count("<tr>") == 51
        assert "Page 1 of 3" in words


def test_the_command_to_upload_is_one_that_works(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page, command = reverse("upload-help"), "uploadruns http://lab.example"
    assert f"{command} --insecure<" in client.get(page, headers={"host": "lab.example"}).content.decode()
    assert "uploadruns http://127.0.0.1:8000<" in client.get(page, headers={"host": "127.0.0.1:8000"}).content.decode()
