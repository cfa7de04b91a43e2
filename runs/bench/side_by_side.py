"""Releases that stood in the same blocks, compared: for a pull request in Markdown, for a program as JSON. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import registry
from engines.contract import Cell
from engines.run_record import RunRecord
from runs.bench.display import release_of
from runs.errors import RunsError
from runs.records.run_records import timed_seconds
from runs.stats import EQUIVALENCE, SIGNIFICANCE, LogSamples, Ratio, Verdict, estimate, holm, judge, p_slower, ratio
from runs.suites.plan import network_name
from runs.words.releases import release_of as release_in
from runs.words.releases import release_words

Releases = Mapping[str, Sequence[str]]
"""Engine -> its releases, as the command line names them: the first is what the others are held against."""


@dataclass(frozen=True)
class Pair:
    """One cell in two releases."""

    cell: Cell
    before: str
    after: str
    before_seconds: float
    after_seconds: float
    ratio: Ratio
    verdict: Verdict
    p: float
    """Of *slower*, adjusted for all pairs (Holm)."""

    @property
    def is_slower(self) -> bool:
        return self.p < SIGNIFICANCE


@dataclass(frozen=True)
class _Side:
    title: str
    samples: LogSamples


def pairs(records: Iterable[RunRecord], releases: Releases, *, rope: float = EQUIVALENCE) -> list[Pair]:
    """Of each cell every further release against the first, where both have times of the same blocks.

    The same blocks of one sitting: what an earlier sitting left under the same number met another machine.
    """
    sides = _sides(records)
    found = []
    for cell in dict.fromkeys(cell for cell, _ in sides):
        first, *others = releases.get(cell.engine, ("",))
        for other in others:
            before, after = sides.get((cell, first)), sides.get((cell, other))
            if before and after and set(before.samples.blocks) & set(after.samples.blocks):
                found.append((cell, before, after))
    adjusted = holm([_p(before, after, rope) for _, before, after in found])
    return [_pair(*each, p, rope) for each, p in zip(found, adjusted, strict=True)]


def _p(before: _Side, after: _Side, rope: float) -> float:
    found = p_slower(before.samples, after.samples, rope=rope)
    return 1.0 if found is None else found


def _pair(cell: Cell, before: _Side, after: _Side, p: float, rope: float) -> Pair:
    return Pair(
        cell,
        before.title,
        after.title,
        estimate(before.samples).seconds,
        estimate(after.samples).seconds,
        ratio(before.samples, after.samples),
        judge(before.samples, after.samples, rope=rope),
        p,
    )


def _sides(records: Iterable[RunRecord]) -> dict[tuple[Cell, str], _Side]:
    """Each cell in each release: its newest software's finished runs, by block."""
    newest: dict[tuple[Cell, str, int], RunRecord] = {}
    for record in records:
        if timed_seconds(record):
            newest[record.cell, release_of(record), record.placement.block] = record
    sittings = sorted({(record.placement.session, record.placement.block) for record in newest.values()})
    places = {sitting: place for place, sitting in enumerate(sittings)}
    grouped: dict[tuple[Cell, str], list[RunRecord]] = {}
    for (cell, release, _), record in newest.items():
        grouped.setdefault((cell, release), []).append(record)
    return {key: _side(own, places) for key, own in grouped.items()}


def _side(records: Sequence[RunRecord], places: Mapping[tuple[str, int], int]) -> _Side:
    """`places` number the blocks of all sittings."""
    last = records[-1]
    environment = last.environment
    title = release_in(last.cell.engine, environment.packages, environment.facts, otherwise=environment.name)
    own = [record for record in records if record.cell_key == last.cell_key]
    blocks = [places[record.placement.session, record.placement.block] for record in own]
    times = [math.log(timed_seconds(record) or 1.0) for record in own]
    return _Side(release_words(title), LogSamples(tuple(times), tuple(blocks)))


# ---------------------------------------------------------------- as text


def markdown(found: Sequence[Pair], *, rope: float = EQUIVALENCE) -> str:
    """A table for a pull request."""
    if not found:
        return "No cell has times in two releases of the same blocks. To measure both anew: --fresh"
    lines = [
        "| Engine | Network | On | Before | After | After / before | 95 % interval | Verdict |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
        *map(_line, found),
        "",
        f"Paired by block; *slower* and *faster* where the whole interval lies beyond ±{100 * rope:g} %"
        f"{', *slower* after Holm over the rows' if len(found) > 1 else ''}.",
    ]
    return "\n".join(lines)


def _line(pair: Pair) -> str:
    cell, found = pair.cell, pair.ratio
    interval = "–" if found.low is None or found.high is None else f"{found.low:.3f} to {found.high:.3f}"
    track = "" if cell.track == "idiomatic" else f" {cell.track}"
    task = "" if cell.workload.task == "train" else ", inference"
    threads = f"{cell.threads} thread{'s' if cell.threads > 1 else ''}"
    cells = [
        f"{registry.find(cell.engine).title}{track}",
        f"{network_name(cell.workload.network)}{task}",
        f"{cell.device.upper()}, {threads}",
        f"{pair.before}: {_time(pair.before_seconds)}",
        f"{pair.after}: {_time(pair.after_seconds)}",
        f"{found.value:.3f}",
        interval,
        _verdict(pair),
    ]
    return f"| {' | '.join(cells)} |"


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 0.1 else f"{1000 * seconds:.3g} ms"


def _verdict(pair: Pair) -> str:
    if pair.verdict == "slower":
        return "**slower**" if pair.is_slower else "unresolved"
    return pair.verdict


def document(found: Sequence[Pair]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {
            "engine": pair.cell.engine,
            "network": network_name(pair.cell.workload.network),
            "task": pair.cell.workload.task,
            "dataset": pair.cell.workload.dataset.name,
            "batch_size": pair.cell.workload.batch_size,
            "track": pair.cell.track,
            "device": pair.cell.device,
            "threads": pair.cell.threads,
            "before": pair.before,
            "after": pair.after,
            "before_seconds": pair.before_seconds,
            "after_seconds": pair.after_seconds,
            "ratio": pair.ratio.value,
            "low": pair.ratio.low,
            "high": pair.ratio.high,
            "runs": pair.ratio.runs,
            "verdict": pair.verdict,
            "p_slower": pair.p,
            "is_slower": pair.is_slower,
        }
        for pair in found
    ]


def write(path: Path, found: Sequence[Pair], *, rope: float) -> None:
    """As Markdown or JSON, by the file's name. Raises RunsError."""
    text = json.dumps(document(found), indent=2) if path.suffix == ".json" else markdown(found, rope=rope)
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise RunsError(f"{path} cannot be written: {error.strerror}.") from None
