"""A machine tells of itself in English; a page says it in the reader's language."""

from __future__ import annotations

import pytest
from django.utils import translation

from engines.machine import detect
from engines.machine.hardware import facts
from runs.words.facts import fact_word, in_words


def test_known_facts_are_named_in_the_readers_language() -> None:
    with translation.override("es"):
        assert in_words({"CPU frequency": "2 GHz", "GPU 1 memory": "80 GiB"}) == {
            "frecuencia de la CPU": "2 GHz",
            "memoria de la GPU 1": "80 GiB",
        }


@pytest.mark.parametrize("name", ["colour of the box", "", "GPU one memory", "Runs", "%(index)s"])
def test_what_is_not_known_stands_as_it_was_told(name: str) -> None:
    with translation.override("es"):
        assert fact_word(name) == name


def test_what_this_machine_tells_is_known() -> None:
    with translation.override("es"):
        told = facts(detect())
        assert told
        assert [name for name in told if fact_word(name) == name] == []
