"""A copy has every page of one experiment, the numbers of the live pages, and nothing of any other."""

from __future__ import annotations

import gzip
import html
import io
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.copies import copying
from runs.copies.pages import chart_for_copy, file_name, page_for_copy
from runs.models import Experiment
from runs.services.recording import record_runs
from tests.records import make_inference_record, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ELSEWHERE = "zelkova"
"""In the name of every experiment and machine that must not be in a copy."""


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def lab(experiment: str, factor: float = 1.0, **changes: Any) -> list[RunRecord]:
    """Two engines at two networks on one and two threads, a failure, and a few calls."""
    records = [
        make_record(engine, block=block, epoch_seconds=seconds * factor * (1 + block / 500), experiment=experiment)
        for engine, seconds in (("theano", 2.0), ("tensorflow", 1.0))
        for block in range(3)
    ]
    records += [make_record("torch", status="crashed", reason="out of luck", experiment=experiment)]
    records += [
        make_inference_record(engine, experiment=experiment, block=block)
        for engine in ("jax", "torch")
        for block in range(2)
    ]
    return records


@pytest.fixture
def stored() -> list[RunRecord]:
    records = lab("Lab, November")
    record_runs(records=[*lab(f"{ELSEWHERE} and private", 3.0), *lab(f"{ELSEWHERE} and open", 5.0), *records])
    Experiment.objects.filter(name__contains="private").update(is_private=True)
    return records


@pytest.fixture
def _home_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all pages the first: enough for what every copy does."""
    monkeypatch.setattr(copying, "_is_followed", lambda address: address == "/")


def published(folder: Path, **options: Any) -> dict[str, str]:
    """Texts of the copy's files, by name."""
    call_command("publish", "Lab, November", str(folder), stdout=io.StringIO(), **options)
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.suffix in {".html", ".json", ".csv"}
    }


def heading(form: re.Match[str]) -> str:
    return "".join(re.findall(r"<h1.*?</h1>", form[0]))


def cells(page: str) -> list[str]:
    """What stands in a page's tables and headings."""
    found = re.findall(r"<(?:td|th|h1|h2)\b[^>]*>(.*?)</(?:td|th|h1|h2)>", page, re.DOTALL)
    words = [" ".join(re.sub(r"<[^>]*>", " ", each).split()) for each in found]
    return [each for each in words if each != "Your case"]  # a form's heading, which a copy has not


def test_each_page_has_the_numbers_of_the_live_one(stored: list[RunRecord], tmp_path: Path, client: Client) -> None:
    files, slug = published(tmp_path / "copy"), Experiment.objects.get(name="Lab, November").slug
    pages = [
        *("", "explore/", "speed-ups/", "threads/", "inference/", "claims/", "recommendation/", "compare/", "runs/"),
        *("hardware/", "data-sets/", f"experiments/{slug}/coverage/"),
        *(f"runs/{record.run_id}/" for record in stored),
    ]
    for page in pages:
        live = client.get(f"/{page}", {"experiment": slug}).content.decode()
        live = re.sub(r"<form\b(.*?)</form>", heading, live, flags=re.DOTALL)
        assert cells(files[f"{page}index.html"]) == cells(live), page


def test_every_link_leads_to_a_file_and_no_word_of_another_experiment_is_in_any(
    stored: list[RunRecord], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    files = published(folder)
    assert not {name for name, text in files.items() if ELSEWHERE in text + name}
    for name, text in files.items():
        for target in targets(name, text):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), target.partition("#")[0]))
            assert (folder / place).is_file(), f"{name} leads to {target}"


def targets(name: str, text: str) -> Iterator[str]:
    if name.endswith(".html"):
        found = re.findall(r'\s(?:href|src|action|data-[a-z-]*(?:chart|library|live|embeds))="([^"]*)"', text)
        yield from (html.unescape(each) for each in found if not re.match(r"#|[a-z]+:", each))
        assert "<form" not in text
    elif name.startswith("charts/"):
        for each in json.loads(text)["data"]["datasets"]:
            yield from (point["url"] for point in each["data"] if isinstance(point, dict) and point.get("url"))


def test_all_records_are_there_as_data(stored: list[RunRecord], tmp_path: Path) -> None:
    published(tmp_path / "copy")
    data = tmp_path / "copy" / "data"
    lines = gzip.decompress((data / "runs.jsonl.gz").read_bytes()).decode().splitlines()
    assert set(lines) == {as_json(record) for record in stored}
    assert set(pq.read_table(data / "runs.parquet").column("record").to_pylist()) == set(lines)
    one = json.loads((tmp_path / "copy" / "api/v1/runs" / f"{stored[0].run_id}.json").read_text())
    assert one["record"] == json.loads(as_json(stored[0]))


def test_a_private_experiment_is_refused(stored: list[RunRecord], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is private"):
        call_command("publish", f"{ELSEWHERE} and private", str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


def test_an_unknown_experiment_is_answered_with_the_public_ones(stored: list[RunRecord], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Known: ") as caught:
        call_command("publish", "Lab, June", str(tmp_path / "copy"))
    assert "private" not in str(caught.value)


def test_a_folder_with_other_files_is_not_touched(stored: list[RunRecord], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(CommandError, match="has other files"):
        call_command("publish", "Lab, November", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_folder_that_one_is_in_is_never_replaced(
    stored: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (".", "..", str(tmp_path)):
        with pytest.raises(CommandError, match="the folder that you are in"):
            call_command("publish", "Lab, November", folder)


@pytest.mark.usefixtures("_home_alone")
def test_a_copy_replaces_an_earlier_one_only_when_it_is_whole(
    stored: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    before = published(folder)
    monkeypatch.setattr("runs.copies.copying.Copier._write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        published(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy"]
    assert (folder / "index.html").read_text() == before["index.html"]


@pytest.mark.usefixtures("_home_alone")
def test_a_closed_site_can_be_published_by_its_staff(stored: list[RunRecord], tmp_path: Path, settings: Any) -> None:
    settings.BENCHSITE_PUBLIC_READ = False
    assert "Sign in" not in published(tmp_path / "copy")["index.html"]


@pytest.mark.usefixtures("_home_alone")
def test_a_spanish_copy_is_spanish(stored: list[RunRecord], tmp_path: Path) -> None:
    assert '<html lang="es"' in published(tmp_path / "copy", language="es")["index.html"]


@pytest.mark.usefixtures("_home_alone")
def test_visitors_of_the_site_see_all_again_afterwards(stored: list[RunRecord], tmp_path: Path, client: Client) -> None:
    User.objects.create_user("ada", password="correct horse")
    published(tmp_path / "copy")
    assert f"{ELSEWHERE} and open" in client.get("/experiments/").content.decode()


@given(st.lists(st.tuples(st.sampled_from(["engine", "network", "q"]), st.text(max_size=5)), max_size=3))
def test_what_only_names_the_experiment_is_the_same_file_and_all_else_another(query: list[tuple[str, str]]) -> None:
    bare = file_name(f"/runs/?{urlencode(query)}", "lab")
    assert file_name(f"/runs/?{urlencode([('experiment', 'lab'), *query])}", "lab") == bare
    assert file_name(f"/runs/?{urlencode([('experiment', 'other'), *query])}", "lab") != bare


def test_links_are_seen_from_where_the_page_lies() -> None:
    page = '<a href="/a/?x=1&amp;y=2#top">a</a> <a href="/gone/">b</a> <a href="#here">c</a> <a href="https://x.org/">d</a>'
    files = {"/a/?x=1&y=2": "a/index-1.html"}
    assert page_for_copy(page, "/b/c/", "b/c/index.html", files.get) == (
        '<a href="../../a/index-1.html#top">a</a> <a>b</a> <a href="#here">c</a> <a href="https://x.org/">d</a>'
    )


def test_a_point_leads_to_its_runs_seen_from_the_chart() -> None:
    chart = {"data": {"datasets": [{"data": [{"x": 1, "url": "/runs/?a=1"}, {"x": 2, "url": "/gone/"}, None]}]}}
    files = {"/runs/?a=1": "runs/index-1.html"}
    (series,) = json.loads(chart_for_copy(json.dumps(chart), "charts/one.json", files.get))["data"]["datasets"]
    assert series["data"] == [{"x": 1, "url": "../runs/index-1.html"}, {"x": 2, "url": None}, None]
