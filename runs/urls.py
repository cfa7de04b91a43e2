from __future__ import annotations

from django.urls import URLPattern, path
from django.views.i18n import set_language

from runs.pages import badges, cards, embeds, files, index

urlpatterns: list[URLPattern] = [
    *index.ROUTES,
    *files.ROUTES,
    *embeds.ROUTES,
    *badges.ROUTES,
    *cards.ROUTES,
    path("language/", set_language, name="language"),
]
