"""The study's twenty figures over measured cells: what each shows, asks and claimed. No ORM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from django.utils.translation import gettext as _

from runs.charts.build import Chart, Series
from runs.charts.sketch import Sketch, sketch
from runs.charts.specs import SCALES, SPECS, Scale
from runs.charts.style import NOMENCLATURE_LAYERS, in_greys, point_radius, ramp_style
from runs.findings.cells import CellRow
from runs.findings.facets import FACETS_BY_NAME, Picked, pick
from runs.findings.standings import standings
from runs.pages.parts.comparison import View, comparison_chart, comparison_table, series_of
from runs.pages.parts.measures import ACROSS
from runs.stats import EQUIVALENCE
from runs.study.published import Figure, published
from runs.tables.table import Table
from runs.words import numbers
from runs.words.cells import depth_words, threads_words
from runs.words.engines import engine_title

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
        return _("MLPs") if self.declared.network_type == "mlp" else _("CNNs")

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
        return self.declared.layers or NOMENCLATURE_LAYERS[self.declared.network_type]

    def _belongs(self, row: CellRow) -> bool:
        return (
            row.network_type == self.declared.network_type
            and row.device == self.declared.device
            and row.hidden_layers in self._layers
            and row.track == "idiomatic"
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
        deep = row.hidden_layers > 1 if row.network_type == "cnn" else row.hidden_layers > 8
        style = ramp_style(counts.index(self._parting(row)), filled=deep, is_keras=row.engine.startswith("keras"))
        words = [engine_title(row.engine)] if self.look.all_engines else []
        words += [depth_words(row.network_type, row.hidden_layers)] if len(self._layers) > 1 else []
        width = _("width {n}").format(n=numbers.count(row.width))
        label = " · ".join([*words, width if self.is_over_threads else threads_words(row.threads)])
        look = in_greys(style) if self.look.in_greys else style
        points = plain.points if plain else ()
        return Series(label, look, points, point_radius(row.network_type, row.hidden_layers))

    @property
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
