"""A chart in another page's frame: the only addresses that may be framed, and nothing that an outsider may not see."""

from __future__ import annotations

import dataclasses
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from runs.models import Experiment, Machine
from runs.pages.index import CHARTS
from runs.services.recording import record_runs
from tests.records import MACHINE, make_cell, make_record
from tests.runs.pages.reading import every_page, text
from tests.runs.site_rows import Site, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def embeds(client: Client, page: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'data-embeds="([^"]*)"', client.get(page).content.decode())]


def test_every_chart_of_every_page_can_stand_alone(client: Client, site: Site) -> None:
    seed_study(site)
    found = [address for page in every_page() for address in embeds(client, page)]
    assert len(found) > 5
    for address in found:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "data-chart=" in answer.content.decode()


def test_an_embedded_chart_says_what_it_shows_and_where_it_is_from(client: Client, site: Site) -> None:
    seed_study(site)
    (address,) = embeds(client, reverse("explore"))
    told = text(client, address)
    experiment = Experiment.objects.get()
    assert experiment.name in told
    assert "Time per epoch" in told
    assert f"experiment={experiment.slug}" in address
    page = f'href="http://testserver{reverse("explore")}?experiment={experiment.slug}'
    assert page in unescape(client.get(address).content.decode())


def test_a_panel_says_alone_which_of_the_panels_it_is(client: Client) -> None:
    cells = [make_cell("jax", device="cpu"), make_cell("jax", device="gpu")]
    record_runs(records=[make_record(cell=cell) for cell in cells])
    found = embeds(client, f"{reverse('explore')}?device=cpu&device=gpu&panels=split")
    assert len(found) == 2
    for address, own, other in zip(found, ("CPU", "GPU"), ("GPU", "CPU"), strict=True):
        figure = text(client, address)
        assert f"Time per epoch · Device: {own}" in figure
        assert f"· {own} ·" in figure
        assert f"· {other} ·" not in figure


def test_it_stays_with_its_experiment_when_a_newer_one_comes(client: Client, site: Site) -> None:
    seed_study(site)
    (address,) = embeds(client, reverse("explore"))
    before = text(client, address)
    record_runs(records=[make_record(experiment="newer", block=block) for block in range(3)])
    assert text(client, address) == before
    assert embeds(client, reverse("explore")) != [address]


def test_it_may_be_framed_and_nothing_else_may(client: Client, site: Site) -> None:
    seed_study(site)
    embedded = client.get(reverse("embed", args=["time-per-epoch"]))
    assert "X-Frame-Options" not in embedded
    assert "frame-ancestors *" in embedded["Content-Security-Policy"]
    for page in [*every_page(), reverse("chart", args=["time-per-epoch"])]:
        answer = client.get(page)
        assert answer["X-Frame-Options"] == "DENY", page
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], page


def test_a_chart_over_machines_names_none_though_its_page_s_address_does(client: Client) -> None:
    record_runs(
        records=[
            make_record(machine=dataclasses.replace(MACHINE, name=name, fingerprint=name * 32), block=block)
            for name in "ab"
            for block in range(3)
        ]
    )
    machine = Machine.objects.get(name="a")
    page = f"{reverse('hardware')}?machine={machine.pk}"
    (address,) = embeds(client, page)
    assert "machine=" not in address.partition("?")[2]
    (card,) = re.findall(r'property="og:image" content="([^"]*)"', text(client, page))
    assert "time-per-place" in card
    assert "machine=" not in card


def test_it_has_no_form_and_no_way_to_change_anything(client: Client, site: Site) -> None:
    seed_study(site)
    body = client.get(reverse("embed", args=["time-per-epoch"])).content.decode()
    assert "<form" not in body
    assert client.post(reverse("embed", args=["time-per-epoch"])).status_code == 405


def test_a_private_experiment_is_embedded_for_nobody_else(client: Client, site: Site) -> None:
    seed_study(site)
    (address,) = embeds(client, reverse("explore"))
    Experiment.objects.update(is_private=True)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("slug", ["no-such-chart", *sorted(CHARTS)])
def test_nothing_stored_is_no_fault(client: Client, slug: str) -> None:
    assert client.get(reverse("embed", args=[slug])).status_code in (200, 404)
