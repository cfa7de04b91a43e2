"""The study's twenty figures over measured cells: what each shows, asks and claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.networks import of_type
from runs.charts import build
from runs.charts.build import Chart, Series
from runs.charts.sketch import Sketch, sketch
from runs.charts.specs import SCALES, SPECS, Scale
from runs.charts.style import SHALLOW_LAYERS, in_greys, point_radius, ramp_style
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, Picked, pick
from runs.findings.standings import standings
from runs.pages.parts.asked import asked_cells, scope_query
from runs.pages.parts.comparison import View, comparison_chart, comparison_table, for_the_page, series_of
from runs.pages.parts.measures import ACROSS
from runs.pages.parts.rendering import Section, chart_url, render_page, table_url
from runs.pages.parts.selects import Option
from runs.pages.parts.verdicts import claim_chip, claim_strips
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.selectors.study import judged_on
from runs.stats import EQUIVALENCE
from runs.study.published import Figure, published
from runs.tables.table import Table, in_order
from runs.words import numbers
from runs.words.cells import threads_words
from runs.words.engines import engine_title
from runs.words.networks import depth_words, network_plural

SECTION = Section("figures", gettext_noop("Figures"), "figures")


_FACETS = [
    FACETS_BY_NAME[name]
    for name in (
        "network",
        "device",
        "engine",
        "layers",
        "data",
        "batch",
        "threads",
        "track",
        "environment",
        "code",
    )
]
_THREADS_MLP = ("mlp-threads-useless-when-narrow", "mlp-threads-peak-at-8", "threads-efficiency-falls")
_THREADS_CNN = ("cnn-threads-hurt-when-narrow", "cnn-threads-peak-at-4", "threads-efficiency-falls")
CLAIMS_OF: Mapping[str, tuple[str, ...]] = {
    "4.1": ("mlp-gpu-flat-until-400", "mlp-gpu-th-falls-behind-from-400", "mlp-gpu-tf-beats-th-at-1600"),
    "4.2": ("mlp-gpu-kth-beats-ktf",),
    "4.3": ("mlp-gpu-kth-beats-th",),
    "4.4": ("mlp-gpu-ktf-slower-than-tf", "mlp-gpu-ktf-penalty-grows"),
    "4.5": ("mlp-cpu-tf-beats-th", "mlp-layers-cost-more-on-cpu"),
    "4.6": ("mlp-cpu-kth-ties-ktf",),
    "4.7": ("mlp-cpu-kth-beats-th",),
    "4.8": ("mlp-cpu-tf-ties-ktf",),
    "4.9": _THREADS_MLP,
    "4.10": _THREADS_MLP,
    "4.11": ("cnn-gpu-th-ties-tf-two-layers", "cnn-gpu-th-one-layer-anomaly"),
    "4.12": ("cnn-gpu-ktf-beats-kth",),
    "4.13": ("cnn-gpu-kth-slower-than-th",),
    "4.14": ("cnn-gpu-tf-ties-ktf",),
    "4.15": ("cnn-cpu-tf-beats-th-above-8", "cnn-cpu-tf-8-to-16-cheap"),
    "4.16": ("cnn-cpu-ktf-beats-kth",),
    "4.17": ("cnn-cpu-kth-slower-than-th",),
    "4.18": ("cnn-cpu-tf-ties-ktf",),
    "4.19": _THREADS_CNN,
    "4.20": _THREADS_CNN,
}
"""The claims that the study drew from each figure."""


@dataclass(frozen=True)
class Look:
    """How a figure is shown: with today's engines too, in the study's greys, on which scale (the study's if None)."""

    all_engines: bool = False
    in_greys: bool = False
    scale: Scale | None = None
    scope_query: str = ""
    over_threads: bool = False
    """A figure by threads has them on its axis, and a line for each width; else the other way round."""


@dataclass(frozen=True)
class StudyFigure:
    """One figure of the study, over the cells of one experiment on one machine."""

    number: str
    declared: Figure
    rows: Sequence[CellRow]
    look: Look = Look()
    rope: float = EQUIVALENCE
    """The machine's region of practical equivalence."""

    @property
    def slug(self) -> str:
        return self.number.replace(".", "-")

    @property
    def engines(self) -> list[str]:
        return [published().abbreviations[engine] for engine in self.declared.engines]

    @property
    def by_threads(self) -> bool:
        return self.declared.by == "threads"

    @property
    def title(self) -> str:
        names = _(" and ").join(engine_title(slug) for slug in self.engines)
        network, device = self._networks, self.declared.device.upper()
        if self.by_threads:
            return _("{engines}: {networks} on several CPU threads").format(engines=names, networks=network)
        return _("{engines}: {networks} on the {device}").format(engines=names, networks=network, device=device)

    @property
    def question(self) -> str:
        if self.by_threads:
            return _("Do more CPU threads train {networks} faster in {engine}?").format(
                networks=self._networks, engine=engine_title(self.engines[0])
            )
        first, second = (engine_title(slug) for slug in self.engines)
        return _("{first} or {second}: which trains {networks} faster on the {device}?").format(
            first=first, second=second, networks=self._networks, device=self.declared.device.upper()
        )

    @property
    def _networks(self) -> str:
        return network_plural(self.declared.network_type)

    @property
    def claims(self) -> tuple[str, ...]:
        return CLAIMS_OF.get(self.number, ())

    @property
    def scale(self) -> Scale:
        return self.look.scale or ("log" if self.declared.log_y else "linear")

    # ------------------------------------------------------------ its cells

    @cached_property
    def picked(self) -> Picked:
        kept = [row for row in self.rows if self._belongs(row)]
        counts = sorted({str(row.threads) for row in kept}) if self.by_threads else ["1"]
        return pick(kept, {"layers": [str(n) for n in self._layers], "threads": counts}, _FACETS)

    @property
    def _layers(self) -> tuple[int, ...]:
        return self.declared.layers or of_type(self.declared.network_type).drawn

    def _belongs(self, row: CellRow) -> bool:
        return (
            row.network_type == self.declared.network_type
            and row.device == self.declared.device
            and row.hidden_layers in self._layers
            and row.track == "idiomatic"
            and row.replicas == 1
            and (self.by_threads or row.threads == 1)
            and (self.look.all_engines or row.engine in self.engines)
        )

    # ------------------------------------------------------------ how it is shown

    @property
    def is_over_threads(self) -> bool:
        return self.by_threads and self.look.over_threads

    @cached_property
    def chart(self) -> Chart:
        across = ACROSS["threads" if self.is_over_threads else "width"]
        view = View(across, scale=self.scale, scope_query=self.look.scope_query, in_greys=self.look.in_greys)
        chart = comparison_chart(self.picked, view, slug="figure")
        title = _("Figure {number}").format(number=self.number)
        chart = replace(chart, spec=replace(SPECS["figure"], x=across.axis, title=title))
        return replace(chart, series=self._by_threads(view)) if self.by_threads else chart

    def _by_threads(self, view: View) -> list[Series]:
        """One for each depth and thread count, or width; that decides the hue, the depth the fill."""
        counts = sorted({self._parting(row) for row in self.picked.rows})
        groups: dict[tuple[str, int, int], list[CellRow]] = {}
        for row in self.picked.rows:
            groups.setdefault((row.engine, row.hidden_layers, self._parting(row)), []).append(row)
        made = [self._one_series(groups[key], counts, view) for key in sorted(groups)]
        return [series for series in made if series.points]

    def _parting(self, row: CellRow) -> int:
        return row.width if self.is_over_threads else row.threads

    def _one_series(self, rows: Sequence[CellRow], counts: Sequence[int], view: View) -> Series:
        plain = next(iter(series_of(rows, view)), None)
        row = rows[0]
        deep = row.hidden_layers > SHALLOW_LAYERS[row.network_type]
        style = ramp_style(counts.index(self._parting(row)), filled=deep, is_keras=row.engine.startswith("keras"))
        words = [engine_title(row.engine)] if self.look.all_engines else []
        words += [depth_words(row.network_type, row.hidden_layers)] if len(self._layers) > 1 else []
        width = _("width {n}").format(n=numbers.count(row.width))
        label = " · ".join([*words, width if self.is_over_threads else threads_words(row.threads)])
        look = in_greys(style) if self.look.in_greys else style
        points = plain.points if plain else ()
        return Series(label, look, points, point_radius(row.network_type, row.hidden_layers))

    @cached_property
    def sketch(self) -> Sketch:
        return sketch(self.chart)

    @property
    def table(self) -> Table:
        found = standings(self.picked.rows, rope=self.rope)
        return comparison_table(found, scope_query=self.look.scope_query)

    @property
    def why_empty(self) -> str:
        """What to run, where there is nothing to draw."""
        if self.declared.device == "gpu":
            return "python manage.py runbench --suite study --devices gpu"
        return "python manage.py runbench --suite study"


def figures(rows: Sequence[CellRow], look: Look, rope: float = EQUIVALENCE) -> list[StudyFigure]:
    return [StudyFigure(number, declared, rows, look, rope) for number, declared in published().figures.items()]


def look_of(query: Mapping[str, str], scope_query: str = "") -> Look:
    scale = next((scale for scale in SCALES if scale == query.get("scale")), None)
    return Look(
        query.get("engines") == "all", query.get("look") == "study", scale, scope_query, query.get("over") == "threads"
    )


# ---------------------------------------------------------------- figures


def figure_list(request: HttpRequest) -> HttpResponse:
    scope, rows = asked_cells(request.GET)
    verdicts = {claim.id: claim_chip(claim) for claim in judged_on(scope, rows)}
    found = figures(rows, look_of(request.GET))
    return render_page(
        request,
        "figures",
        SECTION,
        scope=scope,
        figures=[(figure, [verdicts[claim] for claim in figure.claims]) for figure in found],
        switches=_figure_switches(request.GET, with_scale=False),
        kept={name: request.GET[name] for name in ("engines", "look") if name in request.GET},
        is_synthetic=any(row.is_synthetic for row in rows),
    )


def _figure_switches(query: QueryDict, *, with_scale: bool, scale: str = "") -> list[tuple[str, list[Option]]]:
    def option(words: str, name: str, value: str) -> Option:
        changed = query.copy()
        changed.pop(name, None)
        if value:
            changed[name] = value
        return Option(words, changed.urlencode(), query.get(name, "") == value)

    found = [
        (_("Engines"), [option(_("The study's"), "engines", ""), option(_("All engines"), "engines", "all")]),
        (_("Colours"), [option(_("Today's colours"), "look", ""), option(_("The study's greys"), "look", "study")]),
    ]
    if with_scale:
        both = [option(_("Linear"), "scale", "linear"), option(_("Log"), "scale", "log")]
        found.append((_("Scale"), [Option(each.label, each.query, f"scale={scale}" in each.query) for each in both]))
    return found


def _over_switch(query: QueryDict) -> tuple[str, list[Option]]:
    """A figure by threads is read either way."""
    changed = query.copy()
    changed["over"] = "threads"
    plain = query.copy()
    plain.pop("over", None)
    is_over = query.get("over") == "threads"
    return _("Over"), [
        Option(_("Width"), plain.urlencode(), not is_over),
        Option(_("Threads"), changed.urlencode(), is_over),
    ]


def _asked_figure(number: str, query: QueryDict) -> tuple[Scope, list[CellRow], list[StudyFigure], int]:
    scope, rows = asked_cells(query)
    found = figures(rows, look_of(query, scope_query(scope)), region_of(*scope.measured_on))
    place = next((at for at, figure in enumerate(found) if figure.slug == number), None)
    if place is None:
        raise Http404(f"The study has no figure {number!r}. It has 4-1 to 4-20.")
    return scope, rows, found, place


def figure(request: HttpRequest, number: str) -> HttpResponse:
    scope, rows, found, place = _asked_figure(number, request.GET)
    shown = found[place]
    query = _with_number(request.GET, number)
    claims = [claim for claim in judged_on(scope, rows) if claim.id in shown.claims]
    return render_page(
        request,
        "figure",
        SECTION,
        scope=scope,
        figure=shown,
        chart=shown.chart,
        chart_url=chart_url("figure", query),
        summary=build.summary(shown.chart),
        table=in_order(for_the_page(shown.table), request.GET.get("sort", "")),
        tie_band=numbers.tie_band(shown.rope),
        claims=[(claim, claim_chip(claim), claim_strips(claim)) for claim in claims],
        switches=[
            *_figure_switches(request.GET, with_scale=True, scale=shown.scale),
            *([_over_switch(request.GET)] if shown.by_threads else []),
        ],
        kept={name: request.GET[name] for name in ("engines", "look", "scale", "over") if name in request.GET},
        before=found[place - 1] if place else None,
        after=found[place + 1] if place + 1 < len(found) else None,
        csv_url=table_url("figure", "csv", query),
        table_json_url=table_url("figure", "json", query),
        is_synthetic=shown.picked.is_synthetic,
    )


def _with_number(query: QueryDict, number: str) -> str:
    changed = query.copy()
    changed["figure"] = number
    return changed.urlencode()


def figure_chart(query: QueryDict) -> Chart:
    *_rest, found, place = _asked_figure(query.get("figure", ""), query)
    return found[place].chart


def figure_table(query: QueryDict) -> Table:
    *_rest, found, place = _asked_figure(query.get("figure", ""), query)
    return found[place].table


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("figures/", figure_list, name="figures"),
    path("figures/<slug:number>/", figure, name="figure"),
)
CHARTS = {"figure": figure_chart}
TABLES = {"figure": figure_table}
