"""An engine's history and the list of changes: page, file, feed and API, and what none of them must mix."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from engines.contract import Network
from runs.api import change_views
from runs.models import Change, Environment, Experiment, Machine, Run, Workload
from runs.pages import history as pages
from runs.selectors import history as selectors
from runs.services.curation import exclude_run, rename_experiment, rename_machine
from runs.services.recording import record_runs
from tests.records import MACHINE, make_record
from tests.runs.api.people import caller, make_user
from tests.runs.labs import Lab
from tests.runs.pages.reading import csv_table, text

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Twelve days of one release, six of a slower one; two releases side by side on the last day."""
    made = Lab(tmp_path)
    for day in range(12):
        made.day(day, {"jax": 0.3, "torch": 0.4}, releases={"jax": ["0.9"]})
    for day in range(12, 17):
        made.day(day, {"jax": 0.36, "torch": 0.4}, releases={"jax": ["0.10"]})
    made.day(17, {"jax": 0.36, "torch": 0.4}, releases={"jax": ["0.9", "0.10"]}, factors={"0.9": 0.8})
    made.store()
    return made


def look() -> None:
    call_command("regressions", stdout=io.StringIO(), stderr=io.StringIO())


def history_of(client: Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/history/", query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_the_history_has_a_point_for_each_experiment_and_a_step_where_it_is(client: Client, lab: Lab) -> None:
    (line,) = history_of(client, engine="jax")["lines"]
    assert len(line["over_time"]) == 18
    assert [each["release"] for each in line["over_releases"]] == ["jax 0.9", "jax 0.10"]
    steps = [each for each in line["transitions"] if each["how"] == "over time" and each["verdict"]]
    assert [(each["before"]["experiment"], each["after"]["experiment"], each["verdict"]) for each in steps] == [
        ("day-11", "day-12", "slower")
    ]
    assert "jax 0.9 → 0.10" in steps[0]["changed"]
    (paired,) = [each for each in line["transitions"] if each["how"] == "same blocks"]
    assert (paired["before"]["release"], paired["after"]["release"]) == ("jax 0.9", "jax 0.10")
    assert paired["ratio"] == pytest.approx(1.25, rel=0.03)
    rows = csv_table(client, "history", "?engine=jax")
    assert {row["verdict"] for row in rows} >= {"slower"}
    words = text(client, reverse("history") + "?engine=jax")
    assert "0.10" in words
    assert "A step of the series: 12 experiments before it, 6 after" in words
    assert 'title="Published"' not in words, "what is small there was published by nobody"


def test_the_history_begins_with_a_network_that_has_times(client: Client) -> None:
    """Families and sizes come in an order of their own, and the first may have failed everywhere."""
    record_runs(records=[make_record("jax", Network("cnn", 1, 4), status="crashed", reason="No luck.")])
    record_runs(records=[make_record("jax", Network("mlp", 8, 100), block=block) for block in range(3)])
    assert history_of(client)["network"] == "MLP 8x100"


def test_an_unchanged_engine_has_a_history_without_changes(client: Client, lab: Lab) -> None:
    (line,) = history_of(client, engine="torch")["lines"]
    assert line["transitions"] == []
    assert "nothing has changed yet" in text(client, reverse("history") + "?engine=torch")


def test_another_machine_network_track_or_device_is_another_series(client: Client, tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    other = dataclasses.replace(MACHINE, name="other", fingerprint="9" * 32)
    lab.day(1, {"jax": 0.3})
    lab.day(2, {"jax": 3.0}, machine=other)
    lab.day(3, {"jax": 30.0}, networks=[Network("mlp", 8, 200)])
    lab.store()
    first = Machine.objects.get(name=MACHINE.name)
    small = Workload.objects.get(width=100)
    found = history_of(client, machine=first.pk, engine="jax", workload=small.pk)
    assert [[each["seconds"] for each in line["over_time"]] for line in found["lines"]] == [
        [pytest.approx(0.3, rel=0.1)]
    ]
    assert found["lines"][0]["transitions"] == []


def test_what_else_changed_is_marked(client: Client, tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.day(1, {"jax": 0.3})
    lab.day(2, {"jax": 0.3}, code="b" * 32)
    kernel = dataclasses.replace(MACHINE, facts={**MACHINE.facts, "kernel": "Linux 7.0"})
    lab.day(3, {"jax": 0.3}, machine=kernel, code="b" * 32)
    lab.store()
    (line,) = history_of(client, engine="jax")["lines"]
    changed = [each["changed"] for each in line["transitions"]]
    assert any("kernel" in words for words in changed[0])
    assert any("the engine's code" in words for words in changed[1])
    chart = client.get("/charts/history.json?engine=jax&x=date").json()
    assert len(chart["options"]["verticals"]) == 2


def test_a_history_that_is_not_there_is_not_answered_by_another(client: Client, lab: Lab) -> None:
    for query in ({"engine": "theano"}, {"machine": 999}, {"workload": 999}):
        assert client.get("/api/v1/history/", query).status_code == 404
    assert client.get(reverse("history"), {"engine": "theano", "machine": "x", "workload": "\0"}).status_code == 200


def test_a_private_experiment_is_no_part_of_what_others_see(client: Client, lab: Lab) -> None:
    Experiment.objects.exclude(name="day 3").update(is_private=True)
    (line,) = history_of(client, engine="jax")["lines"]
    assert [each["experiment"] for each in line["over_time"]] == ["day-3"]
    look()
    assert Change.objects.count() == 0, "what is told to everybody rests on nothing private"
    Experiment.objects.update(is_private=False)
    look()
    assert client.get("/api/v1/changes/").json()["results"]
    Experiment.objects.update(is_private=True)
    assert client.get("/api/v1/changes/").json()["results"] == []
    assert client.get(reverse("change", args=[Change.objects.all()[0].pk])).status_code == 404
    assert "<entry>" not in client.get(reverse("changes-feed")).content.decode()


def _exclude_a_run(lab: Lab) -> None:
    run = Run.objects.filter(engine="jax", experiment__name="day 3").latest("finished_at")
    exclude_run(run_id=str(run.run_id), reason="a fan stood still")


def _rename_an_experiment(lab: Lab) -> None:
    rename_experiment(experiment=Experiment.objects.get(name="day 3"), name="before the move")


def _rename_the_machine(lab: Lab) -> None:
    rename_machine(machine=Machine.objects.get(), name="in the cellar")


def _measure_another_day(lab: Lab) -> None:
    lab.day(18, {"jax": 0.5})
    lab.store()


def _fail_the_gate(lab: Lab) -> None:
    lab.day(18, {"jax": 0.3}, releases={"jax": ["0.10"]}, networks=[Network("mlp", 2, 25)])
    lab.records = [dataclasses.replace(each, equivalence="failed") for each in lab.records]
    lab.store()


@pytest.mark.parametrize(
    "act", [_exclude_a_run, _rename_an_experiment, _rename_the_machine, _measure_another_day, _fail_the_gate]
)
def test_a_visit_shows_what_changed_since_the_last(client: Client, lab: Lab, act: Callable[[Lab], None]) -> None:
    before = _answers(client)
    assert _answers(client) == before
    act(lab)
    now = _answers(client)
    _forget()
    assert now == _answers(client)
    assert now != before


def test_each_visitor_reads_a_history_in_their_own_language(client: Client, lab: Lab) -> None:
    english, spanish = _answers(client, "en"), _answers(client, "es")
    assert "2026-09-04" in spanish[1]
    assert (english[0] != spanish[0], english[1] != spanish[1], english[2] != spanish[2]) == (True, True, True)
    assert _answers(client, "en") == english
    assert _answers(client, "es") == spanish


def _answers(client: Client, language: str = "en") -> list[str]:
    """Page, chart, table and API; without what is new in every page."""
    query: dict[str, str | int] = {"engine": "jax", "machine": Machine.objects.get().pk}
    addresses = [
        reverse("history"),
        *(reverse("chart", args=["history"]), reverse("table", args=["history", "json"])),
        reverse("api:history"),
    ]
    answers = [client.get(each, query, headers={"accept-language": language}).content.decode() for each in addresses]
    return [re.sub(r'(nonce|value)="[^"]{16,}"', "", each) for each in answers]


def _forget() -> None:
    """As a process that has just begun."""
    for kept in (selectors._kept, pages._line, pages._rows, change_views._line):
        kept.clear() if isinstance(kept, dict) else kept.cache_clear()


def test_changes_are_listed_shown_fed_and_on_the_home_page(client: Client, lab: Lab) -> None:
    assert "No change found yet" in text(client, reverse("changes"))
    look()
    found = client.get("/api/v1/changes/?open=true&engine=jax").json()["results"]
    assert {each["kind"] for each in found} == {"step", "release"}

    assert "JAX · MLP 8×100 · CPU, 1 thread" in text(client, reverse("changes"))
    assert "What changed last" in text(client, reverse("home"))
    one = next(each for each in found if each["kind"] == "release")
    words = text(client, reverse("change", args=[one["number"]]))
    assert "0.10 against 0.9, in the same blocks" in words
    assert "--versions jax=0.9,0.10" in words
    feed = ElementTree.fromstring(client.get(reverse("changes-feed")).content)
    assert len(feed.findall(f"{ATOM}entry")) == len(found)
    assert len({entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")}) == len(found)


def test_the_staff_acknowledge_on_the_page_and_by_the_api_and_nobody_else_does(client: Client, lab: Lab) -> None:
    look()
    first, second = Change.objects.order_by("pk")[:2]
    address = reverse("acknowledgement", args=[first.pk])
    assert client.post(address, {"reason": "Known."}).status_code == 302
    client.force_login(User.objects.create_user("ann"))
    assert "Only the staff" in client.post(address, {"reason": "Known."}).content.decode()
    client.force_login(User.objects.create_user("boss", is_staff=True))
    assert client.post(address, {"reason": " "}).status_code == 400
    assert client.post(address, {"reason": "Known."}).status_code == 302
    assert "Known." in text(client, reverse("change", args=[first.pk]))
    api = f"/api/v1/changes/{second.pk}/acknowledgement/"
    assert caller(make_user("other")).send("POST", api, {"reason": "Mine."}).status_code == 403
    staff = caller(make_user("staff", is_staff=True))
    assert staff.send("POST", "/api/v1/changes/9999/acknowledgement/", {"reason": "None."}).status_code == 404
    answer = staff.send("POST", api, {"reason": "Known, too."})
    assert (answer.status_code, answer.json()["acknowledgement"]) == (200, "Known, too.")
    assert client.get("/api/v1/changes/?open=true").json()["results"] == []


def test_comparing_two_releases_names_what_else_their_environments_differ_in(client: Client, lab: Lab) -> None:
    of = {each.packages["jax"]: each.pk for each in Environment.objects.all() if "jax" in each.packages}
    sides = f"?a_engine=jax&a_environment={of['0.9']}&b_engine=jax&b_environment={of['0.10']}"
    words = text(client, reverse("compare") + sides)
    assert "What the environments of A and B differ in" in words
    assert "jax 0.9 → 0.10" in words
    assert "What the environments of A and B differ in" not in text(
        client, reverse("compare") + "?a_engine=jax&b_engine=torch"
    )
