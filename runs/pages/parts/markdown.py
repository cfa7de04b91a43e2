"""The project's documents as HTML, by markdown-it-py. What is HTML in them already is shown as text, not obeyed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

_SCROLLS = {
    "<pre>": '<pre tabindex="0">',
    '<table class="table">': '<div class="table-scroll" tabindex="0"><table class="table">',
    "</table>": "</table></div>",
}
"""What may be wider than a screen can be reached and scrolled by keyboard."""
Resolve = Callable[[str], str]
"""From a link within the documents to where it leads on this site; empty where it leads nowhere here."""


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """Without raw HTML, and with the parser's own refusal of `javascript:` and its like in links."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def to_html(text: str, resolve: Resolve) -> SafeString:
    """Safe to put into a page: the parser escapes all text and lets no tag, style or script through."""
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        _mend(token, resolve)
    _without_empty_heads(tokens)
    made: str = parser.renderer.render(tokens, parser.options, {})
    for plain, reachable in _SCROLLS.items():
        made = made.replace(plain, reachable)
    return mark_safe(made)  # noqa: S308 - the parser's own tags and escaped text


def _without_empty_heads(tokens: list[Token]) -> None:
    """The corner of a table heads nothing."""
    for opening, content, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "th_open" and not content.content:
            opening.tag = closing.tag = "td"


def _mend(token: Token, resolve: Resolve) -> None:
    """No inline style, which the site's policy forbids; tables scroll by themselves; links lead somewhere."""
    if token.attrs.pop("style", "") == "text-align:right":
        token.attrJoin("class", "number")
    if token.type == "table_open":
        token.attrJoin("class", "table")
    children = token.children or []
    for child in children:
        _mend(child, resolve)
    token.children = _with_links(children, resolve) if token.children else token.children


def _with_links(tokens: list[Token], resolve: Resolve) -> list[Token]:
    """Without the links that lead nowhere here; their words stay."""
    kept: list[Token] = []
    is_open = False
    for token in tokens:
        if token.type == "link_open":
            address = _address(str(token.attrs.get("href", "")), resolve)
            is_open = bool(address)
            token.attrs["href"] = address
        if token.type not in {"link_open", "link_close"} or is_open:
            kept.append(token)
    return kept


def _address(link: str, resolve: Resolve) -> str:
    return link if link.startswith(("https://", "http://")) else resolve(link)
