"""GPU/CPU speed-ups in the form of the study's Tables 4.7 and 4.8: published, and measured beside. No ORM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.registry import ENGINES
from runs import formats
from runs.cell_words import depth_words, engine_title
from runs.cells import CellRow, engine_place
from runs.charts.style import Chip, style_for
from runs.measures import Place, RunFigures, place
from runs.payoff import Payoff
from runs.stats import Ratio, speed_up
from runs.tables import Column, Table, TableCell, heat

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
class Measured:
    """Time on one CPU thread over time on the GPU; `data` says on what, `hosts` where, if that was two machines."""

    ratio: Ratio
    data: str
    before: CellRow
    after: CellRow

    @property
    def hosts(self) -> str:
        if self.before.machine == self.after.machine:
            return ""
        return f"{self.before.machine} / {self.after.machine}"


def measured_speed_ups(rows: Iterable[CellRow], network_type: str, machine: str = "") -> dict[Key, Measured]:
    """For each cell that has a time on one CPU thread and on the GPU, with the same data and track.

    Both on `machine` where it has both; else one side is another machine's of the experiment.
    """
    own = [row for row in rows if row.network_type == network_type and row.estimate]
    cpu = _sides(own, "cpu", machine)
    return {
        (gpu.engine, gpu.hidden_layers, gpu.width): Measured(
            speed_up(cpu[key].samples, gpu.samples), gpu.data_label, cpu[key], gpu
        )
        for key, gpu in _sides(own, "gpu", machine).items()
        if key in cpu and (not machine or machine in (cpu[key].machine, gpu.machine))
    }


def _sides(rows: Iterable[CellRow], device: str, machine: str) -> dict[tuple[str, str, int, int, str], CellRow]:
    """The cells of one device: those of the machine itself before all others', of each the newest."""
    fitting = [row for row in rows if row.device == device and (device == "gpu" or row.threads == 1)]
    fitting.sort(key=lambda row: (row.machine == machine, row.newest_run_at))
    return {_match(row): row for row in fitting}


def _match(row: CellRow) -> tuple[str, str, int, int, str]:
    return row.engine, row.track, row.hidden_layers, row.width, row.data_key


def speed_up_table(
    network_type: str,
    published: Sequence[PublishedValue],
    measured: Mapping[Key, Measured],
    *,
    depths: Sequence[int] = (),
) -> Table:
    """Engines and depths down, widths across. `depths` keeps some; all where empty."""
    by_key: dict[Key, float] = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in published}
    keys = [key for key in {**by_key, **dict.fromkeys(measured)} if not depths or key[1] in depths]
    widths = sorted({width for _, _, width in keys})
    rows = dict.fromkeys((engine, layers) for engine, layers, _ in keys)
    columns = [Column(f"{network_type.upper()}, {_(WIDTH_WORDS[network_type])}")]
    columns += [Column(formats.count(width), is_number=True) for width in widths]
    return Table(
        _("Table {number}: time on one CPU thread over time on the GPU").format(number=TABLES[network_type]),
        columns,
        [_row(network_type, row, widths, by_key, measured) for row in rows],
        note=_note(measured),
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
            interval=formats.interval(ratio.low, ratio.high, "×"), data=measured.data
        )
        if measured.hosts:
            words += "; " + _("on two hosts: {hosts}").format(hosts=measured.hosts)
        small = formats.as_printed(published) if published else ""
        mark = "†" if measured.hosts else ""
        return TableCell(formats.times(ratio.value) + mark, small=small, heat=heat(ratio.value), title=words)
    if published is None:
        return TableCell(formats.NONE, title=_("Not run."))
    return TableCell(f"{formats.as_printed(published)}×", heat=heat(published))


def measured_table(network_type: str, measured: Mapping[Key, Measured], published: Sequence[PublishedValue]) -> Table:
    """One row for each measured speed-up, with its interval and the published value."""
    by_key = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in published}
    columns = [
        Column(_("Engine"), exports=("engine",)),
        Column(_("Network"), exports=("network", "hidden_layers", "width")),
        Column(_("Measured"), is_number=True, exports=("speed_up",)),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("low", "high")),
        Column(_("Published"), is_number=True, exports=("published",)),
        Column(_("Data"), exports=("data",)),
        Column(_("Hosts"), exports=("cpu_host", "gpu_host")),
    ]
    rows = [
        _measured_row(network_type, key, value, by_key.get(key)) for key, value in sorted(measured.items(), key=_place)
    ]
    return Table(_("Measured speed-ups: {network}").format(network=network_type.upper()), columns, rows)


def _place(item: tuple[Key, Measured]) -> tuple[int, str, int, int]:
    engine, layers, width = item[0]
    return (*engine_place(engine), layers, width)


def _measured_row(network_type: str, key: Key, value: Measured, published: float | None) -> list[TableCell]:
    engine, layers, width = key
    style = style_for(engine, network_type=network_type, hidden_layers=layers)
    return [
        TableCell(engine_title(engine), style=style, values=(engine,)),
        TableCell(formats.size(layers, width), values=(network_type, layers, width)),
        TableCell(formats.times(value.ratio.value), heat=heat(value.ratio.value), values=(value.ratio.value,)),
        TableCell(
            formats.interval(value.ratio.low, value.ratio.high, "×"),
            title=_why(value.ratio),
            values=(value.ratio.low, value.ratio.high),
        ),
        TableCell(f"{formats.as_printed(published)}×" if published else formats.NONE, values=(published,)),
        TableCell(value.data),
        _hosts_cell(value),
    ]


def _hosts_cell(value: Measured) -> TableCell:
    hosts = (value.before.machine, value.after.machine)
    if not value.hosts:
        return TableCell(_("one"), values=hosts)
    return TableCell(chip=Chip(_("two hosts"), "warn"), title=value.hosts, values=hosts)


def _why(ratio: Ratio) -> str:
    return "" if ratio.low is not None else _("An interval needs three runs on each side.")


def _note(measured: Mapping[Key, Measured]) -> str:
    if measured:
        return _(
            "Measured, with the study's published value beside it. Other cells: published. CPU: 1 thread. †: two hosts."
        )
    return _(
        "Published in 2017: TITAN Black against one thread of an Opteron 6168. Nothing measured on a GPU here yet."
    )


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
    found = [(each, _payoff(each, figures)) for each in measured if not each.hosts]
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
        TableCell(f"{row.network_type.upper()} {formats.size(row.hidden_layers, row.width)}"),
        TableCell(formats.seconds(payoff.start), values=(payoff.start,)),
        TableCell(formats.seconds(payoff.other_start), values=(payoff.other_start,)),
        TableCell(payoff.words, values=(payoff.epochs,)),
    ]
