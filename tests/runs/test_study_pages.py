from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from runs.models import Machine, Run, Summary
from runs.study.published import published
from runs.study_words import STATEMENTS, in_readers_words
from tests.runs.site_rows import (
    Site,
    make_environment,
    make_machine,
    make_workload,
    run_record,
    seed_study,
    seed_threads,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    """The test client leaves the last answer's language behind."""
    with override("en"):
        yield


@pytest.fixture
def site() -> Site:
    return Site(blocks=3)


def text(client: Client, url: str, **headers: Any) -> str:
    answer = client.get(url, **headers)
    assert answer.status_code == 200, url
    return answer.content.decode()


def table(client: Client, slug: str, query: str = "") -> list[dict[str, str]]:
    answer = client.get(reverse("table", args=[slug, "csv"]) + query)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


# ---------------------------------------------------------------- figures


def figure(client: Client, number: str, query: str = "") -> dict[str, Any]:
    sent: dict[str, Any] = client.get(reverse("chart", args=["figure"]) + f"?figure={number}{query}").json()
    return sent


def labels(sent: dict[str, Any]) -> list[str]:
    return [one["label"] for one in sent["data"]["datasets"]]


def test_all_twenty_figures_have_a_page_a_question_and_a_claim(client: Client, site: Site) -> None:
    seed_study(site)
    assert len(published().figures) == 20
    for number in published().figures:
        words = text(client, reverse("figure", args=[number.replace(".", "-")]))
        assert "?</p>" in words, number
        assert "/claims/" in words, number


def test_a_figure_shows_its_engines_and_depths_on_the_studys_scale(client: Client, site: Site) -> None:
    seed_study(site)
    sent = figure(client, "4-5")
    assert labels(sent) == [f"{engine} · {n} layers" for engine in ("Theano", "TensorFlow") for n in (8, 16)]
    assert sent["options"]["scales"]["y"]["type"] == "logarithmic"
    assert figure(client, "4-15")["options"]["scales"]["y"]["type"] == "linear"


def test_all_engines_join_a_figure_when_asked(client: Client, site: Site) -> None:
    seed_study(site)
    assert len(labels(figure(client, "4-5", "&engines=all"))) == 8


def test_the_studys_greys_keep_markers_and_dashes(client: Client, site: Site) -> None:
    seed_study(site)
    colours, greys = (figure(client, "4-6", query)["data"]["datasets"] for query in ("", "&look=study"))
    assert [one["hue"] for one in greys] == ["study-shallow", "study-deep"] * 2
    for kept in ("pointStyle", "borderDash", "filled", "data"):
        assert [one[kept] for one in greys] == [one[kept] for one in colours]


def test_a_thread_figure_has_a_series_for_each_count(client: Client, site: Site) -> None:
    seed_study(site)
    seed_threads(site)
    sent = figure(client, "4-9")
    assert labels(sent) == ["1 CPU thread", *(f"{n} CPU threads" for n in (2, 4, 8, 16))]
    assert len({(one["hue"], one["pointStyle"]) for one in sent["data"]["datasets"]}) == 5


def test_a_figure_without_runs_says_what_to_type(client: Client) -> None:
    assert "python manage.py runbench --suite study --devices gpu" in text(client, reverse("figure", args=["4-1"]))


def test_there_is_no_figure_4_21(client: Client) -> None:
    assert client.get(reverse("figure", args=["4-21"])).status_code == 404


# ---------------------------------------------------------------- threads


def test_speed_up_and_efficiency_stand_beside_the_ideal_and_the_study(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 200)
    for threads, seconds in ((1, 1.0), (2, 0.625), (8, 0.5)):
        site.cell("theano", workload, seconds=seconds, threads=threads)
    speed_up = client.get(reverse("chart", args=["threads-speed-up"])).json()
    measured, ideal, study = speed_up["data"]["datasets"]
    assert [round(at["y"], 2) for at in measured["data"]] == [1, 1.6, 2]
    assert [at["y"] for at in ideal["data"]] == [1, 2, 8]
    assert [(at["x"], at["y"]) for at in study["data"]] == [(8, 1.81)]
    efficiency = client.get(reverse("chart", args=["threads-efficiency"])).json()
    assert [round(at["y"]) for at in efficiency["data"]["datasets"][0]["data"]] == [100, 80, 25]


def test_the_physical_cores_are_marked_where_the_axis_reaches_them(client: Client, site: Site) -> None:
    for threads in (1, 16):
        site.cell("theano", make_workload("mlp", 8, 200), seconds=1, threads=threads)
    (mark,) = client.get(reverse("chart", args=["threads-time"])).json()["options"]["verticals"]
    assert (mark["x"], mark["label"]) == (16, "16 physical cores")


def test_a_run_that_used_more_threads_than_it_was_given_is_marked(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 200)
    for threads in (1, 2):
        site.cell("theano", workload, seconds=1, threads=threads)
    for run in Run.objects.filter(threads=1):
        record = run.record
        record["training"]["threads_observed"] = 3.9
        run.record = record
        run.save()
    words = text(client, reverse("threads"))
    assert "It was given 1 CPU thread and used up to 3.90." in words


def test_one_thread_count_is_no_scaling(client: Client, site: Site) -> None:
    seed_study(site)
    assert "One thread count only" in text(client, reverse("threads"))


# ---------------------------------------------------------------- claims


def test_every_claim_is_shown_with_its_verdict(client: Client, site: Site) -> None:
    seed_study(site)
    rows = table(client, "claims")
    assert [row["id"] for row in rows] == [claim.id for claim in published().claims]
    by_id = {row["id"]: row["verdict"] for row in rows}
    assert by_id["mlp-cpu-tf-beats-th"] == "holds"
    assert by_id["mlp-cpu-kth-beats-th"] == "does not hold"
    assert "holds" in text(client, reverse("claim", args=["mlp-cpu-tf-beats-th"]))


def test_claims_are_filtered_by_verdict(client: Client, site: Site) -> None:
    seed_study(site)
    words = text(client, reverse("claims") + "?verdict=holds")
    assert words.count('class="card claim"') == sum(row["verdict"] == "holds" for row in table(client, "claims"))


def test_the_words_to_be_translated_are_those_of_the_study() -> None:
    assert list(STATEMENTS) == [claim.statement for claim in published().claims]


# ---------------------------------------------------------------- two sides


def test_the_ratio_of_two_engines_and_their_mean(client: Client, site: Site) -> None:
    for width, seconds in ((25, 1.0), (50, 4.0)):
        site.cell("theano", make_workload("mlp", 8, width), seconds=seconds)
        site.cell("tensorflow", make_workload("mlp", 8, width), seconds=seconds / 2)
    query = "?a_engine=theano&b_engine=tensorflow"
    ratios = [float(row["ratio"]) for row in table(client, "compare", query)]
    assert ratios == [pytest.approx(0.5, rel=0.03)] * 2
    words = text(client, reverse("compare") + query)
    assert "faster" in words
    assert "0.50" in words or "0.49" in words


def test_what_one_side_lacks_is_listed_and_not_averaged(client: Client, site: Site) -> None:
    both, lacking = make_workload("mlp", 8, 25), make_workload("mlp", 8, 50)
    for engine in ("theano", "tensorflow"):
        site.cell(engine, both, seconds=1)
    site.cell("theano", lacking, seconds=1)
    site.missing("tensorflow", lacking, status="out_of_memory", reason="It asked for 9 GiB.")
    query = "?a_engine=theano&b_engine=tensorflow"
    assert len(table(client, "compare", query)) == 1
    words = text(client, reverse("compare") + query)
    assert "It asked for 9 GiB." in words
    assert "Over the 1 workload that both sides have" in words


def test_two_machines_are_compared_like_with_like(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 25)
    other = Site(blocks=3, experiment=site.experiment, machine=make_machine("bench-2"))
    for engine in ("theano", "tensorflow"):
        site.cell(engine, workload, seconds=1)
        other.cell(engine, workload, seconds=2)
    a, b = site.machine.pk, other.machine.pk
    rows = table(client, "compare", f"?a_machine={a}&b_machine={b}&a_engine=&b_engine=")
    assert sorted(row["engine"] for row in rows) == ["tensorflow", "theano"]
    assert all(float(row["ratio"]) == pytest.approx(2, rel=0.03) for row in rows)


# ---------------------------------------------------------------- exports


def test_a_csv_cell_is_no_formula(client: Client) -> None:
    site = Site(blocks=3)
    environment = make_environment("theano")
    workload = make_workload("mlp", 8, 25)
    site.missing("theano", workload, status="crashed", reason="=HYPERLINK(1)", environment=environment)
    (row,) = table(client, "comparison")
    assert row["reason"] == "'=HYPERLINK(1)"


def test_the_table_and_its_files_hold_the_charts_numbers(client: Client, site: Site) -> None:
    seed_study(site)
    sent = client.get(reverse("chart", args=["time-per-epoch"]) + "?network=mlp").json()
    drawn = sorted(at["y"] for one in sent["data"]["datasets"] for at in one["data"])
    assert sorted(float(row["seconds"]) for row in table(client, "comparison", "?network=mlp")) == pytest.approx(drawn)
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
    times = [float(row["seconds"]) for row in table(client, "comparison", "?network=mlp&sort=-seconds")]
    assert times == sorted(times, reverse=True)


def test_a_filter_by_verdict_keeps_the_others_out_of_the_table(client: Client, site: Site) -> None:
    seed_study(site)
    assert {row["verdict"] for row in table(client, "comparison", "?verdict=slower&verdict=tie")} == {"slower", "tie"}


@pytest.mark.parametrize(("query", "count"), [("q=keras theano", 8), ("q=nothing", 0), ("since=2999-01-01", 0)])
def test_words_and_dates_narrow_the_cells(client: Client, site: Site, query: str, count: int) -> None:
    seed_study(site)
    assert len(table(client, "comparison", f"?network=mlp&{query}")) == count


# ---------------------------------------------------------------- what is stored


def test_a_speed_up_over_two_machines_is_marked(client: Client, site: Site) -> None:
    call_command("loadstudy", verbosity=0)
    workload = make_workload("mlp", 16, 200)
    site.cell("tensorflow", workload, seconds=1.0)
    gpu = Site(blocks=3, experiment=site.experiment, machine=make_machine("gpu-box", gpus=["NVIDIA H100"]))
    gpu.cell("tensorflow", workload, seconds=0.1, device="gpu")
    assert "two hosts" in text(client, reverse("speed-ups"))
    (row,) = table(client, "speed-ups")
    assert (row["cpu_host"], row["gpu_host"]) == ("bench-1", "gpu-box")


def test_the_run_with_the_largest_time_comes_first_when_asked(client: Client, site: Site) -> None:
    seed_study(site)
    slowest = Run.objects.filter(epoch_seconds__isnull=False).order_by("-epoch_seconds")[0]
    words = text(client, reverse("runs") + "?sort=-seconds")
    assert words.index(slowest.get_absolute_url()) < words.index("</tr>", words.index("<tbody>"))


@pytest.mark.parametrize("words", ["bench-1", "EPYC", "quick", "theano"])
def test_the_search_finds_machines_experiments_and_engines(client: Client, site: Site, words: str) -> None:
    seed_study(site)
    assert 'class="hits card"' in text(client, reverse("search") + f"?q={words}")


def test_a_run_is_found_by_the_start_of_its_id(client: Client, site: Site) -> None:
    run = site.run("theano", make_workload("mlp", 8, 25))
    assert run.get_absolute_url() in text(client, reverse("search") + f"?q={str(run.run_id)[:9]}")
    assert "Nothing found" in text(client, reverse("search") + "?q=%25%27%3B--")


def test_the_owner_of_a_machine_excludes_a_run_and_restores_it(
    client: Client, admin_client: Client, site: Site
) -> None:
    summary = site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    run = Run.objects.all()[0]
    act = reverse("exclusion", args=[run.run_id])
    assert client.post(act, {"act": "exclude", "reason": "no"}).status_code == 302
    assert not Run.objects.get(pk=run.pk).is_excluded
    assert admin_client.post(act, {"act": "exclude", "reason": ""}).status_code == 400
    assert admin_client.post(act, {"act": "exclude", "reason": "The fan stood still."}).status_code == 302
    assert "The fan stood still." in text(client, run.get_absolute_url())
    assert len(Summary.objects.get(pk=summary.pk).samples) == 2
    admin_client.post(act, {"act": "restore", "reason": "It did not."})
    assert not Run.objects.get(pk=run.pk).is_excluded


def test_machines_of_one_processor_are_set_side_by_side(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 8, 25)
    for number, seconds in enumerate((1.0, 2.0, 3.0)):
        machine = site.machine if number == 1 else make_machine(f"peer-{number}")
        Site(blocks=3, experiment=site.experiment, machine=machine).cell("theano", workload, seconds=seconds)
    words = text(client, reverse("machine", args=[site.machine.pk]))
    assert "2 of 3" in words
    assert "AMD Opteron(tm) Processor 6168" in words


def test_progress_counts_what_has_come(client: Client, site: Site) -> None:
    address = reverse("progress", args=[site.experiment.slug])
    assert client.get(address).json()["runs"] == 0
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    found = client.get(address).json()
    assert (found["runs"], found["is_running"]) == (3, False)


# ---------------------------------------------------------------- Spanish

WORDS = "the|of|with|and|from|which|each|over|run|runs|samples|idiomatic|not|time|thread|width|machine"
ENGLISH = re.compile(rf"\b({WORDS})\b", re.IGNORECASE)


def visible(page: str) -> str:
    """The words of a page, without what is code, a user's name, or said in English on purpose."""
    page = re.sub(r"<(script|style|code|pre|select)\b.*?</\1>", " ", page[page.index("<body") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_no_page_says_a_word_of_english_in_spanish(client: Client) -> None:
    call_command("loadstudy", verbosity=0)
    site = Site(blocks=3, machine=make_machine("maquina"))
    seed_study(site)
    seed_threads(site)
    Summary.objects.exclude(reason="").update(reason="motivo")
    Run.objects.exclude(reason="").update(reason="motivo")
    names = ("home", "figures", "explore", "speed-ups", "threads", "claims", "compare", "recommendation", "method")
    lists = ("runs", "experiments", "machines", "engines", "search", "upload-help", "sign-in")
    urls = [reverse(name) for name in names + lists] + [reverse("figure", args=["4-9"])]
    urls += [reverse("claim", args=[claim.id]) for claim in published().claims[::4]]
    urls += [Run.objects.all()[0].get_absolute_url(), reverse("engine", args=["theano"])]
    urls += [reverse("machine", args=[Machine.objects.get().pk]), reverse("explore") + "?engine=none"]
    for url in urls:
        words = visible(text(client, url, HTTP_ACCEPT_LANGUAGE="es"))
        found = [words[max(0, at.start() - 40) : at.end() + 30] for at in ENGLISH.finditer(words)]
        assert found == [], url


def test_numbers_follow_the_language(client: Client) -> None:
    call_command("loadstudy", verbosity=0)
    assert "2,045.85×" in text(client, reverse("speed-ups"), HTTP_ACCEPT_LANGUAGE="en")
    assert re.search(r"2\s045,85×", text(client, reverse("speed-ups"), HTTP_ACCEPT_LANGUAGE="es"))


def test_the_judging_is_put_in_the_readers_words() -> None:
    sentence = "time of TensorFlow over Theano, 1 CPU thread, MLPs of 8, 16 layers, width 1,600; faster: under 0.952×"
    with override("en"):
        assert in_readers_words(sentence) == sentence
    with override("es"):
        found = in_readers_words(sentence)
    assert found.startswith("tiempo de TensorFlow entre Theano, 1 hilo de CPU, MLP de 8, 16 capas, anchura 1600;")
    assert found.endswith("más rápido: menos de 0,952×")
