"""Time, speed-up and efficiency over CPU threads, engine by engine, on one network. No ORM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from engines.contract import Network
from runs import formats
from runs.cell_words import engine_title, threads_words
from runs.cells import CellRow, engine_place
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS
from runs.charts.style import Chip, guide_style, publication_style, style_for
from runs.comparison import runs_query
from runs.measures import Place, RunFigures, place
from runs.stats import Ratio, ScalingPoint, scaling
from runs.study.published import published
from runs.tables import Column, Table, TableCell, ratio_values

TOLERATED = 1.15
"""A run that used more than so many times the threads it was given is marked."""


@dataclass(frozen=True)
class Line:
    """One engine on one network: its cells by thread count, and how they scale."""

    engine: str
    track: str
    cells: Mapping[int, CellRow]

    @property
    def label(self) -> str:
        return engine_title(self.engine) + ("" if self.track == "idiomatic" else f" · {_(self.track)}")

    @cached_property
    def scaling(self) -> Mapping[int, ScalingPoint]:
        times = {threads: row.samples for threads, row in self.cells.items() if len(row.samples)}
        return {point.threads: point for point in scaling(times)}


@dataclass(frozen=True)
class ThreadScaling:
    """`cores` are the machine's physical ones, where it tells."""

    rows: Sequence[CellRow]
    asked: str
    cores: int | None
    scope_query: str = ""
    figures: Mapping[Place, Sequence[RunFigures]] | None = None

    @cached_property
    def networks(self) -> list[Network]:
        """Those measured with two thread counts at least; with most cells first, then with most FLOPs."""
        counts: dict[Network, set[int]] = {}
        weights: dict[Network, tuple[int, int]] = {}
        for row in self._cpu_rows:
            counts.setdefault(row.network, set()).add(row.threads)
            cells = weights.get(row.network, (0, 0))[0]
            weights[row.network] = (cells + 1, row.flops_per_epoch)
        several = [network for network, threads in counts.items() if len(threads) > 1]
        return sorted(several, key=lambda each: weights[each], reverse=True)

    @property
    def _cpu_rows(self) -> list[CellRow]:
        return [row for row in self.rows if row.device == "cpu" and len(row.samples)]

    @property
    def network(self) -> Network | None:
        return next((each for each in self.networks if slug(each) == self.asked), next(iter(self.networks), None))

    @property
    def network_choices(self) -> list[tuple[str, str]]:
        return [(slug(each), str(each)) for each in self.networks]

    @cached_property
    def lines(self) -> list[Line]:
        groups: dict[tuple[str, str], dict[int, CellRow]] = {}
        for row in sorted(self._cpu_rows, key=lambda row: row.newest_run_at):
            if row.network == self.network:
                groups.setdefault((row.engine, row.track), {})[row.threads] = row
        several = {key: dict(sorted(cells.items())) for key, cells in groups.items() if len(cells) > 1}
        return [Line(*key, several[key]) for key in sorted(several, key=lambda key: (engine_place(key[0]), key[1]))]

    @property
    def counts(self) -> list[int]:
        return sorted({threads for line in self.lines for threads in line.cells})

    @property
    def data(self) -> str:
        return ", ".join(dict.fromkeys(row.data_label for line in self.lines for row in line.cells.values()))

    @property
    def is_synthetic(self) -> bool:
        return any(row.is_synthetic for line in self.lines for row in line.cells.values())

    # ------------------------------------------------------------ charts

    def chart(self, slug: str) -> Chart:
        makers = {"threads-time": self._times, "threads-speed-up": self._speed_ups}
        series = makers.get(slug, self._efficiencies)()
        spec = SPECS[slug]
        marks = (_("synthetic data"),) if self.is_synthetic else ()
        note = f"{self.network} · {self.data}" if self.network else ""
        return Chart(spec, series, spec.y.scale, note=note, marks=marks, verticals=self._core_mark)

    @property
    def _core_mark(self) -> list[tuple[float, str]]:
        if self.cores is None or not self.counts or not self.counts[0] <= self.cores <= self.counts[-1]:
            return []
        return [(self.cores, _("{n} physical cores").format(n=formats.count(self.cores)))]

    def _times(self) -> list[Series]:
        return [
            self._series(line, {n: row.estimate for n, row in line.cells.items() if row.estimate}, 1.0)
            for line in self.lines
        ]

    def _speed_ups(self) -> list[Series]:
        found = [
            self._series(line, {n: point.speed_up for n, point in line.scaling.items()}, 1.0) for line in self.lines
        ]
        return found + self._ideal(lambda threads: threads) + self._published("speedup", 1.0)

    def _efficiencies(self) -> list[Series]:
        found = [
            self._series(line, {n: point.efficiency for n, point in line.scaling.items()}, 100.0) for line in self.lines
        ]
        return found + self._ideal(lambda threads: 100.0) + self._published("efficiency", 100.0)

    def _series(self, line: Line, found: Mapping[int, Any], factor: float) -> Series:
        network = self.network or Network("mlp", 8, 100)
        style = style_for(line.engine, network_type=network.type, hidden_layers=network.hidden_layers, track=line.track)
        points = [_point(n, value, factor, self._url(line.cells[n])) for n, value in found.items()]
        return Series(line.label, style, points)

    def _url(self, row: CellRow) -> str:
        return f"{reverse('runs')}?{self.scope_query}&{runs_query(row)}"

    def _ideal(self, of: Any) -> list[Series]:
        if not self.lines:
            return []
        return [Series(_("Ideal"), guide_style(), [Point(n, of(n)) for n in self.counts], radius=0)]

    def _published(self, quantity: str, factor: float) -> list[Series]:
        """The best case that the study reports, on its own machine."""
        network = self.network
        then = published().thread_scaling.get(network.type) if network else None
        if not then:
            return []
        point = Point(then.threads, getattr(then, quantity) * factor)
        return [Series(_("Study, 2017: its best case"), publication_style(), [point], radius=6)]

    # ------------------------------------------------------------ table

    @property
    def table(self) -> Table:
        columns = [
            Column(_("Engine"), sort="engine"),
            Column(_("Threads"), is_number=True, sort="threads", exports=("threads",)),
            Column(_("Time per epoch"), is_number=True, sort="seconds", exports=("seconds",)),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("low_seconds", "high_seconds")),
            Column(_("Speed-up"), is_number=True, sort="speed-up", exports=("speed_up", "low", "high")),
            # xgettext:no-python-format
            Column(_("95 % interval"), is_number=True, exports=("speed_up_interval",)),
            Column(_("Efficiency"), is_number=True, sort="efficiency", exports=("efficiency",)),
            Column(_("Threads used"), is_number=True, exports=("threads_observed",)),
        ]
        rows = [self._table_row(line, n, row) for line in self.lines for n, row in line.cells.items()]
        starts = [len(line.cells) for line in self.lines]
        groups = frozenset(sum(starts[:at]) for at in range(1, len(starts)))
        return Table(_("Scaling over CPU threads"), columns, rows, group_starts=groups)

    def _table_row(self, line: Line, threads: int, row: CellRow) -> list[TableCell]:
        network, found, point = row.network, row.estimate, line.scaling.get(threads)
        style = style_for(line.engine, network_type=network.type, hidden_layers=network.hidden_layers, track=line.track)
        gain = point.speed_up if point else None
        efficiency = point.efficiency.value if point else None
        return [
            TableCell(line.label, style=style),
            TableCell(formats.count(threads), values=(threads,)),
            TableCell(formats.seconds(found.seconds if found else None), values=(found.seconds if found else None,)),
            TableCell(
                formats.interval(found.low, found.high) if found else formats.NONE,
                values=(found.low, found.high) if found else (None, None),
            ),
            TableCell(formats.times(gain.value if gain else None), values=ratio_values(gain)),
            TableCell(_interval(gain)),
            TableCell(formats.percent(efficiency), values=(efficiency,)),
            self._observed(row),
        ]

    def _observed(self, row: CellRow) -> TableCell:
        """What the process really used: processor time over wall time."""
        own = (self.figures or {}).get(place(row), ())
        used = [figures.threads_observed for figures in own if figures.threads_observed is not None]
        if not used:
            return TableCell(formats.NONE, values=(None,))
        most = max(used)
        if most > TOLERATED * row.threads:
            words = _("It was given {asked} and used up to {used}.").format(
                asked=threads_words(row.threads), used=formats.digits(most)
            )
            return TableCell(chip=Chip(formats.digits(most), "warn"), title=words, values=(most,))
        return TableCell(formats.digits(sum(used) / len(used)), values=(sum(used) / len(used),))


def _interval(ratio: Ratio | None) -> str:
    return formats.interval(ratio.low, ratio.high, "×") if ratio else formats.NONE


def _point(x: int, found: Any, factor: float, url: str) -> Point:
    value = found.seconds if hasattr(found, "seconds") else found.value
    low, high = (None if bound is None else bound * factor for bound in (found.low, found.high))
    return Point(x, value * factor, low, high, found.runs, url)


def slug(network: Network) -> str:
    return f"{network.type}-{network.hidden_layers}x{network.width}"
