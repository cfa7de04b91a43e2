"""Engines by name: their titles, and the order in which they are listed."""

from __future__ import annotations

from django.utils.translation import gettext

from engines.registry import ENGINES


def engine_title(slug: str) -> str:
    info = ENGINES.get(slug)
    return info.title if info else gettext("{slug} (unknown engine)").format(slug=slug)


def engine_place(slug: str) -> tuple[int, str]:
    """The registry's order; engines that it does not know come last."""
    known = list(ENGINES)
    return (known.index(slug) if slug in known else len(known), slug)
