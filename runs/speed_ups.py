"""GPU/CPU speed-ups in the form of the study's Tables 4.7 and 4.8: published, and measured beside. No ORM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median
from types import MappingProxyType
from typing import Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.registry import ENGINES
from runs.alike import HELD_NAMES, Place, alike, held_values, not_compared_words, place
from runs.cells import CellRow
from runs.charts.style import Chip, style_for
from runs.facets import FACETS_BY_NAME, FacetState, pick
from runs.measures import RunFigures
from runs.payoff import Payoff
from runs.stats import Ratio, speed_up
from runs.tables import Column, Table, TableCell, heat
from runs.words import numbers
from runs.words.cells import depth_words
from runs.words.engines import engine_place, engine_title

TABLES: Mapping[str, str] = {"mlp": "4.7", "cnn": "4.8"}
WIDTH_WORDS: Mapping[str, str] = {
    "mlp": gettext_noop("neurons per layer"),
    "cnn": gettext_noop("feature maps per colour"),
}
RowKey = tuple[str, int]
"""Engine and hidden layers."""
Key = tuple[str, int, int]
"""Engine, hidden layers and width."""


class PublishedValue(Protocol):
    """A row of PublishedSpeedUp."""

    engine: str
    hidden_layers: int
    width: int
    speed_up: float


@dataclass(frozen=True)
class Hosts:
    """The machines that the times of both devices come from: one, or two as the study had it."""

    cpu: str
    gpu: str

    @property
    def are_two(self) -> bool:
        return self.cpu != self.gpu

    def __str__(self) -> str:
        return f"CPU: {self.cpu} · GPU: {self.gpu}" if self.are_two else self.cpu


@dataclass(frozen=True)
class Measured:
    """Time on one CPU thread over time on the GPU, of two cells that differ in nothing else."""

    ratio: Ratio
    before: CellRow
    after: CellRow

    @property
    def key(self) -> Key:
        return self.after.engine, self.after.hidden_layers, self.after.width

    @property
    def hosts(self) -> Hosts:
        return Hosts(self.before.machine, self.after.machine)

    @property
    def conditions(self) -> str:
        """What both sides share beside engine and network, in words."""
        track = _("{track} track").format(track=_(self.after.track))
        return f"{self.after.data_label} · {self.after.training} · {track} · {self.after.release}"


@dataclass(frozen=True)
class SpeedUps:
    """Of one network type: every pair, the ones chosen for the study's form, and what could not be compared."""

    network_type: str
    pairs: Sequence[Measured] = ()
    facets: Sequence[FacetState] = ()
    differing: Sequence[str] = ()
    """Sentences: both devices have a time, and differ in more than the device."""

    @cached_property
    def chosen(self) -> dict[Key, Measured]:
        """One for each cell of the study's form: of the data set, batch and track that are picked."""
        picked = {facet.name: {choice.value for choice in facet.choices if choice.selected} for facet in self.facets}
        fitting = (
            each
            for each in self.pairs
            if all(FACETS_BY_NAME[name].value(each.after) in values for name, values in picked.items())
        )
        return {each.key: each for each in sorted(fitting, key=lambda each: each.after.newest_run_at)}

    @property
    def conditions(self) -> str:
        """What the chosen ones hold equal; empty without any."""
        labels = [", ".join(facet.selected_labels) for facet in self.facets]
        return " · ".join(labels) if self.chosen else ""


CHOICES = tuple(replace(FACETS_BY_NAME[name], multiple=False) for name in ("data", "batch", "track"))


def measured_speed_ups(
    rows: Iterable[CellRow], network_type: str, wished: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> SpeedUps:
    """For cells with a time on one CPU thread and on the GPU that differ in nothing but the device.

    `rows` are one machine's, or the CPU cells of one and the GPU cells of another: the machine may differ, too.
    """
    own = [row for row in rows if row.network_type == network_type and row.estimate and row.threads == 1]
    pairs = [pair for group in alike(own, but=("device", "machine")) if (pair := _pair(group))]
    return SpeedUps(
        network_type,
        sorted(pairs, key=lambda each: (*engine_place(each.key[0]), *each.key[1:], each.conditions)),
        pick([each.after for each in pairs], wished, CHOICES).facets if pairs else (),
        _differing(own, {place(row) for each in pairs for row in (each.before, each.after)}),
    )


def _pair(rows: Sequence[CellRow]) -> Measured | None:
    """Of each device the newest, where an engine has several environments of one release."""
    newest = {row.device: row for row in sorted(rows, key=lambda row: row.newest_run_at)}
    if len(newest) < 2:
        return None
    return Measured(speed_up(newest["cpu"].samples, newest["gpu"].samples), newest["cpu"], newest["gpu"])


def _differing(rows: Sequence[CellRow], compared: set[Place]) -> list[str]:
    """Where an engine has no speed-up of a network at all, though both devices have a time."""
    found = []
    for group in alike(rows, but=("device", "machine", "environment", "code")):
        newest = {row.device: row for row in sorted(group, key=lambda row: row.newest_run_at)}
        if len(newest) == 2 and not any(place(row) in compared for row in group):
            found.append(not_compared_words(newest["cpu"], newest["gpu"], but=("device", "machine")))
    return found


def speed_up_table(found: SpeedUps, published: Sequence[PublishedValue]) -> Table:
    """Engines and depths down, widths across: the chosen ones, with the published values beside."""
    network_type, measured = found.network_type, found.chosen
    by_key: dict[Key, float] = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in published}
    keys = list({**by_key, **dict.fromkeys(measured)})
    widths = sorted({width for _, _, width in keys})
    rows = dict.fromkeys((engine, layers) for engine, layers, _ in keys)
    columns = [Column(f"{network_type.upper()}, {_(WIDTH_WORDS[network_type])}")]
    columns += [Column(numbers.count(width), is_number=True) for width in widths]
    return Table(
        _("Table {number}: time on one CPU thread over time on the GPU").format(number=TABLES[network_type]),
        columns,
        [_row(network_type, row, widths, by_key, measured) for row in rows],
        note=_note(found),
    )


def _row(
    network_type: str,
    row: RowKey,
    widths: Sequence[int],
    published: Mapping[Key, float],
    measured: Mapping[Key, Measured],
) -> list[TableCell]:
    engine, layers = row
    header = TableCell(
        row_label(engine, layers),
        style=style_for(engine, network_type=network_type, hidden_layers=layers),
        title=f"{engine_title(engine)}, {depth_words(network_type, layers)}",
    )
    return [header] + [_value(published.get((*row, width)), measured.get((*row, width))) for width in widths]


def row_label(engine: str, layers: int) -> str:
    """As the study names its rows: `ktf 16`."""
    info = ENGINES.get(engine)
    return f"{info.abbreviation if info else engine} {layers}"


def _value(published: float | None, measured: Measured | None) -> TableCell:
    """The measured value first where there is one, the published one small beside it."""
    if measured:
        ratio = measured.ratio
        # xgettext:no-python-format
        words = _("95 % interval {interval}; {data}").format(
            interval=numbers.interval(ratio.low, ratio.high, "×"), data=measured.conditions
        )
        small = numbers.as_printed(published) if published else ""
        return TableCell(numbers.times(ratio.value), small=small, heat=heat(ratio.value), title=words)
    if published is None:
        return TableCell(numbers.NONE, title=_("Not run."))
    return TableCell(f"{numbers.as_printed(published)}×", heat=heat(published))


def measured_table(found: SpeedUps, published: Sequence[PublishedValue]) -> Table:
    """One row for each measured speed-up, with its interval, all that both sides share, and the published value."""
    by_key = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in published}
    columns = [
        Column(_("Engine"), exports=("engine", *HELD_NAMES, "cpu_environment")),
        Column(_("Network"), exports=("network", "hidden_layers", "width")),
        Column(_("Measured"), is_number=True, exports=("speed_up",)),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("low", "high")),
        Column(_("Published"), is_number=True, exports=("published",)),
        Column(_("Data"), exports=("data_label",)),
        Column(_("Training"), exports=("training",)),
        Column(_("Track"), exports=("track",)),
        Column(_("Release"), exports=("release",)),
        Column(_("Machines"), exports=("cpu_host", "gpu_host")),
    ]
    rows = [_measured_row(found.network_type, each, by_key.get(each.key)) for each in found.pairs]
    return Table(_("Measured speed-ups: {network}").format(network=found.network_type.upper()), columns, rows)


def _measured_row(network_type: str, value: Measured, published: float | None) -> list[TableCell]:
    engine, layers, width = value.key
    row, ratio = value.after, value.ratio
    style = style_for(engine, network_type=network_type, hidden_layers=layers, track=row.track)
    return [
        TableCell(engine_title(engine), style=style, values=(engine, *held_values(row), value.before.environment)),
        TableCell(numbers.size(layers, width), values=(network_type, layers, width)),
        TableCell(numbers.times(ratio.value), heat=heat(ratio.value), values=(ratio.value,)),
        TableCell(numbers.interval(ratio.low, ratio.high, "×"), title=_why(ratio), values=(ratio.low, ratio.high)),
        TableCell(f"{numbers.as_printed(published)}×" if published else numbers.NONE, values=(published,)),
        TableCell(row.data_label, title=row.data_sha256),
        TableCell(row.training),
        TableCell(_(row.track), values=(row.track,)),
        TableCell(row.release),
        _hosts_cell(value.hosts),
    ]


def _hosts_cell(hosts: Hosts) -> TableCell:
    if not hosts.are_two:
        return TableCell(hosts.cpu, values=(hosts.cpu, hosts.gpu))
    return TableCell(chip=Chip(_("two machines"), "warn"), title=str(hosts), values=(hosts.cpu, hosts.gpu))


def _why(ratio: Ratio) -> str:
    return "" if ratio.low is not None else _("An interval needs three runs on each side.")


def _note(found: SpeedUps) -> str:
    if not found.chosen:
        return _(
            "Published in 2017: TITAN Black against one thread of an Opteron 6168. Nothing measured on a GPU here yet."
        )
    hosts = " · ".join(dict.fromkeys(str(each.hosts) for each in found.chosen.values()))
    words = _("Measured here: {conditions}; {hosts}. The study's published value stands beside it, or alone.")
    return words.format(conditions=found.conditions, hosts=hosts)


# ---------------------------------------------------------------- when it pays off


def break_even_table(measured: Iterable[Measured], figures: Mapping[Place, Sequence[RunFigures]]) -> Table:
    """For the pairs on one host whose records tell how long they took to start."""
    columns = [
        Column(_("Engine")),
        Column(_("Network")),
        Column(_("Start on the CPU"), is_number=True),
        Column(_("Start on the GPU"), is_number=True),
        Column(_("Pays off after"), is_number=True),
    ]
    found = [(each, _payoff(each, figures)) for each in measured if not each.hosts.are_two]
    rows = [_payoff_row(each.after, payoff) for each, payoff in found if payoff]
    return Table(_("When a GPU pays off"), columns, rows)


def _payoff(each: Measured, figures: Mapping[Place, Sequence[RunFigures]]) -> Payoff | None:
    cpu, gpu = figures.get(place(each.before)), figures.get(place(each.after))
    if not cpu or not gpu or not each.before.estimate or not each.after.estimate:
        return None
    cpu_start, gpu_start = (median(run.start_seconds + run.warm_up_seconds for run in side) for side in (cpu, gpu))
    return Payoff(cpu_start, gpu_start, each.before.estimate.seconds, each.after.estimate.seconds)


def _payoff_row(row: CellRow, payoff: Payoff) -> list[TableCell]:
    style = style_for(row.engine, network_type=row.network_type, hidden_layers=row.hidden_layers)
    return [
        TableCell(engine_title(row.engine), style=style),
        TableCell(f"{row.network_type.upper()} {numbers.size(row.hidden_layers, row.width)}"),
        TableCell(numbers.seconds(payoff.start), values=(payoff.start,)),
        TableCell(numbers.seconds(payoff.other_start), values=(payoff.other_start,)),
        TableCell(payoff.words, values=(payoff.epochs,)),
    ]
