"""A badge for another page: who leads in a situation, of one experiment, as a small picture that links back."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from runs.findings.situations import Answer
from runs.pages.parts.answers import asked_answers
from runs.pages.parts.asked import pinned_scope
from runs.pages.parts.rendering import kept_for_visitors
from runs.selectors.cells import cells_of
from runs.selectors.machines import region_of

_CHARACTER, _SPACE = 6.8, 20
"""Pixels of a character of 11 px on average, which browsers then hold the text to, and around the text."""
_SURE, _UNSURE, _NONE = "#2a7f4f", "#8a5a00", "#5f6a7d"


@dataclass(frozen=True)
class Half:
    """One half of a badge; `at` is where its text has its middle."""

    text: str
    start: float = 0.0

    @property
    def text_width(self) -> float:
        return round(_CHARACTER * len(self.text), 1)

    @property
    def width(self) -> float:
        return self.text_width + _SPACE

    @property
    def at(self) -> float:
        return round(self.start + self.width / 2, 1)


@require_safe
@kept_for_visitors(seconds=300)
def badge(request: HttpRequest, situation: str) -> HttpResponse:
    """Who leads there. Without an experiment in the address, of the site's newest."""
    scope = pinned_scope(request.GET)
    answers = asked_answers(cells_of(scope), request.GET, region_of(*scope.measured_on))
    known = {answer.slug: answer for answer in answers}
    if situation not in known:
        raise Http404(f"There is no situation {situation!r}. Known: {', '.join(known)}.")
    answer = known[situation]
    left = Half(answer.situation)
    right = Half(_verdict(answer), left.width)
    about = " · ".join(filter(None, (answer.basis, scope.experiment.name if scope.experiment else "")))
    context = {"left": left, "right": right, "width": left.width + right.width, "color": _color(answer), "about": about}
    return render(request, "runs/badge.svg", context, content_type="image/svg+xml")


def _verdict(answer: Answer) -> str:
    """With the word that no reader may miss, where images or runs were made up."""
    if not answer.has_times:
        return _("not measured yet")
    words = f" {_('or')} ".join(answer.short_headline) or _("no clear winner yet")
    made_up = any(cell.is_synthetic for cell in answer.cells.values())
    return _("{verdict} (synthetic data)").format(verdict=words) if made_up else words


def _color(answer: Answer) -> str:
    if answer.headline:
        return _SURE
    return _UNSURE if answer.has_times else _NONE


ROUTES = (path("badge/<slug:situation>.svg", badge, name="badge"),)
