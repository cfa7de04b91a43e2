"""The navigation, for every page that extends the base: those of accounts and errors too."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

from runs.pages.index import SECTIONS, TABS
from runs.words.glossary import of_head

register = template.Library()


@register.simple_tag
def site_sections() -> list[tuple[str, str, str]]:
    """Address' name, section, word."""
    return [(section.route, section.key, gettext(section.title)) for section in SECTIONS]


@register.filter
def translated(words: str) -> str:
    """`translate` on a variable would double its per cents."""
    return gettext(words)


@register.filter
def head_help(title: str) -> str:
    """What a table's column holds, for who points at its head."""
    return of_head(title)


@register.simple_tag
def data_pages() -> list[tuple[str, str]]:
    return [(section.route, gettext(section.title)) for section in TABS]
