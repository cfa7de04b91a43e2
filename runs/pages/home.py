"""The home page: an answer for each situation, the claims at a glance, what a GPU brings."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_noop

from runs.findings.situations import Answer
from runs.findings.your_case import Asked, Size
from runs.pages.changes import state_of
from runs.pages.parts.answers import asked_answers, forest_of
from runs.pages.parts.asked import asked_cells
from runs.pages.parts.cases import CaseForm
from runs.pages.parts.rendering import Section, chart_url, render_page
from runs.pages.parts.verdicts import claim_cells, claim_counts
from runs.pages.speed_ups import found_speed_ups
from runs.selectors.changes import latest_changes
from runs.selectors.coverage import stored_counts
from runs.selectors.machines import region_of
from runs.selectors.study import judged_on
from runs.words import numbers
from runs.words.changes import much_words, subject_words

SECTION = Section("answers", gettext_noop("Answers"), "home")


def home(request: HttpRequest) -> HttpResponse:
    scope, cells = asked_cells(request.GET)
    rope = region_of(*scope.measured_on)
    claims = judged_on(scope, cells, rope=rope) if cells else []
    speed_ups = found_speed_ups(scope, request.GET, cells)
    # What was tried comes first; else the results that ship would begin with networks that nobody measured.
    answers = sorted(asked_answers(cells, request.GET, rope), key=lambda answer: not answer.was_tried)
    return render_page(
        request,
        "home",
        SECTION,
        scope=scope,
        card_url=chart_url("time-per-epoch", request.GET.urlencode()),
        answers=[(answer, forest_of(answer)) for answer in answers],
        tie_band=numbers.tie_band(rope),
        is_synthetic=any(cell.is_synthetic for cell in cells),
        stored=stored_counts(),
        heat_tables=speed_ups.heat_tables,
        all_claims=claim_cells(claims),
        counts=claim_counts(claims),
        case=CaseForm(_first_case(answers)),
        changed=[(each, subject_words(each), much_words(each.ratio), state_of(each)) for each in latest_changes()],
    )


def _first_case(found: Sequence[Answer]) -> Asked:
    """What the form begins with: the network of the first answer that has times."""
    for answer in found:
        if answer.has_times and answer.found.workload:
            network = answer.found.workload.network
            return Asked(Size(network.type, network.hidden_layers, network.width), answer.found.situation.device)
    return Asked(None, "cpu")


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("", home, name="home"),)
