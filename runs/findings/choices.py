"""What a page lets a reader choose before it answers: selects, made of what the cells at hand differ in. No ORM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from runs.findings.facets import FacetState
from runs.words.networks import network_title


@dataclass(frozen=True)
class Select:
    name: str
    title: str
    choices: Sequence[tuple[str, str]]
    """Values and labels."""
    value: str


def selects(found: Iterable[tuple[str, Sequence[FacetState]]], asked: Mapping[str, Sequence[str]]) -> list[Select]:
    """One for each thing that any of several answers could be chosen by; `found` has each answer's kind of network.

    Data sets are a network type's own, so that each type has its select; all else is asked once. The first choice
    leaves it to each answer, which takes what has most times.
    """
    offered: dict[tuple[str, str], dict[str, str]] = {}
    for network_type, facets in found:
        for facet in facets:
            title = f"{facet.title}, {network_title(network_type)}" if facet.name == "data" else facet.title
            otherwise = _("all") if facet.multiple else _("the one with most results")
            labels = offered.setdefault((facet.name, title), {"": otherwise})
            labels.update((choice.value, choice.label) for choice in facet.choices)
    return [
        _select(name, title, labels, asked.get(name, ()))
        for (name, title), labels in offered.items()
        if len(labels) > 2
    ]


def _select(name: str, title: str, labels: Mapping[str, str], asked: Sequence[str]) -> Select:
    value = next((each for each in asked if each in labels), "")
    return Select(name, title, list(labels.items()), value)
