"""GPU/CPU speed-ups in the form of the study's Tables 4.7 and 4.8: published, and measured beside. No ORM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engines.registry import ENGINES
from runs import formats
from runs.cells import CellRow, engine_place, engine_title
from runs.charts.style import style_for
from runs.stats import Ratio, speed_up
from runs.tables import Column, Table, TableCell, heat

TABLES: Mapping[str, str] = {"mlp": "Table 4.7", "cnn": "Table 4.8"}
WIDTH_WORDS: Mapping[str, str] = {"mlp": "neurons per layer", "cnn": "feature maps per colour"}
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
    """Time on one CPU thread over time on the GPU; `data` says on what."""

    ratio: Ratio
    data: str


def measured_speed_ups(rows: Iterable[CellRow], network_type: str) -> dict[Key, Measured]:
    """For each cell that has a time on one CPU thread and on the GPU, with the same data and track."""
    own = [row for row in rows if row.network_type == network_type and row.estimate]
    cpu = {_match(row): row for row in own if row.device == "cpu" and row.threads == 1}
    pairs = [(cpu[_match(gpu)], gpu) for gpu in own if gpu.device == "gpu" and _match(gpu) in cpu]
    return {
        (gpu.engine, gpu.hidden_layers, gpu.width): Measured(speed_up(before.samples, gpu.samples), gpu.data_label)
        for before, gpu in pairs
    }


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
    columns = [Column(f"{network_type.upper()}, {WIDTH_WORDS[network_type]}")]
    columns += [Column(formats.count(width), is_number=True) for width in widths]
    return Table(
        f"{TABLES[network_type]}: time on one CPU thread over time on the GPU",
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
        title=f"{engine_title(engine)}, {layers} hidden layers",
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
        words = f"95 % interval {formats.interval(ratio.low, ratio.high, '×')}; {measured.data}"
        small = formats.as_printed(published) if published else ""
        return TableCell(formats.times(ratio.value), small=small, heat=heat(ratio.value), title=words)
    if published is None:
        return TableCell(formats.NONE, title="Not run.")
    return TableCell(f"{formats.as_printed(published)}×", heat=heat(published))


def measured_table(network_type: str, measured: Mapping[Key, Measured], published: Sequence[PublishedValue]) -> Table:
    """One row for each measured speed-up, with its interval and the published value."""
    by_key = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in published}
    columns = [
        Column("Engine"),
        Column("Network"),
        Column("Measured", is_number=True),
        Column("95 % interval", is_number=True),
        Column("Published", is_number=True),
        Column("Data"),
    ]
    rows = [
        _measured_row(network_type, key, value, by_key.get(key)) for key, value in sorted(measured.items(), key=_place)
    ]
    return Table(f"Measured {network_type.upper()} speed-ups", columns, rows)


def _place(item: tuple[Key, Measured]) -> tuple[int, str, int, int]:
    (engine, layers, width), _ = item
    return (*engine_place(engine), layers, width)


def _measured_row(network_type: str, key: Key, value: Measured, published: float | None) -> list[TableCell]:
    engine, layers, width = key
    style = style_for(engine, network_type=network_type, hidden_layers=layers)
    return [
        TableCell(engine_title(engine), style=style),
        TableCell(formats.size(layers, width)),
        TableCell(formats.times(value.ratio.value), heat=heat(value.ratio.value)),
        TableCell(formats.interval(value.ratio.low, value.ratio.high, "×"), title=_why(value.ratio)),
        TableCell(f"{formats.as_printed(published)}×" if published else formats.NONE),
        TableCell(value.data),
    ]


def _why(ratio: Ratio) -> str:
    return "" if ratio.low is not None else "An interval needs three runs on each side."


def _note(measured: Mapping[Key, Measured]) -> str:
    if measured:
        return "Measured, with the study's published value beside it. Other cells: published. CPU: 1 thread."
    return "Published in 2017: TITAN Black against one thread of an Opteron 6168. Nothing measured on a GPU here yet."
