"""Every endpoint, walked by every role: who reads, who writes, and who is not told that a thing exists."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver

from engines.contract import as_json
from runs.models import Experiment, Machine, Run
from tests.records import MACHINE, make_record
from tests.runs.api.people import Caller, caller, make_user, store

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
OTHER = dataclasses.replace(MACHINE, name="lab-2")
THIRD = dataclasses.replace(MACHINE, name="lab-3")
PUBLIC, PRIVATE = make_record(experiment="open"), make_record(experiment="secret", machine=OTHER)
SPARE = make_record(experiment="spare", machine=THIRD)
ROLES = ("anonymous", "reader", "uploader", "other", "owner", "staff")


@pytest.fixture
def roles(db: None) -> dict[str, Caller]:
    """`owner` owns both machines and the private experiment; `other` uploads too, but owns nothing of this."""
    owner, other, staff = make_user("owner"), make_user("other"), make_user("boss", is_staff=True)
    store(PUBLIC, PRIVATE, SPARE, user=owner)
    Experiment.objects.filter(name="secret").update(is_private=True)
    return {
        "anonymous": Caller(),
        "reader": caller(make_user("reader"), can_upload=False),
        "uploader": caller(make_user("uploader")),
        "other": caller(other),
        "owner": caller(owner),
        "staff": caller(staff),
    }


def machine(name: str) -> int:
    return Machine.objects.get(name=name).pk


READS: dict[str, Callable[[], str]] = {
    "root": lambda: V1,
    "experiments": lambda: f"{V1}experiments/",
    "experiment": lambda: f"{V1}experiments/open/",
    "machines": lambda: f"{V1}machines/",
    "machine": lambda: f"{V1}machines/{machine('lab-1')}/",
    "environments": lambda: f"{V1}environments/",
    "environment": lambda: f"{V1}environments/{Run.objects.all()[0].environment_id}/",
    "workloads": lambda: f"{V1}workloads/",
    "engines": lambda: f"{V1}engines/",
    "runs": lambda: f"{V1}runs/",
    "run": lambda: f"{V1}runs/{PUBLIC.run_id}/",
    "exclusions": lambda: f"{V1}exclusions/",
    "acts": lambda: f"{V1}acts/",
    "summaries": lambda: f"{V1}summaries/",
    "comparisons": lambda: f"{V1}comparisons/?experiment=open",
    "speed-ups": lambda: f"{V1}speed-ups/?experiment=open",
    "scaling": lambda: f"{V1}scaling/?experiment=open",
    "replication": lambda: f"{V1}replication/?experiment=open",
    "hardware": lambda: f"{V1}hardware/?experiment=open",
    "data-sets": lambda: f"{V1}data-sets/?experiment=open",
    "inference": lambda: f"{V1}inference/?experiment=open",
    "recommendation": lambda: f"{V1}recommendation/?experiment=open",
    "your-case": lambda: f"{V1}your-case/?network=mlp&layers=8&width=25",
    "claims": lambda: f"{V1}claims/?experiment=open",
    "history": lambda: f"{V1}history/",
    "changes": lambda: f"{V1}changes/",
    "charts": lambda: f"{V1}charts/",
    "chart": lambda: f"{V1}charts/epochs/?run={PUBLIC.run_id}",
    "schema": lambda: "/api/schema/",
    "docs": lambda: "/api/docs/",
}
PRIVATE_READS: dict[str, str] = {
    "experiment": f"{V1}experiments/secret/",
    "run": f"{V1}runs/{PRIVATE.run_id}/",
    "comparisons": f"{V1}comparisons/?experiment=secret",
    "recommendation": f"{V1}recommendation/?experiment=secret",
    "speed-ups": f"{V1}speed-ups/?experiment=secret",
    "scaling": f"{V1}scaling/?experiment=secret",
    "replication": f"{V1}replication/?experiment=secret",
    "hardware": f"{V1}hardware/?experiment=secret",
    "data-sets": f"{V1}data-sets/?experiment=secret",
    "inference": f"{V1}inference/?experiment=secret",
    "claims": f"{V1}claims/?experiment=secret",
    "chart of cells": f"{V1}charts/time-per-epoch/?experiment=secret",
    "chart of a run": f"{V1}charts/epochs/?run={PRIVATE.run_id}",
    "page of the run": f"/runs/{PRIVATE.run_id}/",
    "page of the experiment": "/experiments/secret/",
}
LISTINGS = (
    *("experiments/", "runs/", "runs/?format=csv", "runs/?format=jsonl", "summaries/", "summaries/?format=csv"),
    "your-case/?network=mlp&layers=8&width=25",
)
WRITES: dict[str, Callable[[], tuple[str, str, Any]]] = {
    "rename experiment": lambda: ("PATCH", f"{V1}experiments/open/", {"name": "renamed"}),
    "hide experiment": lambda: ("PATCH", f"{V1}experiments/open/", {"is_private": True}),
    "rename machine": lambda: ("PATCH", f"{V1}machines/{machine('lab-1')}/", {"name": "renamed"}),
    "merge": lambda: ("POST", f"{V1}machines/{machine('lab-3')}/merge/", {"into": machine("lab-1")}),
    "exclude": lambda: ("POST", f"{V1}exclusions/", {"run": PUBLIC.run_id, "reason": "Disturbed."}),
    "restore": lambda: ("POST", f"{V1}exclusions/{PUBLIC.run_id}/restore/", {"reason": "Not so."}),
    "upload": lambda: ("POST", f"{V1}runs/", None),
}
BY_ROLE = {"anonymous": 401, "reader": 403, "uploader": 403, "other": 403, "owner": 200, "staff": 200}


def shown(response: Any) -> str:
    return (b"".join(response.streaming_content) if response.streaming else response.content).decode()


def test_every_endpoint_is_walked() -> None:
    names = {
        pattern.name
        for entry in get_resolver().url_patterns
        if isinstance(entry, URLResolver) and str(entry.pattern) == "api/"
        for pattern in entry.url_patterns
        if isinstance(pattern, URLPattern)
    }
    assert names - {"nothing", "merge", "restore", "acknowledgement"} == set(READS)


# Reads change nothing, so that one set of rows serves every role.


@pytest.mark.parametrize("endpoint", READS)
def test_everybody_reads_what_is_public(roles: dict[str, Caller], endpoint: str) -> None:
    statuses = {role: roles[role].get(READS[endpoint]()).status_code for role in ROLES}
    assert statuses == dict.fromkeys(ROLES, 200)


@pytest.mark.parametrize("endpoint", READS)
def test_without_public_read_only_those_who_are_known_read(
    roles: dict[str, Caller], settings: Any, endpoint: str
) -> None:
    settings.BENCHSITE_PUBLIC_READ = False
    statuses = {role: roles[role].get(READS[endpoint]()).status_code for role in ROLES}
    is_description = endpoint in ("schema", "docs")  # how to call holds no results
    assert statuses == dict.fromkeys(ROLES, 200) | {"anonymous": 200 if is_description else 401}


@pytest.mark.parametrize("endpoint", PRIVATE_READS)
def test_a_private_experiment_is_not_there_for_others(roles: dict[str, Caller], endpoint: str) -> None:
    if endpoint.startswith("page"):  # pages know sessions, not tokens
        for role, name in (("owner", "owner"), ("staff", "boss"), ("other", "other")):
            roles[role].client.force_login(User.objects.get(username=name))
    statuses = {role: roles[role].get(PRIVATE_READS[endpoint]).status_code for role in ROLES}
    assert statuses == dict.fromkeys(ROLES, 404) | {"owner": 200, "staff": 200}


@pytest.mark.parametrize("listing", LISTINGS)
def test_no_listing_tells_of_it(roles: dict[str, Caller], listing: str) -> None:
    told = [role for role in ROLES if "secret" in shown(roles[role].get(V1 + listing))]
    assert told == ["owner", "staff"]


@pytest.mark.parametrize(
    "page", ["/", "/runs/", "/experiments/", "/machines/", "/engines/", "/explore/", "/recommendation/"]
)
def test_no_page_tells_of_it(roles: dict[str, Caller], page: str) -> None:
    assert "secret" not in shown(roles["anonymous"].get(page))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", WRITES)
def test_only_owners_and_the_staff_write(roles: dict[str, Caller], act: str, role: str) -> None:
    if act == "restore":
        roles["owner"].send(*WRITES["exclude"]())
    method, address, document = WRITES[act]()
    if act == "upload":
        response = roles[role].upload(as_json(make_record(block=7, experiment="open")).encode())
        if response.status_code == 200:
            allowed = role == "owner"  # not even the staff uploads to a user's machine
            assert response.json()["results"][0]["result"] == ("stored" if allowed else "refused")
            return
        assert role in ("anonymous", "reader")
    else:
        response = roles[role].send(method, address, document)
    expected = BY_ROLE[role]
    assert response.status_code in ({200, 201} if expected == 200 else {expected}), response.content
    if expected != 200:
        assert set(response.json()) == {"message", "extra"}


@pytest.mark.parametrize("act", [act for act in WRITES if act != "upload"])
def test_a_token_for_other_machines_writes_nothing(roles: dict[str, Caller], act: str) -> None:
    limited = caller(User.objects.get(username="owner"), machines=["lab-9"])
    if act == "restore":
        roles["owner"].send(*WRITES["exclude"]())
    assert limited.send(*WRITES[act]()).status_code == 403


@pytest.mark.parametrize("act", WRITES)
def test_a_session_alone_writes_nothing(roles: dict[str, Caller], act: str) -> None:
    browser = Caller()
    browser.client.force_login(User.objects.get(username="owner"))
    method, address, document = WRITES[act]()
    assert browser.send(method, address, document).status_code == 403


def test_a_session_reads_its_own_private_experiment(roles: dict[str, Caller]) -> None:
    browser = Caller()
    browser.client.force_login(User.objects.get(username="owner"))
    assert browser.get(f"{V1}experiments/secret/").status_code == 200


def test_without_public_read_pages_lead_to_the_sign_in(roles: dict[str, Caller], settings: Any) -> None:
    settings.BENCHSITE_PUBLIC_READ = False
    response = roles["anonymous"].get("/runs/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/sign-in/")
    assert roles["anonymous"].get("/healthz").status_code == 200
