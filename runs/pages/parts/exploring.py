"""What Explore's address asks for: which cells, and how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.http import QueryDict
from django.utils.dateparse import parse_date

from engines.registry import ENGINES
from runs.charts.build import Chart
from runs.charts.specs import SCALES, Scale
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS, Facet, Picked, pick
from runs.pages.parts.asked import scope_query
from runs.pages.parts.comparison import View, comparison_chart
from runs.pages.parts.measures import ACROSS, MEASURES, Across, Measure, Setting
from runs.selectors.cells import cells_on_every_machine
from runs.selectors.machines import measured_peaks, prices
from runs.selectors.run_details import run_details
from runs.selectors.scopes import Scope
from runs.words.engines import engine_title

MOST_MACHINES = 12
"""That are drawn side by side."""
MOST_EPOCHS = 100_000
_LINEAR = frozenset({"accuracy", "peak", "speed-up", "threads-used"})
_HELD = frozenset({"network", "data", "batch", "device", "threads", "track", "options"})
"""Facets that are alike in the charts of several machines."""
_HELD_IF_CHOSEN = frozenset({*_HELD, "engine", "layers", "width"})
"""And those that are, where a reader chose among their values."""
_INTERVALS = ("bars", "bands", "runs", "none")


def picked_by(query: QueryDict, rows: Sequence[CellRow]) -> Picked:
    """Of an experiment's cells those that are asked for."""
    return pick(_searched(rows, query), _wishes(query), _facets(query))


def charts_by_machine(query: QueryDict, scope: Scope, picked: Picked) -> list[tuple[Scope, Chart]]:
    """Of each machine's cells alone those that train what was picked, in the same way; the scope's machine first.

    What a machine has not is left out: nothing else takes its place, as it would where a reader picks. Releases are
    each machine's own newest, where none is asked for.
    """
    rows: dict[int, list[CellRow]] = {}
    for row in cells_on_every_machine(scope):
        rows.setdefault(row.machine_id, []).append(row)
    held = held_alike(query, picked)
    facets = [replace(facet, falls_back=False) if facet.name in held else facet for facet in _facets(query)]
    found = []
    for machine in sorted(scope.machines, key=lambda each: each != scope.machine):
        own, own_rows = replace(scope, machine=machine, gpu_machine=None), rows.get(machine.pk, [])
        alike = pick(_searched(own_rows, query), {**_wishes(query), **held}, facets)
        chart = comparison_chart(alike, view_of(query, own, own_rows, alike))
        found += [(own, chart)] if chart.points else []
    return found[:MOST_MACHINES]


def held_alike(query: QueryDict, picked: Picked) -> dict[str, list[str]]:
    """Facet -> the values that the charts of several machines share: what is asked for, else what was picked."""
    merged = _across(query).merges
    held = {}
    for facet in picked.facets:
        selected = [choice.value for choice in facet.choices if choice.selected]
        wished = query.getlist(facet.name)
        is_held = facet.name in _HELD and facet.name not in merged
        if is_held or (facet.name in _HELD_IF_CHOSEN and (wished or not facet.shows_all)):
            held[facet.name] = wished if set(selected) <= set(wished) else selected
    return held


def intervals_of(measure: Measure) -> list[str]:
    """How intervals can be drawn. A run by itself has a time; what else is drawn comes from all of a cell's."""
    return [each for each in _INTERVALS if each != "runs" or measure.slug == "seconds"]


def _wishes(query: QueryDict) -> dict[str, list[str]]:
    return {facet.name: query.getlist(facet.name) for facet in FACETS}


def _facets(query: QueryDict) -> list[Facet]:
    """What lies along x begins with all its values."""
    merges = _across(query).merges
    return [replace(facet, starts_with_one=False) if facet.name in merges else facet for facet in FACETS]


def _across(query: QueryDict) -> Across:
    return ACROSS.get(query.get("x", ""), ACROSS["width"])


def view_of(query: QueryDict, scope: Scope, rows: Sequence[CellRow], picked: Picked) -> View:
    """How these are drawn."""
    measure = MEASURES.get(query.get("y", ""), MEASURES["seconds"])
    hourly, currency = _hourly(scope, picked.rows) if measure.slug == "cost" else ({}, "")
    setting = Setting(
        baseline=_baseline(query, rows),
        peaks=measured_peaks(scope),
        figures=run_details(scope, picked.rows) if measure.reads_records else {},
        epochs=_epochs(query.get("epochs", "")),
        prices=hourly,
        currency=currency,
    )
    intervals = query.get("intervals", "")
    return View(
        across=_across(query),
        measure=measure,
        scale=_scale(query.get("scale", ""), measure.slug),
        intervals=intervals if intervals in intervals_of(measure) else "bars",
        setting=setting,
        scope_query=scope_query(scope),
    )


def _hourly(scope: Scope, rows: Sequence[CellRow]) -> tuple[dict[int, float], str]:
    """What an hour of each machine costs, and in which currency: that of the first that has a price. Others' are no
    numbers to draw beside."""
    known = prices(row.machine_id for row in rows)
    own = [known[machine.pk] for machine in scope.measured_on if machine.pk in known]
    currency = own[0].currency if own else ""
    return {machine: price.amount for machine, price in known.items() if price.currency == currency}, currency


def _baseline(query: QueryDict, rows: Sequence[CellRow]) -> str:
    engines = {row.engine for row in rows}
    asked = query.get("baseline", "")
    return asked if asked in engines else next((slug for slug in ENGINES if slug in engines), "")


def _epochs(asked: str) -> int:
    return min(max(int(asked), 1), MOST_EPOCHS) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 10


def _scale(asked: str, measure: str) -> Scale:
    default: Scale = "linear" if measure in _LINEAR else "log"
    return next((scale for scale in SCALES if scale == asked), default)


def _searched(rows: Sequence[CellRow], query: QueryDict) -> list[CellRow]:
    """Cells that hold every word, measured between the two dates."""
    words = query.get("q", "").casefold().split()
    since, until = _date(query.get("since", "")), _date(query.get("until", ""))
    return [
        row
        for row in rows
        if all(word in _text(row) for word in words)
        and (since is None or row.newest_run_at.date() >= since.date())
        and (until is None or row.newest_run_at.date() <= until.date())
    ]


def _text(row: CellRow) -> str:
    parts = (engine_title(row.engine), row.engine, str(row.network), row.data_label, row.device, row.track)
    return " ".join([*parts, row.environment, row.reason]).casefold()


def _date(text: str) -> datetime | None:
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day) if found else None
