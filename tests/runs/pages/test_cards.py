"""The picture beside a shared link: of the page's own chart, and of nothing that an outsider may not see."""

from __future__ import annotations

import re
from html import unescape
from io import BytesIO
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from PIL import Image

from runs.models import Experiment
from runs.pages.index import CHARTS
from runs.services.recording import record_runs
from tests.records import make_cell, make_record
from tests.runs.pages.reading import chart, every_page
from tests.runs.site_rows import Site, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
HOST = "http://testserver"


def card_of(client: Client, page: str) -> str:
    (found,) = re.findall(r'property="og:image" content="([^"]*)"', client.get(page).content.decode())
    assert found.startswith(HOST), "other sites ask for it: its address is whole"
    return unescape(found).removeprefix(HOST)


def is_picture(client: Client, address: str) -> bytes:
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png"), address
    assert Image.open(BytesIO(answer.content)).size == (1200, 630)
    return answer.content


def test_every_page_has_a_card(client: Client, site: Site) -> None:
    seed_study(site)
    pages = [page for page in every_page() if "html" in client.get(page)["Content-Type"]]
    found = {card_of(client, page) for page in pages}
    assert len(found) > 5
    for address in found:
        is_picture(client, address)


def test_it_is_of_what_the_page_s_address_asks_for(client: Client) -> None:
    cells = [make_cell(engine, device=device) for engine in ("jax", "theano") for device in ("cpu", "gpu")]
    record_runs(records=[make_record(cell=cell, epoch_seconds=1.0 + at) for at, cell in enumerate(cells)])
    explore = reverse("explore")
    label = chart(client, "?device=gpu")["data"]["datasets"][0]["label"]
    hidden = urlencode({"device": "gpu", "hide": label})
    addresses = [f"{explore}?device=cpu", f"{explore}?device=gpu", f"{explore}?{hidden}"]
    assert len({is_picture(client, card_of(client, each)) for each in addresses}) == 3


def test_it_stays_with_its_experiment_when_a_newer_one_comes(client: Client, site: Site) -> None:
    seed_study(site)
    address = card_of(client, reverse("explore"))
    before = is_picture(client, address)
    record_runs(records=[make_record(experiment="newer", block=block) for block in range(3)])
    assert is_picture(client, address) == before
    assert card_of(client, reverse("explore")) != address


def test_a_private_experiment_s_is_its_owner_s_alone(client: Client, site: Site) -> None:
    seed_study(site)
    address = card_of(client, reverse("explore"))
    assert "public" in client.get(address)["Cache-Control"]
    Experiment.objects.update(is_private=True)
    assert client.get(address).status_code == 404
    client.force_login(User.objects.create_user("staff", is_staff=True))
    answer = client.get(address)
    assert answer.status_code == 200
    assert "private" in answer["Cache-Control"]
    assert "public" not in answer["Cache-Control"]


@pytest.mark.parametrize("slug", ["no-such-chart", "site", *sorted(CHARTS)])
def test_nothing_stored_is_no_fault(client: Client, slug: str) -> None:
    assert client.get(reverse("card", args=[slug])).status_code in (200, 404)
    assert client.post(reverse("card", args=[slug])).status_code == 405
