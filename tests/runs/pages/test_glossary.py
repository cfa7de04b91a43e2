"""The glossary, and its help on tables' heads."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from runs.words.glossary import CHAPTERS, of_head
from tests.runs.pages.reading import text
from tests.runs.site_rows import Site, seed_study


def test_each_term_has_an_address_of_its_own() -> None:
    slugs = [term.slug for chapter in CHAPTERS for term in chapter.terms]
    assert len(slugs) == len(set(slugs))


def test_heads_are_explained_in_the_reader_s_language() -> None:
    assert of_head("Efficiency").startswith("The speed-up over the number of threads")
    with translation.override("es"):
        assert of_head("Eficiencia").startswith("La aceleración entre el número de hilos")
        assert of_head("Efficiency") == ""
    assert of_head("Serial number") == ""


@pytest.mark.django_db
def test_every_page_leads_to_the_glossary_and_the_api(client: Client) -> None:
    words = text(client, reverse("home"))
    assert f'href="{reverse("glossary")}"' in words
    assert f'href="{reverse("api:docs")}"' in words
    assert '<div id="canary">' in text(client, reverse("glossary"))


@pytest.mark.django_db
def test_a_table_s_head_says_what_it_holds(client: Client, site: Site) -> None:
    seed_study(site)
    assert 'title="One process that trained one network or asked it.' in text(client, reverse("runs"))
