"""Energy and cost of epochs on Explore and a run's page: what was metered, what was said, and nothing else."""

from __future__ import annotations

import dataclasses
import io
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from engines.contract import Network
from engines.run_record import Energy, RunRecord
from runs.errors import ForbiddenError
from runs.models import Act, Machine, Run
from runs.services.curation import set_price
from runs.services.recording import record_runs
from tests.records import MACHINE, make_cell, make_record
from tests.runs.pages.reading import chart, text

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def metered(engine: str, watts: float, idle: float | None = 20.0, *, seconds: float = 0.5) -> list[RunRecord]:
    """Three runs that took so many watts beyond the idle machine."""
    records = [make_record(engine, Network("mlp", 8, 50), epoch_seconds=seconds, block=block) for block in range(3)]
    used = Energy(joules=(watts + (idle or 0.0)) * 3.0, seconds=3.0, source="package-0", idle_watts=idle)
    return [
        dataclasses.replace(record, training=dataclasses.replace(record.training, energy=used))
        for record in records
        if record.training
    ]


def points(client: Client, measure: str) -> dict[str, float]:
    drawn = chart(client, f"?y={measure}")["data"]["datasets"]
    return {each["label"]: each["data"][0]["y"] for each in drawn if each["data"]}


def test_energy_is_the_watts_beyond_idle_times_the_epoch_and_unmetered_engines_have_none(client: Client) -> None:
    unmetered = [make_record("torch", Network("mlp", 8, 50), block=block) for block in range(3)]
    record_runs(records=[*metered("jax", 40.0), *metered("theano", 40.0, None), *unmetered])
    assert points(client, "energy") == {"JAX · 8 layers": pytest.approx(20.0)}
    assert points(client, "power") == {"JAX · 8 layers": pytest.approx(40.0)}


def test_a_run_s_page_says_what_was_subtracted_and_who_counted(client: Client) -> None:
    record_runs(records=metered("jax", 40.0))
    page = text(client, reverse("run", args=[Run.objects.earliest("pk").run_id]))
    assert "20.0 J: 60.0 W, less 20.0 W of the idle machine (package-0)" in " ".join(page.split())


def test_a_cost_is_the_price_of_an_hour_by_the_epochs_share_of_it(client: Client) -> None:
    record_runs(records=metered("jax", 40.0, seconds=0.36))
    assert points(client, "cost") == {}
    output = io.StringIO()
    call_command("machines", "price", "lab-1", "2.5", "USD", stdout=output)
    assert "costs 2.5000 USD an hour" in output.getvalue()
    assert points(client, "cost") == {"JAX · 8 layers": pytest.approx(0.25)}
    assert "2.50 USD an hour" in text(client, reverse("machine", args=[Machine.objects.get().pk]))
    call_command("machines", "price", "lab-1", "none", stdout=output)
    assert points(client, "cost") == {}
    assert [act.details for act in Act.objects.filter(kind="price")] == [
        {"from": "2.5000 USD", "to": ""},
        {"from": "", "to": "2.5000 USD"},
    ]


def test_costs_in_two_currencies_are_not_drawn_beside_each_other(client: Client) -> None:
    other = dataclasses.replace(MACHINE, name="cluster", fingerprint="c" * 32)
    cell = dataclasses.replace(make_cell("jax", Network("mlp", 8, 50)), device="gpu")
    record_runs(records=metered("jax", 40.0, seconds=0.36))
    record_runs(records=[make_record(cell=cell, block=block, machine=other) for block in range(3)])
    call_command("machines", "price", "lab-1", "2.5", "USD", stdout=io.StringIO())
    call_command("machines", "price", "cluster", "9", "EUR", stdout=io.StringIO())
    keys = dict(Machine.objects.values_list("name", "pk"))
    query = f"?y=cost&machine={keys['lab-1']}&gpu_machine={keys['cluster']}&device=cpu&device=gpu"
    sent = chart(client, query)
    assert [each["label"] for each in sent["data"]["datasets"]] == ["JAX · 8 layers · CPU"]
    assert sent["options"]["scales"]["y"]["unit"] == "USD"
    call_command("machines", "price", "cluster", "9", "USD", stdout=io.StringIO())
    assert len(chart(client, query)["data"]["datasets"]) == 2


def test_where_nothing_was_metered_or_priced_the_page_says_why(client: Client) -> None:
    record_runs(records=[make_record("torch", Network("mlp", 8, 50), block=block) for block in range(3)])
    assert "counters of energy" in text(client, reverse("explore") + "?y=energy")
    assert "machines price NAME" in text(client, reverse("explore") + "?y=cost")


@pytest.mark.parametrize(
    ("price", "currency", "told"),
    [
        ("free", "EUR", "price is 'free', allowed: a number above 0"),
        ("-1", "EUR", "allowed: a number above 0"),
        ("nan", "EUR", "allowed: a number above 0"),
        ("1e9", "EUR", "below 100,000"),
        ("1", "euro", "three capital letters, as EUR"),
    ],
)
def test_a_price_that_is_none_is_told(client: Client, price: str, currency: str, told: str) -> None:
    record_runs(records=metered("jax", 40.0))
    with pytest.raises(CommandError, match=told):
        call_command("machines", "price", "--", "lab-1", price, currency)
    assert Machine.objects.get().hourly_price is None


def test_a_machine_s_price_is_its_owner_s_to_say(client: Client) -> None:
    record_runs(records=metered("jax", 40.0))
    with pytest.raises(ForbiddenError):
        set_price(machine=Machine.objects.get(), price="1", currency="EUR", by=User.objects.create_user("bob"))
    set_price(
        machine=Machine.objects.get(), price="1", currency="EUR", by=User.objects.create_user("eve", is_staff=True)
    )
    assert Machine.objects.get().hourly_price == Decimal(1)
