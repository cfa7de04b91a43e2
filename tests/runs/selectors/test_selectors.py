from __future__ import annotations

import pytest

from runs.models import Run
from runs.selectors import coverage, runs, scopes
from runs.selectors.cells import cells_of
from runs.selectors.runs import run_page
from tests.runs.site_rows import Site, make_experiment, make_machine, make_workload

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return Site(blocks=3)


def test_nothing_stored_is_an_empty_scope() -> None:
    scope = scopes.scope()
    assert (scope.experiment, scope.machine) == (None, None)
    assert cells_of(scope) == []


def test_the_newest_experiment_with_results_is_shown(site: Site) -> None:
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    newer = Site(blocks=3, experiment=make_experiment("newer"), machine=site.machine)
    newer.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    make_experiment("newest, without a run")
    assert scopes.scope().experiment == newer.experiment


def test_one_machine_is_shown_and_the_others_are_offered(site: Site) -> None:
    other = Site(blocks=3, experiment=site.experiment, machine=make_machine("bench-2"))
    for each in (site, other):
        each.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    scope = scopes.scope()
    assert len(cells_of(scope)) == 1
    assert {machine.name for machine in scope.machines} == {"bench-1", "bench-2"}


def test_the_machine_with_the_newest_run_comes_first(site: Site) -> None:
    from datetime import timedelta

    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    other = Site(blocks=3, experiment=site.experiment, machine=make_machine("bench-2"))
    summary = other.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    summary.newest_run_at += timedelta(days=1)
    summary.save()
    assert scopes.scope().machine == other.machine


@pytest.mark.parametrize("slug", ["no-such", "nul\0byte", "'; drop table runs_run; --"])
def test_an_unknown_experiment_shows_the_newest(site: Site, slug: str) -> None:
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    assert scopes.scope(slug, "12345678901234567890").experiment == site.experiment


def test_an_old_experiment_that_is_no_longer_offered_can_still_be_asked_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes, "OFFERED", 1)
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    newer = Site(blocks=3, experiment=make_experiment("newer"), machine=site.machine)
    newer.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    scope = scopes.scope(site.experiment.slug)
    assert scope.experiment == site.experiment
    assert site.experiment in scope.experiments


def test_a_cell_without_a_time_keeps_its_reason(site: Site) -> None:
    site.missing("theano", make_workload("cnn", 2, 64), status="out_of_memory", reason="It asked for 9 GiB.")
    (cell,) = cells_of(scopes.scope())
    assert (cell.missing, cell.reason, cell.estimate) == ("out of memory", "It asked for 9 GiB.", None)


def test_pages_of_runs_meet_without_gap_or_repeat(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PAGE", 4)
    workload = make_workload("mlp", 8, 25)
    for block in range(10):
        site.run("theano", workload, block=block)
    Run.objects.update(finished_at=Run.objects.latest("pk").finished_at)
    seen: list[int] = []
    before = ""
    while True:
        page = run_page({}, before)
        seen += [run.pk for run in page.runs]
        if not (before := page.older):
            break
    assert seen == sorted(Run.objects.values_list("pk", flat=True), reverse=True)


@pytest.mark.parametrize(
    "wished", [{"machine": "x"}, {"width": "1e3"}, {"engine": "a\0b"}, {"machine": "9" * 30}, {"layers": "-1"}]
)
def test_a_filter_that_cannot_be_meant_matches_no_run(site: Site, wished: dict[str, str]) -> None:
    site.run("theano", make_workload("mlp", 8, 25))
    assert not run_page(wished).runs


def test_an_unknown_filter_is_not_a_way_into_the_database(site: Site) -> None:
    site.run("theano", make_workload("mlp", 8, 25))
    assert len(run_page({"record__command": "x"}).runs) == 1


def test_extents_count_what_each_machine_has(site: Site) -> None:
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    site.cell("tensorflow", make_workload("mlp", 8, 25), seconds=1)
    idle = make_machine("idle")
    extents = coverage.extents("machine", [site.machine.pk, idle.pk])
    assert (extents[site.machine.pk].cells, extents[site.machine.pk].engines) == (2, 2)
    assert (extents[idle.pk].cells, extents[idle.pk].newest_run_at) == (0, None)
