"""The study's claims and their verdicts."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from runs.study.published import published
from runs.words.study import STATEMENTS
from tests.runs.pages.reading import csv_table, text
from tests.runs.site_rows import Site, seed_study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_every_claim_is_shown_with_its_verdict(client: Client, site: Site) -> None:
    seed_study(site)
    rows = csv_table(client, "claims")
    assert [row["id"] for row in rows] == [claim.id for claim in published().claims]
    by_id = {row["id"]: row["verdict"] for row in rows}
    assert by_id["mlp-cpu-tf-beats-th"] == "holds"
    assert by_id["mlp-cpu-kth-beats-th"] == "does not hold"
    assert "holds" in text(client, reverse("claim", args=["mlp-cpu-tf-beats-th"]))


def test_claims_are_filtered_by_verdict(client: Client, site: Site) -> None:
    seed_study(site)
    words = text(client, reverse("claims") + "?verdict=holds")
    assert words.count('class="card claim"') == sum(row["verdict"] == "holds" for row in csv_table(client, "claims"))


def test_the_words_to_be_translated_are_those_of_the_study() -> None:
    assert list(STATEMENTS) == [claim.statement for claim in published().claims]
