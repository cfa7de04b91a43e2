"""The comparison of engines as a chart and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from math import exp
from operator import attrgetter
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS, Scale
from runs.charts.style import MOST_TINTS, Chip, SeriesStyle, chip, in_greys, point_radius, style_for
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, Picked
from runs.findings.standings import Standing
from runs.pages.parts.cells import row_style, runs_cell, time_cell
from runs.pages.parts.measures import ACROSS, MEASURES, Across, Measure, Setting, rivals
from runs.tables.table import Column, Table, TableCell, ratio_values, without_idle
from runs.words import numbers
from runs.words.cells import majority_words, on_words, threads_words
from runs.words.engines import engine_place, engine_title
from runs.words.networks import depth_words
from runs.words.reasons import reason_in_words
from runs.words.releases import release_key, release_title

# ---------------------------------------------------------------- the table


def _comparison_columns(measured: str) -> list[Column]:
    columns = [
        Column(_("Engine"), sort="engine", exports=("engine", *HELD_NAMES)),
        Column(_("Network"), sort="size", exports=("network", "hidden_layers", "width")),
        Column(_("On"), sort="on", exports=("device", "threads", "track")),
        Column(_("Time per epoch"), is_number=True, sort="seconds", exports=("seconds",)),
        Column(_("95 % interval"), is_number=True, exports=("low_seconds", "high_seconds")),
    ]
    if measured:
        columns += [Column(measured, is_number=True, sort="y", exports=("y", "y_low", "y_high"))]
    return [
        *columns,
        Column(_("To the fastest"), is_number=True, sort="ratio", exports=("ratio", "ratio_low", "ratio_high")),
        Column(_("Verdict"), sort="verdict", exports=("verdict", "reason")),
        Column(_("Runs"), is_number=True, sort="runs", exports=("runs", "stalled")),
        Column("GFLOP/s", is_number=True, sort="gflops", exports=("gflops_per_second",)),
        Column(_("Of peak"), is_number=True, sort="peak", exports=("share_of_peak",)),
    ]


@dataclass(frozen=True)
class Extra:
    """What the chart shows of a row beside its time, and the share of the machine's peak."""

    y: tuple[float, float | None, float | None] | None = None
    unit: str = ""
    share_of_peak: float | None = None


def comparison_table(
    standings: Sequence[Standing], *, scope_query: str, extras: Sequence[Extra] = (), measured: str = ""
) -> Table:
    """`measured` names the chart's quantity where it is another than the time."""
    extras = extras or [Extra()] * len(standings)
    several = of_several_releases(standing.row for standing in standings)
    rows = [_comparison_row(*pair, scope_query, measured, several) for pair in zip(standings, extras, strict=True)]
    networks = [(standing.row.network, standing.row.device, standing.row.threads) for standing in standings]
    starts = frozenset(index for index in range(1, len(rows)) if networks[index] != networks[index - 1])
    caption = _("Time per epoch, the fastest first at each network")
    return Table(caption, _comparison_columns(measured), rows, group_starts=starts)


def for_the_page(table: Table) -> Table:
    """Without columns that say the same in every row: files keep them, since they must say all of what they hold."""
    return without_idle(table, "on", "peak")


def _size(row: CellRow) -> str:
    size = numbers.size(row.hidden_layers, row.width)
    return f"{size}, {row.options}" if row.options else size


def of_several_releases(rows: Iterable[CellRow]) -> frozenset[str]:
    """The engines that stand there in more than one release, so that their names alone would not tell."""
    releases: dict[str, set[str]] = {}
    for row in rows:
        releases.setdefault(row.engine, set()).add(row.release)
    return frozenset(engine for engine, found in releases.items() if len(found) > 1)


def _comparison_row(
    standing: Standing, extra: Extra, scope_query: str, measured: str, several: frozenset[str]
) -> list[TableCell]:
    row, found, to_best = standing.row, standing.row.estimate, standing.ratio
    runs_url = f"{reverse('runs')}?{scope_query}&{runs_query(row)}"
    title = release_title(row.engine, row.release) if row.engine in several else engine_title(row.engine)
    cells = [
        TableCell(title, style=row_style(row), values=(engine_title(row.engine), *held_values(row))),
        TableCell(_size(row), values=(row.network_type, row.hidden_layers, row.width)),
        TableCell(
            on_words(row.device, row.threads, row.track, counts_one=False), values=(row.device, row.threads, row.track)
        ),
        time_cell(row),
        TableCell(
            numbers.interval(found.low, found.high) if found else numbers.NONE,
            title=_why_no_interval(row),
            values=(found.low, found.high) if found else (None, None),
        ),
    ]
    if measured:
        y = extra.y or (None, None, None)
        cells += [TableCell(numbers.with_unit(y[0], extra.unit), values=y)]
    rate = row.flops / found.seconds / 1e9 if found else None
    return [
        *cells,
        TableCell(numbers.times(to_best.value if to_best else None), values=ratio_values(to_best)),
        TableCell(
            chip=chip(standing.verdict) if to_best else Chip(row.missing),
            title=standing.note or reason_in_words(row.reason),
            values=(standing.verdict if to_best else row.missing_status, row.reason),
        ),
        runs_cell(row, len(row.samples), runs_url),
        TableCell(numbers.with_unit(rate, ""), values=(rate,)),
        TableCell(numbers.percent(extra.share_of_peak), values=(extra.share_of_peak,)),
    ]


def _why_no_interval(row: CellRow) -> str:
    return "" if row.estimate and row.estimate.low is not None else _("An interval needs three runs.")


# ---------------------------------------------------------------- the chart

PARTS = ("engine", "device", "threads", "layers", "width", "track", "release", "environment", "code")
"""The facets that part series, in the order in which a label names them."""
MOST_IN_ONE = 12
"""Series beyond which one chart becomes several small ones."""


@dataclass(frozen=True)
class View:
    """How the picked cells are drawn."""

    across: Across = ACROSS["width"]
    measure: Measure = MEASURES["seconds"]
    scale: Scale = "log"
    intervals: str = "bars"
    setting: Setting = field(default_factory=Setting)
    scope_query: str = ""
    in_greys: bool = False
    among: Sequence[CellRow] = ()
    """All cells of which these are one panel's, so that the same variant has the same tint in each."""
    parted_by: str = ""
    """The facet that tells the panels apart: no series need show it."""


def comparison_chart(picked: Picked, view: View, *, slug: str = "time-per-epoch") -> Chart:
    measured = replace(view.measure.axis, unit=view.measure.axis.unit or view.setting.currency)
    spec = replace(SPECS[slug], x=view.across.axis, y=measured)
    if view.measure.slug != "seconds":
        spec = replace(spec, title=view.measure.axis.labels[""])
    return Chart(
        spec,
        series=series_of(picked.rows, view),
        scale=view.scale,
        network_type=picked.network_type or "",
        note=_note(picked, view.measure),
        marks=(_("synthetic data"),) if picked.is_synthetic else (),
        intervals=view.intervals,
    )


def _note(picked: Picked, measure: Measure) -> str:
    """Under what all ran; beside accuracies, what no network is needed for."""
    beside = majority_words(picked.rows[0].dataset) if picked.rows and measure.slug == "accuracy" else ""
    return " · ".join(filter(None, (conditions(picked), beside)))


def series_of(rows: Sequence[CellRow], view: View) -> list[Series]:
    """One for each engine, depth, track and so on that does not vary along x; in the engines' order."""
    setting = view.setting if view.setting.rivals else replace(view.setting, rivals=rivals(rows))
    view = replace(view, setting=setting)
    parts = [name for name in PARTS if name not in view.across.merges]
    groups: dict[tuple[str, ...], list[CellRow]] = {}
    for row in rows:
        groups.setdefault(tuple(FACETS_BY_NAME[part].value(row) for part in parts), []).append(row)
    named = _worth_naming(rows, parts)
    ordered = sorted(groups.values(), key=_group_order)
    tints = _Tints.of(view.among or rows, [part for part in parts if part != view.parted_by])
    made = [_one_series(group, view, named, tints.tint(group[0])) for group in ordered]
    return [series for series in made if series.points]


@dataclass(frozen=True)
class _Tints:
    """By what engines have in common and no other channel shows. Releases and code are told apart engine by engine."""

    parts: Sequence[str]
    variants: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, rows: Sequence[CellRow], parts: Sequence[str]) -> _Tints:
        shown = [part for part in ("device", "threads", "width") if part in parts]
        ordered = sorted(rows, key=lambda row: (row.device, row.threads, row.width))
        return cls(shown, list(dict.fromkeys(_values(row, shown) for row in ordered)))

    def tint(self, row: CellRow) -> int:
        return min(self.variants.index(_values(row, self.parts)), MOST_TINTS)


def _values(row: CellRow, parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(FACETS_BY_NAME[part].value(row) for part in parts)


def _group_order(rows: Sequence[CellRow]) -> tuple[object, ...]:
    row = rows[0]
    place = (*engine_place(row.engine), release_key(row.release), row.hidden_layers, row.device, row.threads, row.track)
    return (*place, row.width, row.environment_id, row.engine_sha256)


def _worth_naming(rows: Sequence[CellRow], parts: Sequence[str]) -> frozenset[str]:
    """What differs between the cells. Environments and code count where one engine has several: each has its own."""
    differing = {part for part in parts if len({FACETS_BY_NAME[part].value(row) for row in rows}) > 1}
    engines = {(row.engine, row.device, row.track) for row in rows}
    for part in ("release", "environment", "code"):
        versions = {(row.engine, row.device, row.track, FACETS_BY_NAME[part].value(row)) for row in rows}
        if len(versions) == len(engines):
            differing.discard(part)
    if "release" in differing and _tells_all("release", "environment", rows):
        differing.discard("environment")
    return frozenset(differing)


def _tells_all(part: str, finer: str, rows: Sequence[CellRow]) -> bool:
    """Whether the coarser facet tells the cells of an engine apart as well as the finer one does."""
    pairs = {
        (row.engine, row.device, FACETS_BY_NAME[part].value(row), FACETS_BY_NAME[finer].value(row)) for row in rows
    }
    return len(pairs) == len({(engine, device, coarse) for engine, device, coarse, _ in pairs})


def _one_series(rows: Sequence[CellRow], view: View, named: frozenset[str], tint: int) -> Series:
    points = [point for row in rows if (point := _point(row, view))]
    radius = point_radius(rows[0].network_type, rows[0].hidden_layers)
    style = replace(_style(rows[0], view), tint=tint)
    return Series(_label(rows[0], view, named), style, sorted(points, key=lambda point: point.x), radius)


def _label(row: CellRow, view: View, named: frozenset[str]) -> str:
    words = [release_title(row.engine, row.release) if "release" in named else engine_title(row.engine)]
    if "layers" not in view.across.merges:
        words += [depth(row)]
    elif "width" not in view.across.merges:
        words += [_("width {n}").format(n=numbers.count(row.width))]
    if "width" in named and "layers" not in view.across.merges:
        words += [_("width {n}").format(n=numbers.count(row.width))]
    words += [row.device.upper()] if "device" in named else []
    words += [threads_words(row.threads)] if "threads" in named else []
    words += [_(row.track)] if row.track != "idiomatic" else []
    words += [row.environment] if "environment" in named else []
    words += [_("code {digest}").format(digest=row.engine_sha256[:8])] if "code" in named else []
    return " · ".join(words)


def _style(row: CellRow, view: View) -> SeriesStyle:
    style = style_for(row.engine, network_type=row.network_type, hidden_layers=row.hidden_layers, track=row.track)
    return in_greys(style) if view.in_greys else style


def _point(row: CellRow, view: View) -> Point | None:
    found = view.measure.of(row, view.setting)
    if found is None:
        return None
    url = f"{reverse('runs')}?{view.scope_query}&{runs_query(row)}" if view.scope_query else ""
    each = tuple(map(exp, row.samples.values)) if view.intervals == "runs" else ()
    return Point(view.across.of(row), found.value, found.low, found.high, found.runs, url, each=each)


def depth(row: CellRow) -> str:
    return depth_words(row.network_type, row.hidden_layers)


def conditions(picked: Picked) -> str:
    """Under what all the cells ran, in one line."""
    if not picked.rows:
        return ""
    parts = {facet.name: ", ".join(facet.selected_labels) for facet in picked.facets}
    threads = sorted({row.threads for row in picked.rows})
    words = threads_words(threads[0]) if len(threads) == 1 else _("{n} CPU threads").format(n=parts["threads"])
    track = _("{track} track").format(track=parts["track"])
    return " · ".join([parts["network"], parts["data"], parts["batch"], parts["device"], words, track])


def runs_query(row: CellRow) -> str:
    """The query string of the list of a cell's runs, and of no other cell's. The network is for those who read it."""
    return _urlencoded(*_RUNS_OF(row))


def runs_url(row: CellRow, experiment: str) -> str:
    """The list of a cell's runs, of the experiment with that slug."""
    return f"{_runs_page()}?experiment={experiment}&{runs_query(row)}"


@cache
def _runs_page() -> str:
    return reverse("runs")


_RUNS_QUERY = {
    "engine": "engine",
    "network": "network_type",
    "layers": "hidden_layers",
    "width": "width",
    "device": "device",
    "threads": "threads",
    "track": "track",
    "environment": "environment_id",
    "workload": "workload_id",
    "code": "engine_sha256",
    "machine": "machine_id",
}
_RUNS_OF = attrgetter(*_RUNS_QUERY.values())


@lru_cache(maxsize=10_000)
def _urlencoded(*values: str | int) -> str:
    """Kept: a page asks for the same cells in its chart and its table, and at every visit."""
    return urlencode(dict(zip(_RUNS_QUERY, values, strict=True)))


def throughput(row: CellRow) -> str:
    return numbers.gflops_per_second(row.flops, row.estimate.seconds if row.estimate else None)
