"""One engine at one network on one machine, over dates or over releases, and every change of it with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from operator import itemgetter

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from engines.registry import ENGINES
from runs.charts import build
from runs.charts.build import Chart, Point
from runs.charts.build import Series as Line
from runs.charts.specs import TIME, Axis, ChartSpec
from runs.charts.style import chip
from runs.findings.choices import Select
from runs.findings.history import History, Moment, Transition
from runs.findings.software import Changed
from runs.models import Machine, Workload
from runs.pages.parts.cells import row_style
from runs.pages.parts.comparison import runs_url
from runs.pages.parts.rendering import Section, chart_url, render_page, table_url
from runs.pages.parts.selects import Option
from runs.selectors.history import Series, engines_on, histories, machines_with_history, workloads_of
from runs.stats import EQUIVALENCE
from runs.tables.table import Column, Table, TableCell, Value, in_order, ratio_values
from runs.words import numbers
from runs.words.cells import on_words
from runs.words.engines import engine_place, engine_title
from runs.words.networks import named
from runs.words.releases import release_key, release_words

SECTION = Section("history", gettext_noop("History"), "history")
_DATE = Axis({"": gettext_noop("Date")}, fixed_ticks=True)
_RELEASE = Axis({"": gettext_noop("Release")}, fixed_ticks=True)
SPEC = ChartSpec("history", gettext_noop("Time over dates"), x=_DATE, y=TIME, intervals=True, scales=("log", "linear"))
OWN_SPECS = (SPEC,)
_SPEC_OVER_RELEASES = ChartSpec(
    "history", gettext_noop("Time over releases"), x=_RELEASE, y=TIME, intervals=True, scales=("log", "linear")
)
MOST_SHOWN = 50
"""Changes on the page; the files have all."""
_MOST_MARKS = 8
_MOST_KEPT = 20
_TICKS = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class HistoryPage:
    """`machine`, `engine` and `workload` are None or empty where nothing is stored."""

    query: QueryDict
    machines: Sequence[Machine] = ()
    engines: Sequence[str] = ()
    workloads: Sequence[Workload] = ()
    machine: Machine | None = None
    engine: str = ""
    workload: Workload | None = None
    found: Mapping[Series, History] | None = None

    @cached_property
    def lines(self) -> Mapping[Series, History]:
        return {series: each for series, each in (self.found or {}).items() if each.timed}

    @property
    def title(self) -> str:
        return f"{engine_title(self.engine)} · {named(self.workload.network)}" if self.workload else ""

    @property
    def rope(self) -> float:
        return next((each.rope for each in self.lines.values()), EQUIVALENCE)

    # ------------------------------------------------------------ what is asked

    @property
    def over(self) -> str:
        """`date`, unless all was measured in one experiment: then `release`."""
        asked = self.query.get("x", "")
        if asked in ("date", "release"):
            return asked
        experiments = {moment.experiment_id for each in self.lines.values() for moment in each.timed}
        return "release" if len(experiments) == 1 else "date"

    @property
    def ways(self) -> list[Option]:
        words = {"date": _("Over dates"), "release": _("Over releases")}
        return [Option(words[each], self._changed(x=each), each == self.over) for each in words]

    def _changed(self, **changes: str) -> str:
        query = self.query.copy()
        for name, value in changes.items():
            query[name] = value
        return query.urlencode()

    @property
    def selects(self) -> list[Select]:
        machines = [(str(each.pk), each.name) for each in self.machines]
        engines = [(slug, engine_title(slug)) for slug in self.engines]
        workloads = [(str(each.pk), f"{named(each.network)} · {each.data_label}") for each in self.workloads]
        return [
            Select("machine", _("Machine"), machines, str(self.machine.pk) if self.machine else ""),
            Select("engine", _("Engine"), engines, self.engine),
            Select("workload", _("Network"), workloads, str(self.workload.pk) if self.workload else ""),
        ]

    # ------------------------------------------------------------ the chart

    @property
    def chart(self) -> Chart:
        over_releases = self.over == "release"
        spec = _SPEC_OVER_RELEASES if over_releases else SPEC
        places = self._release_places if over_releases else {}
        at = tuple(places.items())
        lines = [_line(series, each, at, get_language()) for series, each in self.lines.items()]
        words = [(at, release_words(release)) for release, at in places.items()] if over_releases else self._dates
        return Chart(
            spec,
            lines,
            "linear" if self.query.get("scale") == "linear" else "log",
            note=self._note,
            marks=(_("synthetic data"),) if self.workload and self.workload.is_synthetic else (),
            x_words=words,
            verticals=[] if over_releases else self._marks,
            from_zero=False,
        )

    @property
    def _note(self) -> str:
        if not (self.workload and self.machine):
            return ""
        return " · ".join([self.title, self.workload.data_label, self.machine.name])

    @property
    def _release_places(self) -> dict[str, float]:
        releases = {moment.release for each in self.lines.values() for moment in each.timed}
        return {release: float(at) for at, release in enumerate(sorted(releases, key=release_key), start=1)}

    @property
    def _dates(self) -> list[tuple[float, str]]:
        moments = sorted(moment.at for each in self.lines.values() for moment in each.over_time)
        if not moments:
            return []
        whole = moments[-1] - moments[0]
        ticks = [moments[0] + whole * place / (_TICKS - 1) for place in range(_TICKS)] if whole else moments[:1]
        words = "%Y-%m-%d" if whole > timedelta(days=2) else "%m-%d %H:%M"
        return [(_day(each), each.strftime(words)) for each in ticks]

    @property
    def _marks(self) -> list[tuple[float, str]]:
        """Where something else than the release changed, the newest first; of too many none is readable."""
        found: dict[float, str] = {}
        for transition in self._all_transitions:
            others = [each for each in transition.changed if each.what not in _packages_of(self.engine)]
            if others and transition.how == "over time":
                found.setdefault(_day(transition.after.at), _few(others))
        return list(found.items())[:_MOST_MARKS]

    # ------------------------------------------------------------ the table

    @cached_property
    def _all_transitions(self) -> list[Transition]:
        found = [transition for each in self.lines.values() for transition in each.transitions]
        return sorted(found, key=lambda each: each.after.at, reverse=True)

    def table(self, most: int | None = None) -> Table:
        """All changes, or the newest `most`."""
        rows = [row for each in self.lines.values() for row in _rows(each, most, get_language())]
        newest = sorted(rows, key=itemgetter(0), reverse=True)[:most]
        return Table(_("What changed, the newest first"), _columns(), [row for _at, row in newest])

    @property
    def left_out(self) -> int:
        return max(0, len(self._all_transitions) - MOST_SHOWN)


@lru_cache(maxsize=_MOST_KEPT)
def _line(series: Series, found: History, places: tuple[tuple[str, float], ...], language: str) -> Line:
    """Over releases at their `places`, over dates without. Kept in each language, as long as nothing changes in it."""
    at = dict(places)
    moments = found.over_releases if at else found.over_time
    points = [_point(moment, at[moment.release] if at else _day(moment.at)) for moment in moments]
    label = on_words(series.device, series.threads, series.track)
    return Line(label, row_style(moments[0].row), points)


def _point(moment: Moment, x: float) -> Point:
    found = moment.row.estimate
    assert found, "only what has a time is drawn"
    word = f"{moment.at:%Y-%m-%d %H:%M} · {release_words(moment.release)} · {moment.experiment}"
    return Point(x, found.seconds, found.low, found.high, found.runs, runs_url(moment.row, moment.slug), word)


def _day(moment: datetime) -> float:
    """Days since 1970, for an axis."""
    return (moment - _EPOCH) / timedelta(days=1)


def _packages_of(engine: str) -> set[str]:
    """What a release of the engine is the version of."""
    info = ENGINES.get(engine)
    names = {info.package, info.backend} if info else {engine}
    return {name + build for name in names for build in ("", "-cpu", "-gpu", "lib")}


def _few(changed: Sequence[Changed]) -> str:
    more = _(" and {n} more").format(n=numbers.count(len(changed) - 1)) if len(changed) > 1 else ""
    return f"{changed[0]}{more}"


def _columns() -> list[Column]:
    return [
        Column(_("On"), exports=("device", "threads", "track")),
        Column(_("Before"), exports=("before_release", "before_experiment", "before_at", "before_seconds")),
        Column(_("After"), exports=("after_release", "after_experiment", "after_at", "after_seconds")),
        Column(_("After over before"), is_number=True, sort="ratio", exports=("ratio", "low", "high")),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("interval",)),
        Column(_("Verdict"), sort="verdict", exports=("verdict", "how", "p")),
        Column(_("What changed"), wraps=True, exports=("changed",)),
    ]


@lru_cache(maxsize=_MOST_KEPT)
def _rows(found: History, most: int | None, language: str) -> list[tuple[datetime, list[TableCell]]]:
    """The newest, with when they were. Kept in each language, as long as nothing changes in the history."""
    return [(each.after.at, _row(each)) for each in found.transitions[:most]]


def _row(transition: Transition) -> list[TableCell]:
    row, found = transition.after.row, transition.ratio
    where: tuple[Value, ...] = (row.device, row.threads, row.track)
    return [
        TableCell(on_words(row.device, row.threads, row.track), style=row_style(row), values=where),
        _side(transition.before),
        _side(transition.after),
        TableCell(numbers.times(found.value), title=how_words(transition), values=ratio_values(found)),
        TableCell(numbers.interval(found.low, found.high, "×")),
        _verdict_cell(transition),
        _changed_cell(transition),
    ]


def _side(moment: Moment) -> TableCell:
    found = moment.row.estimate
    values: tuple[Value, ...] = (
        moment.release,
        moment.experiment,
        moment.at.isoformat(),
        found.seconds if found else None,
    )
    small = f"{moment.experiment}, {moment.at:%Y-%m-%d}"
    return TableCell(release_words(moment.release), url=runs_url(moment.row, moment.slug), small=small, values=values)


def how_words(transition: Transition) -> str:
    if transition.how == "same blocks":
        return _("Both stood in the same blocks: {n} pairs.").format(n=numbers.count(transition.ratio.runs))
    if transition.p is None:
        return _("Measured at different times: without a step of the series, no verdict.")
    # xgettext:no-python-format
    return _(
        "A step of the series: {before} experiments before it, {after} after; by chance in fewer than {share} of "
        "unchanged series."
    ).format(
        before=numbers.count(transition.runs_before),
        after=numbers.count(transition.runs_after),
        share=numbers.percent(max(transition.p, 1e-4)),
    )


def _verdict_cell(transition: Transition) -> TableCell:
    values: tuple[Value, ...] = (transition.verdict, transition.how, transition.p)
    if not transition.verdict:
        return TableCell(_("no step"), title=how_words(transition), values=values)
    return TableCell(chip=chip(transition.verdict), title=how_words(transition), values=values)


def _changed_cell(transition: Transition) -> TableCell:
    words = [str(each) for each in transition.changed]
    if not words:
        return TableCell(_("nothing that was recorded"), values=("",))
    shown = ", ".join(words[:4]) + (_(" and {n} more").format(n=numbers.count(len(words) - 4)) if words[4:] else "")
    return TableCell(shown, title=", ".join(words), values=("; ".join(words),))


# ---------------------------------------------------------------- history


def asked_history(query: QueryDict) -> HistoryPage:
    """By the parameters `machine`, `engine` and `workload`: the newest, the first, the first there otherwise."""
    machines = machines_with_history()
    machine = next((each for each in machines if str(each.pk) == query.get("machine")), next(iter(machines), None))
    if machine is None:
        return HistoryPage(query)
    engines = sorted(engines_on(machine), key=engine_place)
    engine = next((each for each in engines if each == query.get("engine")), next(iter(engines), ""))
    workloads = workloads_of(machine, engine)
    wished = query.get("workload", "")
    workload = next((each for each in workloads if str(each.pk) == wished), None)
    if workload is None and wished.isascii() and wished.isdigit() and len(wished) < 19:
        workload = Workload.objects.filter(pk=int(wished)).first()
        workloads = [*workloads, *([workload] if workload else [])]
    workload = workload or next(iter(workloads), None)
    found = histories(machine, engine, workload) if workload else {}
    return HistoryPage(query, machines, engines, workloads, machine, engine, workload, found)


def history(request: HttpRequest) -> HttpResponse:
    page = asked_history(request.GET)
    query = request.GET.urlencode()
    shown = page.table(MOST_SHOWN)
    chart = page.chart if page.lines else None
    return render_page(
        request,
        "history",
        SECTION,
        found=page,
        chart=chart,
        chart_url=chart_url(SPEC.slug, query),
        summary=build.summary(chart) if chart else "",
        table=in_order(shown, request.GET.get("sort", "")),
        tie_band=numbers.tie_band(page.rope),
        csv_url=table_url("history", "csv", query),
        table_json_url=table_url("history", "json", query),
    )


def history_chart(query: QueryDict) -> Chart:
    return asked_history(query).chart


def history_table(query: QueryDict) -> Table:
    return asked_history(query).table()


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("history/", history, name="history"),)
CHARTS = {SPEC.slug: history_chart}
TABLES = {"history": history_table}
