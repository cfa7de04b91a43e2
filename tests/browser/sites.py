"""Four sites as visitors meet them: measured for minutes, for months, never, and by people with odd names."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import replace
from uuid import UUID

from django.core.management import call_command
from django.urls import reverse

from runs.bench.seeding import records_of, sittings
from runs.models import Experiment, Machine, Run
from runs.pages.index import PLAIN
from runs.services.recording import record_runs
from tests.runs.site_rows import Site, make_experiment, make_machine, make_workload

LONG = "x" * 97
TURNS = "lab \u202e1-bal"


def quick() -> None:
    """What `make bench` leaves: four engines, small networks, one device, one experiment."""
    call_command("loadstudy", verbosity=0)
    call_command("seedruns", runs=90, seed=1, suite="quick", verbosity=0, stdout=io.StringIO())
    Experiment.objects.update(name="quick")
    record = next(records_of(sittings(90, 1, "quick")[0]))
    failed = replace(
        record,
        run_id=str(UUID(int=1, version=4)),
        status="crashed",
        reason="ValueError: shapes (3, 4) and (5, 6) do not fit",
        training=None,
        placement=replace(record.placement, experiment="quick", block=50),
    )
    record_runs(records=[failed])


def rich() -> None:
    """All eight engines in both tracks on both devices, today's families, failures, several machines."""
    call_command("loadstudy", verbosity=0)
    for suite, runs in (("study", 300), ("modern", 300), ("families", 100)):
        call_command("seedruns", runs=runs, seed=1, suite=suite, verbosity=0, stdout=io.StringIO())


def empty() -> None:
    """Before anything was measured."""


def hostile() -> None:
    site = Site(blocks=3, experiment=make_experiment(LONG), machine=make_machine(LONG, cpu=LONG))
    site.cell("theano", make_workload("mlp", 8, 25), seconds=1)
    other = dataclasses.replace(site, machine=make_machine(TURNS))
    other.cell("theano", make_workload("mlp", 8, 25), seconds=2)


SITES = {each.__name__: each for each in (quick, rich, empty, hostile)}


def paths() -> list[str]:
    """Every page that needs no argument, and one of each kind that needs one."""
    found = [reverse(name) for name in PLAIN]
    run, machine = Run.objects.order_by("pk").first(), Machine.objects.order_by("pk").first()
    if run and machine:
        slug = run.experiment.slug
        found += [run.get_absolute_url(), reverse("machine", args=[machine.pk])]
        found += [reverse("experiment", args=[slug]), reverse("coverage", args=[slug])]
    return [*found, reverse("engine", args=["theano"]), f"{reverse('your-case')}?network=mlp&layers=8&width=100"]
