"""The navigation, for every page that extends the base: those of accounts and errors too."""

from __future__ import annotations

from django import template
from django.http import QueryDict
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext

from runs.pages.index import SECTIONS, TABS
from runs.pages.parts.rendering import SITE_CARD
from runs.selectors.scopes import Scope
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


@register.simple_tag
def embed_address(chart_url: str, scope: object = None, across_machines: bool = False) -> str:
    """Where a chart stands alone."""
    slug, query = _pinned(chart_url, scope, across_machines)
    return f"{reverse('embed', args=[slug])}?{query}"


@register.simple_tag(takes_context=True)
def card_address(context: Context) -> str:
    """The whole address of the picture beside links to this page: of its first chart, else of the site."""
    charts = [address for _chart, address, *_words in context.get("charts") or ()]
    slug, query = SITE_CARD, ""
    for address in [context.get("card_url") or context.get("chart_url"), *charts]:
        if address:
            slug, query = _pinned(address, context.get("scope"), bool(context.get("across_machines")))
            break
    where = reverse("card", args=[slug])
    return str(context["request"].build_absolute_uri(f"{where}?{query}" if query else where))


def _pinned(chart_url: str, scope: object, across_machines: bool) -> tuple[str, str]:
    """A chart's name and query. What the page chose for its reader is said, so that it stays what it is."""
    address, _, query = chart_url.partition("?")
    fields = QueryDict(query, mutable=True)
    if across_machines:
        fields.pop("machine", None)  # left over from another page: it chooses nothing of a chart over machines
    if isinstance(scope, Scope) and scope.experiment:
        fields.setdefault("experiment", scope.experiment.slug)
        if scope.machine and not across_machines:
            fields.setdefault("machine", str(scope.machine.pk))
    return address.rpartition("/")[2].removesuffix(".json"), fields.urlencode()
