"""Cells side by side: who is fastest at a workload, by how much, and the chart of it. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from runs import formats
from runs.cells import CellRow, Picked, engine_place, engine_title
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS, Scale
from runs.charts.style import point_radius, style_for
from runs.stats import EQUIVALENCE, Ratio, judge, ratio, ratio_to_itself


@dataclass(frozen=True)
class Standing:
    """A cell against the fastest of its workload. No ratio where it has no time; `verdict` is then empty."""

    row: CellRow
    ratio: Ratio | None
    verdict: str


def standings(rows: Sequence[CellRow], *, rope: float = EQUIVALENCE) -> list[Standing]:
    """Grouped by network, the smallest first; in each group the fastest first and what is missing last."""
    groups: dict[tuple[str, int, int, str, str, int], list[CellRow]] = {}
    for row in rows:
        key = (row.network_type, row.hidden_layers, row.width, row.data_key, row.device, row.threads)
        groups.setdefault(key, []).append(row)
    return [standing for key in sorted(groups) for standing in _group(groups[key], rope)]


def _group(rows: Sequence[CellRow], rope: float) -> list[Standing]:
    timed = sorted((row for row in rows if row.estimate), key=_seconds)
    missing = [Standing(row, None, "") for row in rows if not row.estimate]
    return [_standing(timed[0], row, rope) for row in timed] + missing


def _standing(fastest: CellRow, row: CellRow, rope: float) -> Standing:
    if row is fastest:
        verdict = judge(fastest.samples, fastest.samples, rope=rope)
        return Standing(row, ratio_to_itself(row.samples), "best" if verdict == "tie" else verdict)
    return Standing(row, ratio(fastest.samples, row.samples), judge(fastest.samples, row.samples, rope=rope))


def _seconds(row: CellRow) -> float:
    return row.estimate.seconds if row.estimate else 0.0


# ---------------------------------------------------------------- the chart


def time_per_epoch(picked: Picked, scale: Scale) -> Chart:
    network_type = picked.network_type or ""
    return Chart(
        SPECS["time-per-epoch"],
        series=_series(picked.rows),
        scale=scale,
        network_type=network_type,
        note=conditions(picked),
        marks=("synthetic data",) if picked.is_synthetic else (),
    )


def _series(rows: Sequence[CellRow]) -> list[Series]:
    """One for each engine, depth, track and environment, in the engines' order; none without a time."""
    by_key: dict[tuple[str, int, str, int], list[CellRow]] = {}
    for row in rows:
        if row.estimate:
            by_key.setdefault((row.engine, row.hidden_layers, row.track, row.environment_id), []).append(row)
    several = {engine for engine in {row.engine for row in rows} if _environments(rows, engine) > 1}
    keys = sorted(by_key, key=lambda key: (engine_place(key[0]), *key[1:]))
    return [_one_series(by_key[key], names_environment=key[0] in several) for key in keys]


def _environments(rows: Sequence[CellRow], engine: str) -> int:
    return len({row.environment_id for row in rows if row.engine == engine})


def _one_series(rows: Sequence[CellRow], *, names_environment: bool) -> Series:
    first = rows[0]
    style = style_for(
        first.engine, network_type=first.network_type, hidden_layers=first.hidden_layers, track=first.track
    )
    words = [engine_title(first.engine), depth(first)]
    words += [first.track] if first.track != "idiomatic" else []
    words += [first.environment] if names_environment else []
    points = [_point(row) for row in sorted(rows, key=lambda row: row.width)]
    return Series(" · ".join(words), style, points, point_radius(first.network_type, first.hidden_layers))


def _point(row: CellRow) -> Point:
    found = row.estimate
    assert found is not None, "only cells with a time are drawn"
    return Point(row.width, found.seconds, found.low, found.high, found.runs)


def depth(row: CellRow) -> str:
    what = "convolution" if row.network_type == "cnn" else "layer"
    return f"{row.hidden_layers} {what}{'s' if row.hidden_layers != 1 else ''}"


def conditions(picked: Picked) -> str:
    """Under what all the cells ran, in one line."""
    parts = {facet.name: ", ".join(facet.selected_labels) for facet in picked.facets}
    if not picked.rows:
        return ""
    threads = parts["threads"] + (" CPU thread" if parts["threads"] == "1" else " CPU threads")
    return " · ".join([parts["network"], parts["data"], parts["device"], threads, f"{parts['track']} track"])


def runs_query(row: CellRow) -> str:
    """The query string of the list of a cell's runs."""
    return urlencode(
        {
            "engine": row.engine,
            "network": row.network_type,
            "layers": row.hidden_layers,
            "width": row.width,
            "device": row.device,
            "threads": row.threads,
            "track": row.track,
            "environment": row.environment_id,
        }
    )


def throughput(row: CellRow) -> str:
    return formats.gflops_per_second(row.flops_per_epoch, row.estimate.seconds if row.estimate else None)
