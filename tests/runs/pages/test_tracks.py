"""Both tracks of an engine side by side: what tuning costs in compiling, gains per epoch, and when it pays off."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from engines.registry import ENGINES
from runs.findings.tracks import Payoff
from runs.models import Run, Workload
from runs.pages.parts.tracks import payoff_table
from runs.selectors import scopes
from runs.selectors.cells import cells_of
from tests.runs.site_rows import Site, make_workload, run_record

pytestmark = pytest.mark.django_db
SECONDS = st.floats(0.001, 1000)


def measure(
    site: Site,
    workload: Workload,
    *,
    track: str,
    compiling: float,
    seconds: float,
    warm_up: float = 0.0,
    engine: str = "torch",
    **more: Any,
) -> None:
    """Three runs of a cell whose records tell how long they compiled, before the first epoch and within it."""
    site.cell(engine, workload, seconds=seconds, track=track, **more)
    for run in Run.objects.filter(engine=engine, workload=workload, track=track):
        record = run_record(engine, seconds)
        record["training"]["epochs"][0]["wall_seconds"] = (run.seconds or seconds) + warm_up
        run.record = record | {"phases": record["phases"] | {"compile_seconds": compiling}}
        run.save()


@pytest.fixture
def site() -> Site:
    site, workload = Site(blocks=3), make_workload("mlp", 8, 100)
    measure(site, workload, track="idiomatic", compiling=0.5, seconds=2.0)
    measure(site, workload, track="tuned", compiling=20.5, seconds=1.0)
    return site


def rows() -> list[list[str]]:
    scope = scopes.scope()
    return [[cell.text for cell in row] for row in payoff_table(scope, cells_of(scope)).rows]


def test_compiling_stands_beside_steady_epochs_and_when_tuning_pays_off(site: Site) -> None:
    """(20.5 - 0.5) seconds more to compile, 1 second less per epoch: after 20 epochs, and a bit for the spread."""
    ((engine, network, _, device, *numbers),) = rows()
    assert (engine, network, device) == ("PyTorch", "MLP 8×100", "CPU, 1 thread")
    assert numbers[:2] == ["0.500 s", "20.5 s"]
    assert numbers[4].split() in (["20", "epochs"], ["21", "epochs"])


def test_what_is_compiled_within_the_first_epoch_counts_as_compiling() -> None:
    """As Keras does: ahead of it, next to nothing is compiled."""
    site, workload = Site(blocks=3), make_workload("mlp", 8, 100)
    for track, warm_up, seconds in (("idiomatic", 0.0, 2.0), ("tuned", 20.0, 1.0)):
        measure(site, workload, track=track, compiling=0.5, warm_up=warm_up, seconds=seconds, engine="keras-torch")
    ((*_, compiling, tuned_compiling, _epoch, _tuned_epoch, pays_off),) = rows()
    assert (compiling, tuned_compiling) == ("0.500 s", "20.5 s")
    assert pays_off.split() in (["20", "epochs"], ["21", "epochs"])


def test_a_tuned_track_that_is_no_faster_never_pays_off(site: Site) -> None:
    workload = make_workload("cnn", 1, 4)
    measure(site, workload, track="idiomatic", compiling=0.5, seconds=1.0)
    measure(site, workload, track="tuned", compiling=3.0, seconds=1.1)
    assert next(row[-1] for row in rows()) == "never"


def test_only_what_differs_in_nothing_but_the_track_is_a_pair(site: Site) -> None:
    other = make_workload("mlp", 8, 200)
    measure(site, other, track="idiomatic", compiling=0.5, seconds=1.0)
    measure(site, make_workload("mlp", 8, 400), track="tuned", compiling=0.5, seconds=1.0)
    measure(site, other, track="tuned", compiling=0.5, seconds=1.0, threads=2)
    measure(site, other, track="tuned", compiling=0.5, seconds=1.0, engine="jax")
    assert len(rows()) == 1


@given(SECONDS, SECONDS, SECONDS, SECONDS)
def test_at_the_break_even_point_both_have_taken_as_long(
    start: float, other_start: float, epoch: float, other_epoch: float
) -> None:
    epochs = Payoff(start, other_start, epoch, other_epoch).epochs
    if epochs is None:
        assert other_epoch >= epoch
    elif epochs == 0:
        assert other_start <= start
    else:
        assert start + epochs * epoch == pytest.approx(other_start + epochs * other_epoch)


# ---------------------------------------------------------------- pages


def text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_engine_s_page_and_the_explore_page_show_it(client: Client, site: Site) -> None:
    for url in (reverse("engine", args=["torch"]), reverse("explore")):
        assert "What the tuned track costs and gains" in text(client, url)
    assert "What the tuned track costs and gains" not in text(client, reverse("engine", args=["theano"]))
    assert "What the tuned track costs and gains" not in text(client, reverse("explore") + "?engine=none")


def test_pages_ask_no_more_of_the_database_with_more_pairs(client: Client, site: Site) -> None:
    def count() -> list[int]:
        found = []
        for url in (reverse("engine", args=["torch"]), reverse("explore")):
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            found.append(len(queries))
        return found

    few = count()
    for width in range(1, 9):
        for track in ("idiomatic", "tuned"):
            measure(site, make_workload("mlp", 8, width), track=track, compiling=1.0, seconds=1.0)
    assert all(many <= one for many, one in zip(count(), few, strict=True))
    assert max(few) <= 18


@pytest.fixture
def document(tmp_path: Path, settings: Any) -> Path:
    """The notes on PyTorch, of a repository that has no others but JAX's."""
    settings.BASE_DIR = tmp_path
    folder = tmp_path / "docs" / "engines"
    folder.mkdir(parents=True)
    (folder / "keras-jax.md").write_text("# Keras on JAX\n")
    return folder / "torch.md"


def test_an_engine_s_notes_are_a_page_of_the_site(client: Client, site: Site, document: Path) -> None:
    document.write_text("# PyTorch\n\n`foreach` lost.\n\n| a | b |\n| - | -: |\n| 1 | 2 |\n")
    notes = reverse("notes", args=["torch"])
    page = text(client, notes)
    for part in ("<h1>PyTorch</h1>", "<code>foreach</code> lost.", '<td class="number">2</td>', 'aria-label="Main"'):
        assert part in page
    assert f'<a href="{reverse("engine", args=["torch"])}">← PyTorch</a>' in page
    for url in (reverse("engine", args=["torch"]), reverse("explore")):
        assert notes in text(client, url)
    assert client.get(reverse("notes", args=["jax"])).status_code == 404
    assert reverse("notes", args=["jax"]) not in text(client, reverse("engine", args=["jax"]))


def test_notes_link_to_other_notes_and_to_the_web_and_nowhere_else(client: Client, document: Path) -> None:
    document.write_text(
        "[other](keras-jax.md), [web](https://pytorch.org), [file](../design.md), [script](javascript:alert(1)), "
        "[gone](theano.md#tracks)\n"
    )
    page = text(client, reverse("notes", args=["torch"])).split("<article")[1].split("</article>")[0]
    links = re.findall(r'<a href="([^"]*)">(\w+)</a>', page)
    assert links == [(reverse("notes", args=["keras-jax"]), "other"), ("https://pytorch.org", "web")]
    assert "file, " in page
    assert "gone" in page


def test_html_in_notes_is_shown_and_not_obeyed(client: Client, document: Path) -> None:
    document.write_text("<script>alert(1)</script>\n\nA <b onclick=x>bold</b> claim.\n")
    page = text(client, reverse("notes", args=["torch"]))
    assert "<script>alert" not in page
    assert "<b onclick" not in page
    assert "&lt;b onclick=x&gt;bold" in page


@pytest.mark.parametrize("slug", ["README", "adding", "no-such"])
def test_what_is_no_engine_has_no_notes(client: Client, slug: str) -> None:
    assert slug not in ENGINES
    assert client.get(reverse("notes", args=[slug])).status_code == 404


def test_runs_of_a_plug_in_that_is_no_longer_installed_are_still_shown(client: Client) -> None:
    site = Site(blocks=3)
    site.cell("mine", make_workload("mlp", 8, 100), seconds=1.0)
    site.cell("torch", make_workload("mlp", 8, 100), seconds=1.5)
    run = site.run("mine", make_workload("mlp", 8, 50))
    for url in (reverse("home"), reverse("explore"), reverse("engines"), reverse("runs"), run.get_absolute_url()):
        assert "mine (unknown engine)" in text(client, url), url
    assert client.get(reverse("engine", args=["mine"])).status_code == 404
