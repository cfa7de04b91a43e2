"""What holds for every page: it stands, asks little of the database, and lets nobody write scripts into it."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from runs.selectors import environments, history
from runs.study.published import published
from tests.runs.pages.reading import every_page, text
from tests.runs.site_rows import (
    Site,
    make_environment,
    make_experiment,
    make_machine,
    make_workload,
    run_record,
    seed_study,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7|add:7 }}"
MOST_QUERIES = 13


def test_every_page_stands_on_an_empty_database(client: Client) -> None:
    for url in every_page():
        text(client, url)


def test_an_empty_site_says_which_commands_fill_it(client: Client) -> None:
    for name in ("home", "explore", "runs", "experiments"):
        words = text(client, reverse(name))
        assert "make bench" in words
        assert "python manage.py runbench" in words


def test_no_page_has_inline_script_or_style(client: Client, site: Site) -> None:
    seed_study(site)
    call_command("loadstudy", verbosity=0)
    for url in every_page():
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
    for url in every_page():
        words = text(client, url)
        if not url.startswith(("/charts/", "/tables/")):
            assert "<script>alert" not in words, url
            assert "<img src=x" not in words, url
            assert "14" not in re.findall(r"onerror=alert\(2\)&gt;(\d+)", words), url


def test_chart_json_is_never_taken_for_a_page(client: Client, site: Site) -> None:
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    answer = client.get(reverse("chart", args=["time-per-epoch"]))
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"


def count_queries(client: Client, url: str) -> int:
    """Of a first visit: what a process remembers of another is no part of it."""
    environments._known.clear()
    history._kept.clear()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(url)
    return len(queries)


def test_no_page_asks_more_of_the_database_as_it_fills(client: Client, site: Site) -> None:
    workload = make_workload("mlp", 2, 25)
    site.cell("theano", workload, seconds=1)
    urls = every_page()
    few = {url: count_queries(client, url) for url in urls}
    seed_study(site)
    for number in range(60):
        other = Site(blocks=1, experiment=make_experiment(f"more {number}"), machine=make_machine(f"machine {number}"))
        other.cell("tensorflow", workload, seconds=1, environment=make_environment(f"environment {number}"))
    many = {url: count_queries(client, url) for url in urls}
    assert max(many.values()) <= MOST_QUERIES, many
    # One more where a second page begins to exist is the count of pages, not of rows.
    assert {url: n for url, n in many.items() if n > few[url]} == {}


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

    monkeypatch.setattr("runs.pages.home.stored_counts", fail)
    client.raise_request_exception = False
    words = text(client, "/", status=500)
    assert "This page failed" in words
    assert "secret detail" not in words


def test_the_study_s_tables_are_shown_whole(client: Client) -> None:
    page = text(client, reverse("method"))
    for words in (
        "Francois Chollet",
        "NVIDIA GeForce GTX TITAN Black",
        "384-bit GDDR5",
        "normal 889, boost 980",
        "K10",
    ):
        assert words in page
    facts = [value for machine in published().machines.values() for value in machine.values()]
    assert all(str(value) in page for value in facts if not isinstance(value, dict))
