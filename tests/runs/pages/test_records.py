"""What runs stand on: machines, experiments and their progress, the search, the staff's tables."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from runs.models import Experiment, Machine
from tests.runs.pages.reading import csv_table, text
from tests.runs.site_rows import Site, make_machine, make_workload, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.mark.parametrize("words", ["bench-1", "EPYC", "quick", "theano"])
def test_the_search_finds_machines_experiments_and_engines(client: Client, site: Site, words: str) -> None:
    seed_study(site)
    assert 'class="hits card"' in text(client, reverse("search") + f"?q={words}")


def test_a_run_is_found_by_the_start_of_its_id(client: Client, site: Site) -> None:
    run = site.run("theano", make_workload("mlp", 8, 25))
    assert run.get_absolute_url() in text(client, reverse("search") + f"?q={str(run.run_id)[:9]}")
    assert "Nothing found" in text(client, reverse("search") + "?q=%25%27%3B--")


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


@pytest.mark.parametrize(
    ("words", "group", "found"),
    [
        ("MLP 8x25", "Networks", "MLP 8×25"),
        ("mlp:8×25", "Networks", "MLP 8×25"),
        ("8x25", "Networks", "MLP 8×25"),
        ("mlps", "Networks", "MLP 8×25"),
        ("lstm 3x17", "Networks", "LSTM 3×17"),
        ("figure 4.5", "Figures", "Figure 4.5"),
        ("keras faster gpu", "Claims", "MLPs on the GPU: Keras is faster on Theano than on TensorFlow."),
        ("verdict", "Glossary", "Verdict"),
    ],
)
def test_networks_figures_claims_and_terms_are_found(
    client: Client, site: Site, words: str, group: str, found: str
) -> None:
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    groups = dict(client.get(reverse("search"), {"q": words}).context["groups"])
    assert found in [hit.text for hit in groups[group]]
    assert all(client.get(hit.url).status_code == 200 for hit in groups[group])


def test_coverage_counts_runs_and_says_why_there_are_none(client: Client, site: Site) -> None:
    small, large = make_workload("mlp", 8, 25), make_workload("mlp", 8, 50)
    site.cell("theano", small, seconds=1)
    site.cell("tensorflow", small, seconds=1)
    site.missing("theano", large, status="out_of_memory", reason="It asked for 9 GiB.")
    address = reverse("coverage", args=[site.experiment.slug])
    page = client.get(address)
    rows = [[cell.text for cell in row] for row in page.context["table"].rows]
    runs = str(site.blocks)
    on = "CPU, 1 thread"
    assert rows == [["MLP 8×25", on, runs, runs], ["MLP 8×50", on, "out of memory", "–"]]
    assert page.context["found"].counts == [(2, "finished"), (1, "out of memory"), (1, "not run")]
    words = page.content.decode()
    assert "It asked for 9 GiB." in words
    assert f"--experiment &#x27;{site.experiment.name}&#x27;" in words
    sent = csv_table(client, "coverage", f"?experiment={site.experiment.slug}")
    assert [row["Theano"] for row in sent] == [runs, "out_of_memory"]
