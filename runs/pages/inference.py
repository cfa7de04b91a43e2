"""How fast engines answer: latency and throughput over batch size, what none of them beats, and training beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.charts.build import Chart, Point, Series
from runs.charts.specs import Axis, ChartSpec
from runs.charts.style import Chip, chip, guide_style
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow
from runs.findings.inference import CHOICES, Answering, Inference, Line, answering
from runs.findings.leaders import leaders_words
from runs.findings.lines import rival, rival_words
from runs.findings.standings import Standing
from runs.findings.trained_beside import Beside, beside
from runs.models import Experiment
from runs.pages.parts.asked import asked_cells, scope_query
from runs.pages.parts.cells import row_style, runs_cell
from runs.pages.parts.comparison import runs_query
from runs.pages.parts.one_network import context
from runs.pages.parts.rendering import Section, render_page
from runs.selectors.cells import cells_trained_as
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.stats import estimate
from runs.tables.table import Column, Table, TableCell, Value, ratio_values
from runs.words import numbers
from runs.words.engines import engine_title
from runs.words.networks import named
from runs.words.reasons import reason_in_words

SECTION = Section("inference", gettext_noop("Inference"), "inference")

_BATCH = Axis({"": gettext_noop("Batch size")}, scale="log", fixed_ticks=True)
_CALL = Axis({"": gettext_noop("Median call")}, unit="ms", scale="log")
# xgettext:no-python-format
_TAIL = Axis({"": gettext_noop("99 % of the calls within")}, unit="ms", scale="log")
_RATE = Axis({"": gettext_noop("Samples a second")}, unit="/s", scale="log")
OWN_SPECS = (
    ChartSpec("latency", gettext_noop("Latency"), x=_BATCH, y=_CALL, intervals=True, scales=("log",)),
    ChartSpec("tail-latency", gettext_noop("Tail latency"), x=_BATCH, y=_TAIL, intervals=True, scales=("log",)),
    ChartSpec("throughput", gettext_noop("Throughput"), x=_BATCH, y=_RATE, intervals=True, scales=("log",)),
    ChartSpec("front", gettext_noop("Latency against throughput"), x=_CALL, y=_RATE, intervals=True, scales=("log",)),
)
_SPECS = {spec.slug: spec for spec in OWN_SPECS}
_FRONT_CHIPS = {
    "front": (gettext_noop("on the front"), "good"),
    "beaten": (gettext_noop("beaten"), "none"),
    "unresolved": (gettext_noop("unresolved"), "warn"),
}
_MS = 1e3


@dataclass(frozen=True)
class InferencePage:
    scope: Scope
    found: Inference
    trained_in: Experiment | None = None
    trained: Beside | None = None

    @property
    def has_times(self) -> bool:
        return bool(self.found.lines)

    @property
    def title(self) -> str:
        rows = self.found.picked.rows
        return named(rows[0].network) if rows else ""

    # ------------------------------------------------------------ charts

    def chart(self, slug: str) -> Chart:
        makers: dict[str, Callable[[], list[Series]]] = {
            "latency": partial(self._series, _latency),
            "tail-latency": partial(self._series, _tail_latency),
            "throughput": partial(self._series, _throughput),
            "front": self._front,
        }
        spec = _SPECS[slug]
        marks = (_("synthetic data"),) if self.found.picked.is_synthetic else ()
        return Chart(spec, makers[slug](), spec.y.scale, note=self.found.picked.conditions, marks=marks)

    def _series(self, point: Callable[[Answering, str], Point | None]) -> list[Series]:
        return [self._one_series(line, point) for line in self.found.lines]

    def _one_series(self, line: Line, point: Callable[[Answering, str], Point | None]) -> Series:
        found = (point(each, self._url(each.row)) for each in line.points)
        return Series(line.label, row_style(line.row), [each for each in found if each])

    def _front(self) -> list[Series]:
        front = [Point(each.call.seconds * _MS, each.rate.value) for each in self.found.front_points]
        line = [Series(_("The front"), guide_style(), front, radius=0)] if len(front) > 1 else []
        return self._series(_against) + line

    def _url(self, row: CellRow) -> str:
        return f"{reverse('runs')}?{scope_query(self.scope)}&{runs_query(row)}"

    # ------------------------------------------------------------ the table of calls

    @property
    def table(self) -> Table:
        columns = [
            Column(_("Engine"), sort="engine", exports=("engine", *HELD_NAMES)),
            Column(
                _("Batch"),
                is_number=True,
                sort="batch",
                exports=("batch", "network", "hidden_layers", "width", "device", "threads", "track"),
            ),
            Column(_("Median call"), is_number=True, sort="seconds", exports=("seconds",)),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("low_seconds", "high_seconds")),
            # xgettext:no-python-format
            Column(_("99 % within"), is_number=True, sort="tail", exports=("tail_seconds", "tail_low", "tail_high")),
            Column(_("Samples a second"), is_number=True, sort="rate", exports=("samples_per_second",)),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("low_per_second", "high_per_second")),
            Column(_("To the fastest"), is_number=True, sort="ratio", exports=("ratio", "ratio_low", "ratio_high")),
            Column(_("Verdict"), sort="verdict", exports=("verdict", "reason")),
            Column(_("Front"), sort="front", exports=("front",)),
            Column(_("Runs"), is_number=True, sort="runs", exports=("runs", "stalled")),
        ]
        found = self.found.standings
        batches = [standing.row.batch_size for standing in found]
        starts = frozenset(at for at in range(1, len(found)) if batches[at] != batches[at - 1])
        caption = _("Calls, the fastest first at each batch size")
        return Table(caption, columns, [self._row(standing) for standing in found], group_starts=starts)

    def _row(self, standing: Standing) -> list[TableCell]:
        row, to_best = standing.row, standing.ratio
        calls = answering(row)
        size = (row.batch_size, row.network_type, row.hidden_layers, row.width, row.device, row.threads, row.track)
        return [
            TableCell(rival_words(row), style=row_style(row), values=(engine_title(row.engine), *held_values(row))),
            TableCell(numbers.count(row.batch_size), values=size),
            *_call_cells(row, calls),
            TableCell(numbers.times(to_best.value if to_best else None), values=ratio_values(to_best)),
            TableCell(
                chip=chip(standing.verdict) if to_best else Chip(row.missing),
                title=standing.note or reason_in_words(row.reason),
                values=(standing.verdict if to_best else row.missing_status, row.reason),
            ),
            self._front_cell(row),
            runs_cell(row, len(row.samples), self._url(row)),
        ]

    def _front_cell(self, row: CellRow) -> TableCell:
        word = self.found.front.get(id(row))
        if word is None:
            return TableCell(numbers.NONE, values=(None,))
        text, tone = _FRONT_CHIPS[word]
        return TableCell(chip=Chip(_(text), tone), values=(word,))

    # ------------------------------------------------------------ who leads, and training beside

    @cached_property
    def groups(self) -> dict[int, list[Standing]]:
        """Standings by batch size."""
        found: dict[int, list[Standing]] = {}
        for standing in self.found.standings:
            found.setdefault(standing.row.batch_size, []).append(standing)
        return found

    @property
    def leaders(self) -> list[tuple[str, str]]:
        """What is done, and who is the fastest at it: batch by batch, then training."""
        sizes = self.found.batch_sizes
        found = [(_batch_words(batch), leaders_words(self.groups[batch])) for batch in sizes]
        return [*found, (_("Training"), leaders_words(self.trained.standings))] if self.trained else found

    @property
    def beside_table(self) -> Table:
        """Each engine's time over the fastest's: asked, and trained."""
        batches = self.found.batch_sizes
        columns = [Column(_("Engine"), exports=("engine", "track"))]
        columns += [Column(_batch_words(batch), is_number=True) for batch in batches]
        columns += [Column(_("Training"), is_number=True), Column(_("Time per epoch"), is_number=True)]
        trained = self.trained.by_rival if self.trained else {}
        by_batch = [{rival(each.row): each for each in self.groups[batch]} for batch in batches]
        rivals = {**{rival(line.row): line.row for line in self.found.lines}, **{k: v.row for k, v in trained.items()}}
        rows = [
            [
                TableCell(rival_words(row), style=row_style(row), values=(row.engine, row.track)),
                *(_ratio_cell(group.get(key)) for group in by_batch),
                _ratio_cell(trained.get(key)),
                _epoch_cell(trained.get(key)),
            ]
            for key, row in rivals.items()
        ]
        return Table(_("Time over the fastest's: asked, and trained"), columns, rows)


def _batch_words(batch_size: int) -> str:
    return _("Batch {n}").format(n=numbers.count(batch_size))


def _latency(each: Answering, url: str) -> Point:
    return _in_milliseconds(each, each.call.seconds, each.call.low, each.call.high, url)


def _tail_latency(each: Answering, url: str) -> Point | None:
    tail = each.tail
    return _in_milliseconds(each, tail.seconds, tail.low, tail.high, url) if tail else None


def _in_milliseconds(each: Answering, seconds: float, low: float | None, high: float | None, url: str) -> Point:
    low, high = (None if bound is None else bound * _MS for bound in (low, high))
    return Point(each.batch_size, seconds * _MS, low, high, each.call.runs, url)


def _throughput(each: Answering, url: str) -> Point:
    rate = each.rate
    return Point(each.batch_size, rate.value, rate.low, rate.high, rate.runs, url)


def _against(each: Answering, url: str) -> Point:
    rate = each.rate
    return Point(each.call.seconds * _MS, rate.value, rate.low, rate.high, rate.runs, url)


def _call_cells(row: CellRow, calls: Answering | None) -> list[TableCell]:
    """Five: the median call, its interval, the tail, the rate and its interval."""
    if calls is None:
        struck = estimate(row.withheld).seconds if len(row.withheld) else None
        title = reason_in_words(row.reason)
        first = TableCell(numbers.milliseconds(struck), is_struck=struck is not None, title=title, values=(None,))
        none = [TableCell(numbers.NONE, values=(None,) * count) for count in (2, 3, 1, 2)]
        return [first, *none]
    call, tail, rate = calls.call, calls.tail, calls.rate
    low, high = (None if bound is None else bound * _MS for bound in (call.low, call.high))
    tails: tuple[Value, ...] = (tail.seconds, tail.low, tail.high) if tail else (None, None, None)
    return [
        TableCell(numbers.milliseconds(call.seconds), values=(call.seconds,)),
        TableCell(numbers.interval(low, high, "ms"), values=(call.low, call.high)),
        TableCell(numbers.milliseconds(tail.seconds if tail else None), values=tails),
        TableCell(numbers.digits(rate.value), values=(rate.value,)),
        TableCell(numbers.interval(rate.low, rate.high, ""), values=(rate.low, rate.high)),
    ]


def _ratio_cell(standing: Standing | None) -> TableCell:
    if standing is None:
        return TableCell(numbers.NONE, values=(None,))
    if not standing.ratio:
        return TableCell(chip=Chip(standing.row.missing), title=reason_in_words(standing.row.reason), values=(None,))
    title = f"{numbers.interval(standing.ratio.low, standing.ratio.high, '×')}, {_(standing.verdict)}"
    mark = chip(standing.verdict) if standing.verdict in {"best", "tie"} else None
    return TableCell(numbers.times(standing.ratio.value), chip=mark, title=title, values=(standing.ratio.value,))


def _epoch_cell(standing: Standing | None) -> TableCell:
    seconds = standing.row.estimate.seconds if standing and standing.row.estimate else None
    return TableCell(numbers.seconds(seconds), values=(seconds,))


# ---------------------------------------------------------------- inference


def asked_inference(query: QueryDict, scope: Scope | None = None) -> InferencePage:
    """Of the scope that the query asks for, or of one that was checked already."""
    scope, cells = asked_cells(query, "infer", scope)
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    found = Inference(cells, wished, rope=region_of(*scope.measured_on))
    if not found.lines:
        return InferencePage(scope, found)
    experiment, trained = cells_trained_as(scope, found.lines[0].row)
    return InferencePage(scope, found, experiment, beside(trained, rope=found.rope) if trained else None)


def inference(request: HttpRequest) -> HttpResponse:
    page = asked_inference(request.GET)
    charts = [page.chart(spec.slug) for spec in OWN_SPECS] if page.has_times else []
    shared = context(page.found.picked, charts, page.table, request.GET, slug="inference", rope=page.found.rope)
    return render_page(request, "inference", SECTION, scope=page.scope, found=page, **shared)


def inference_chart(slug: str, query: QueryDict) -> Chart:
    return asked_inference(query).chart(slug)


def inference_table(query: QueryDict) -> Table:
    return asked_inference(query).table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("inference/", inference, name="inference"),)
CHARTS = {spec.slug: partial(inference_chart, spec.slug) for spec in OWN_SPECS}
TABLES = {"inference": inference_table}
