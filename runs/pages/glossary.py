"""What the site's words mean."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from runs.pages.parts.rendering import Section, render_page
from runs.words.glossary import CHAPTERS

SECTION = Section("glossary")


def glossary(request: HttpRequest) -> HttpResponse:
    return render_page(request, "glossary", SECTION, chapters=CHAPTERS)


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("glossary/", glossary, name="glossary"),)
