"""What changed: on every machine, the newest first; one with its evidence and its acknowledgement; as a feed."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runs.charts.style import Chip
from runs.errors import RunsError
from runs.models import Change
from runs.pages.parts.lists import listed, ordered, when
from runs.pages.parts.rendering import Section, render_page
from runs.selectors.changes import found_changes
from runs.services.changes import acknowledge
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.changes import (
    address_of,
    between_words,
    changed_words,
    command_of,
    interval_words,
    much_words,
    subject_words,
    sure_words,
)
from runs.words.releases import release_words

SECTION = Section("history", "", "changes")
_ORDERS = {"ratio": "ratio", "found": "found_at", "machine": "machine__name"}
_SEARCHED = ("engine", "machine__name", "before_release", "after_release")


def changes(request: HttpRequest) -> HttpResponse:
    page = listed(request, ordered(found_changes(), request, _ORDERS, _SEARCHED))
    table = changes_table(list(page), sorted_by=request.GET.get("sort", ""))
    return render_page(request, "changes", SECTION, page=page, table=table, q=request.GET.get("q", ""))


def changes_table(found: Sequence[Change], *, sorted_by: str = "") -> Table:
    columns = [
        Column(_("What changed")),
        Column(_("Machine"), sort="machine"),
        Column(_("By"), is_number=True, sort="ratio"),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True),
        Column(_("Between"), wraps=True),
        Column(_("State")),
        Column(_("Found"), sort="found"),
    ]
    return Table(_("Changes, the newest first"), columns, [_row(each) for each in found], sorted_by=sorted_by)


def _row(change: Change) -> list[TableCell]:
    return [
        TableCell(subject_words(change), url=reverse("change", args=[change.pk])),
        TableCell(change.machine.name, url=reverse("machine", args=[change.machine_id])),
        TableCell(much_words(change.ratio), values=(change.ratio,)),
        TableCell(interval_words(change)),
        TableCell(_between(change), title=sure_words(change)),
        TableCell(chip=state_of(change), title=change.acknowledgement),
        TableCell(when(change.found_at)),
    ]


def _between(change: Change) -> str:
    if change.kind == "release":
        return f"{release_words(change.before_release)} → {release_words(change.after_release)}"
    return f"{change.before_at:%Y-%m-%d} → {change.after_at:%Y-%m-%d}"


def state_of(change: Change) -> Chip:
    if change.gone_at is not None:
        return Chip(_("gone"), "none")
    if change.acknowledged_at is not None:
        return Chip(_("acknowledged"), "none")
    return Chip(_("slower"), "bad") if change.is_slower else Chip(_("faster"), "good")


def change(request: HttpRequest, pk: int, problem: str = "") -> HttpResponse:
    found = get_object_or_404(found_changes(), pk=pk)
    return render_page(
        request,
        "change",
        SECTION,
        change=found,
        subject=subject_words(found),
        much=much_words(found.ratio),
        times=numbers.times(found.ratio),
        interval=interval_words(found),
        between=between_words(found),
        sure=sure_words(found),
        changed=changed_words(found),
        evidence=address_of(found),
        command=command_of(found),
        state=state_of(found),
        problem=problem,
        may_acknowledge=getattr(request.user, "is_staff", False) and found.acknowledged_at is None,
    )


@require_POST
def acknowledgement(request: HttpRequest, pk: int) -> HttpResponse:
    """With the reason that the change's page gives."""
    user = request.user
    if not user.is_authenticated:
        return redirect_to_login(reverse("change", args=[pk]), reverse("sign-in"))
    get_object_or_404(found_changes(), pk=pk)
    try:
        acknowledge(change_id=pk, reason=request.POST.get("reason", ""), by=user)
    except RunsError as error:
        answer = change(request, pk, problem=str(error))
        answer.status_code = 400
        return answer
    return redirect("change", pk=pk)


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("changes/", changes, name="changes"),
    path("changes/<int:pk>/", change, name="change"),
    path("changes/<int:pk>/acknowledgement/", acknowledgement, name="acknowledgement"),
)
