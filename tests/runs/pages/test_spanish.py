"""The pages in Spanish."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from runs.models import Machine, Run, Summary
from runs.study.published import published
from runs.words.study import in_readers_words
from tests.runs.pages.reading import text
from tests.runs.site_rows import Site, make_machine, seed_study, seed_threads

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

WORDS = "the|of|with|and|from|which|each|over|run|runs|samples|idiomatic|not|time|thread|width|machine"
ENGLISH = re.compile(rf"\b({WORDS})\b", re.IGNORECASE)


def visible(page: str) -> str:
    """The words of a page, without what is code, a user's name, or said in English on purpose."""
    page = re.sub(r"<(script|style|code|pre|select)\b.*?</\1>", " ", page[page.index("<body") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_no_page_says_a_word_of_english_in_spanish(client: Client) -> None:
    call_command("loadstudy", verbosity=0)
    site = Site(blocks=3, machine=make_machine("maquina"))
    seed_study(site)
    seed_threads(site)
    Summary.objects.exclude(reason="").update(reason="motivo")
    Run.objects.exclude(reason="").update(reason="motivo")
    names = ("home", "figures", "explore", "speed-ups", "threads", "claims", "compare", "recommendation", "method")
    lists = ("runs", "experiments", "machines", "engines", "search", "upload-help", "sign-in")
    urls = [reverse(name) for name in names + lists] + [reverse("figure", args=["4-9"])]
    urls += [reverse("claim", args=[claim.id]) for claim in published().claims[::4]]
    urls += [Run.objects.all()[0].get_absolute_url(), reverse("engine", args=["theano"])]
    urls += [reverse("machine", args=[Machine.objects.get().pk]), reverse("explore") + "?engine=none"]
    for url in urls:
        words = visible(text(client, url, HTTP_ACCEPT_LANGUAGE="es"))
        found = [words[max(0, at.start() - 40) : at.end() + 30] for at in ENGLISH.finditer(words)]
        assert found == [], url


def test_numbers_follow_the_language(client: Client) -> None:
    call_command("loadstudy", verbosity=0)
    assert "2,045.85×" in text(client, reverse("speed-ups"), HTTP_ACCEPT_LANGUAGE="en")
    assert re.search(r"2\s045,85×", text(client, reverse("speed-ups"), HTTP_ACCEPT_LANGUAGE="es"))


def test_the_judging_is_put_in_the_readers_words() -> None:
    sentence = "time of TensorFlow over Theano, 1 CPU thread, MLPs of 8, 16 layers, width 1,600; faster: under 0.952×"
    with override("en"):
        assert in_readers_words(sentence) == sentence
    with override("es"):
        found = in_readers_words(sentence)
    assert found.startswith("tiempo de TensorFlow entre Theano, 1 hilo de CPU, MLP de 8, 16 capas, anchura 1600;")
    assert found.endswith("más rápido: menos de 0,952×")
