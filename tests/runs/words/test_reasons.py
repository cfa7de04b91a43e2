"""Records give their reasons in English; a page gives them in the reader's language."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from runs.words.reasons import SENTENCES, reason_in_words

PLACEHOLDER = re.compile(r"\{\w+\}")


def in_spanish(reason: str) -> str:
    with translation.override("es"):
        return reason_in_words(reason)


def test_a_known_sentence_is_said_in_the_readers_language_with_its_numbers() -> None:
    assert in_spanish("Other processes kept 0.31 of 2 CPUs busy.") == "Otros procesos ocuparon 0.31 de 2 CPU."


def test_english_readers_get_the_sentence_as_it_was_told() -> None:
    with translation.override("en"):
        assert reason_in_words("No GPU seen.") == "No GPU seen."


@cache
def programs() -> str:
    """What may write such a sentence; not the list that is tested."""
    folders = (Path(settings.BASE_DIR, "engines"), Path(settings.BASE_DIR, "runs"))
    paths = [path for folder in folders for path in folder.rglob("*.py")]
    return "".join(path.read_text("utf-8") for path in paths if path.name != "reason_words.py")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_is_translated_and_keeps_what_it_told(sentence: str) -> None:
    told = PLACEHOLDER.sub("12.5", sentence)
    assert in_spanish(told) != told
    assert in_spanish(told).count("12.5") == told.count("12.5")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_is_one_that_our_programs_write(sentence: str) -> None:
    pieces = re.split(r"\{\w+\}| slower| faster|The environment | is not installed|\. ", sentence)
    assert [piece for piece in pieces if piece.strip() not in programs()] == []


@given(st.text())
def test_what_is_not_known_stands_as_it_was_told(told: str) -> None:
    assert in_spanish(f"RuntimeError: {told}") == f"RuntimeError: {told}"


@pytest.mark.parametrize("told", ["{command}", "%s", "{0.__class__}"])
def test_braces_in_what_was_told_stay_as_they_are(told: str) -> None:
    assert told in in_spanish(f"The GPU build of jax is not installed. Type: {told}")
