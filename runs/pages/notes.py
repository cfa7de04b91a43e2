"""How an engine is implemented and what was tried instead: its document in the repository, as a page."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse

from runs.pages.parts.markdown import to_html
from runs.pages.parts.rendering import DATA, Section, render_page
from runs.pages.parts.tracks import docs_of
from runs.words.engines import engine_title

SECTION = Section(DATA.key, tab="engines")


def notes(request: HttpRequest, slug: str) -> HttpResponse:
    document = docs_of(slug)
    if document is None:
        raise Http404(f"There are no notes on an engine {slug!r}.")
    return render_page(
        request,
        "notes",
        SECTION,
        slug=slug,
        engine=engine_title(slug),
        document=to_html(document.read_text(encoding="utf-8"), _resolved),
    )


def _resolved(link: str) -> str:
    """The notes on another engine are a page here, too."""
    file = PurePosixPath(link.partition("#")[0])
    found = file.suffix == ".md" and len(file.parts) == 1 and docs_of(file.stem)
    return reverse("notes", args=[file.stem]) if found else ""


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("engines/<slug:slug>/notes/", notes, name="notes"),)
