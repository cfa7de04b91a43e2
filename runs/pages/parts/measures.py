"""What a chart can show of a cell, and over what: every quantity with its axis. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from django.utils.translation import gettext_noop as _

from runs.charts.specs import THREADS, WIDTH, Axis
from runs.findings.alike import Held, Place, alike, held, place
from runs.findings.cells import CellRow
from runs.findings.run_details import RunDetails
from runs.stats import LogSamples, Ratio, estimate, ratio, ratio_to_itself


@dataclass(frozen=True)
class Reading:
    """A value with its 95 % interval, absent under three runs."""

    value: float
    low: float | None
    high: float | None
    runs: int


@dataclass(frozen=True)
class Setting:
    """What a quantity needs to know beside its cell."""

    rivals: Mapping[Held, Sequence[CellRow]] = field(default_factory=dict)
    baseline: str = ""
    peaks: Mapping[tuple[str, int], float] = field(default_factory=dict)
    """The machine's measured GFLOP/s, by device and threads."""
    figures: Mapping[Place, Sequence[RunDetails]] = field(default_factory=dict)
    epochs: int = 10
    prices: Mapping[int, float] = field(default_factory=dict)
    """What an hour of a machine costs, by machine, all in one `currency`."""
    currency: str = ""


@dataclass(frozen=True)
class Measure:
    slug: str
    title: str
    axis: Axis
    of: Callable[[CellRow, Setting], Reading | None]
    reads_records: bool = False
    """It needs the runs' own records, which no summary holds."""


def rivals(rows: Sequence[CellRow]) -> dict[Held, list[CellRow]]:
    """The cells with a time that engines can be compared by, under what they share."""
    groups = alike([row for row in rows if row.estimate], but="engine")
    return {held(group[0], but="engine"): group for group in groups}


# ---------------------------------------------------------------- from the time per epoch


def _seconds(row: CellRow, setting: Setting) -> Reading | None:
    found = row.estimate
    return Reading(found.seconds, found.low, found.high, found.runs) if found else None


COSTED_EPOCHS = 1_000


def _cost(row: CellRow, setting: Setting) -> Reading | None:
    """Of epochs alone: what is paid once, and what the machine costs while it idles, is in no time here."""
    found, price = row.estimate, setting.prices.get(row.machine_id)
    if not found or price is None:
        return None
    each = price * COSTED_EPOCHS / 3600
    low, high = (None if bound is None else bound * each for bound in (found.low, found.high))
    return Reading(found.seconds * each, low, high, found.runs)


def _rate(per_epoch: float, row: CellRow) -> Reading | None:
    """Something done once an epoch, per second; the interval turns round."""
    found = row.estimate
    if not found:
        return None
    low = per_epoch / found.high if found.high else None
    high = per_epoch / found.low if found.low else None
    return Reading(per_epoch / found.seconds, low, high, found.runs)


def _samples(row: CellRow, setting: Setting) -> Reading | None:
    return _rate(row.train_samples, row)


def _gflops(row: CellRow, setting: Setting) -> Reading | None:
    return _rate(row.flops / 1e9, row)


def _share_of_peak(row: CellRow, setting: Setting) -> Reading | None:
    peak = setting.peaks.get((row.device, row.threads)) if row.replicas == 1 else None
    return _rate(row.flops / 1e7 / peak, row) if peak else None


def _of_ratio(found: Ratio) -> Reading:
    return Reading(found.value, found.low, found.high, found.runs)


def _to_fastest(row: CellRow, setting: Setting) -> Reading | None:
    beside = setting.rivals.get(held(row, but="engine"), ())
    if not row.estimate or not beside:
        return None
    fastest = min(beside, key=lambda rival: rival.estimate.seconds if rival.estimate else 0.0)
    found = ratio_to_itself(row.samples) if fastest is row else ratio(fastest.samples, row.samples)
    return _of_ratio(found)


def _speed_up(row: CellRow, setting: Setting) -> Reading | None:
    beside = setting.rivals.get(held(row, but="engine"), ())
    own = [rival for rival in beside if rival.engine == setting.baseline]
    if not row.estimate or not own:
        return None
    baseline = row if row in own else max(own, key=lambda rival: rival.newest_run_at)
    return _of_ratio(ratio_to_itself(row.samples) if baseline is row else ratio(row.samples, baseline.samples))


# ---------------------------------------------------------------- from the runs' records


def _from_records(read: Callable[[RunDetails, Setting], float | None]) -> Callable[[CellRow, Setting], Reading | None]:
    def of(row: CellRow, setting: Setting) -> Reading | None:
        values = [read(figures, setting) for figures in setting.figures.get(place(row), ())]
        return _averaged([value for value in values if value is not None])

    return of


def _averaged(values: Sequence[float]) -> Reading | None:
    if not values:
        return None
    if min(values) <= 0:
        return Reading(fmean(values), None, None, len(values))
    found = estimate(LogSamples.of(values))
    return Reading(found.seconds, found.low, found.high, found.runs)


def _time_to(figures: RunDetails, setting: Setting) -> float:
    return figures.compile_seconds + figures.first_epoch_seconds + (setting.epochs - 1) * figures.median_seconds


_TIMES = Axis({"": _("Times the fastest")}, unit="×", scale="log")
_ALL = (
    Measure("seconds", _("Seconds per epoch"), Axis({"": _("Time per epoch")}, unit="s"), _seconds),
    Measure("samples", _("Samples/s"), Axis({"": _("Samples per second")}, unit=""), _samples),
    Measure("gflops", _("GFLOP/s"), Axis({"": _("Achieved rate")}, unit="GFLOP/s"), _gflops),
    Measure("peak", _("Share of peak"), Axis({"": _("Share of the measured peak")}, unit="%"), _share_of_peak),
    Measure("relative", _("Normalised"), _TIMES, _to_fastest),
    Measure("speed-up", _("Speed-up"), Axis({"": _("Speed-up over the baseline")}, unit="×"), _speed_up),
    Measure(
        "compile",
        _("Compile time"),
        Axis({"": _("Compile time")}, unit="s"),
        _from_records(lambda figures, setting: figures.compile_seconds or None),
        reads_records=True,
    ),
    Measure(
        "first",
        _("First epoch"),
        Axis({"": _("Time of the first epoch")}, unit="s"),
        _from_records(lambda figures, setting: figures.first_epoch_seconds),
        reads_records=True,
    ),
    Measure(
        "total",
        _("Time to N epochs"),
        Axis({"": _("Time to N epochs, compile included")}, unit="s"),
        _from_records(_time_to),
        reads_records=True,
    ),
    Measure(
        "memory",
        _("Memory"),
        Axis({"": _("Peak memory")}, unit="GiB"),
        _from_records(lambda figures, setting: figures.memory_bytes / 2**30),
        reads_records=True,
    ),
    Measure(
        "accuracy",
        _("Accuracy"),
        Axis({"": _("Test accuracy")}, unit="%"),
        _from_records(lambda figures, setting: None if figures.accuracy is None else 100 * figures.accuracy),
        reads_records=True,
    ),
    Measure(
        "threads-used",
        _("Threads used"),
        Axis({"": _("Threads used, observed")}),
        _from_records(lambda figures, setting: figures.threads_observed),
        reads_records=True,
    ),
    Measure("cost", _("Cost"), Axis({"": _("Cost of 1,000 epochs")}), _cost),
    Measure(
        "energy",
        _("Energy"),
        Axis({"": _("Energy of an epoch, idle subtracted")}, unit="J"),
        _from_records(lambda figures, setting: figures.watts and figures.watts * figures.median_seconds),
        reads_records=True,
    ),
    Measure(
        "power",
        _("Power"),
        Axis({"": _("Power while training, idle subtracted")}, unit="W"),
        _from_records(lambda figures, setting: figures.watts),
        reads_records=True,
    ),
)
MEASURES: Mapping[str, Measure] = {measure.slug: measure for measure in _ALL}


@dataclass(frozen=True)
class Across:
    """What the x axis shows. `merges` are the facets that vary along a line, so that they part no series."""

    slug: str
    title: str
    axis: Axis
    of: Callable[[CellRow], float]
    merges: frozenset[str]


_ACROSS = (
    Across("width", _("Width"), WIDTH, lambda row: row.width, frozenset({"width"})),
    Across(
        "layers",
        _("Hidden layers"),
        Axis({"": _("Hidden layers")}, scale="log", fixed_ticks=True),
        lambda row: row.hidden_layers,
        frozenset({"layers"}),
    ),
    Across("threads", _("Threads"), THREADS, lambda row: row.threads, frozenset({"threads"})),
    Across(
        "flops",
        _("FLOPs"),
        Axis({"": _("GFLOP per epoch")}, scale="log"),
        lambda row: row.flops / 1e9,
        frozenset({"layers", "width"}),
    ),
    Across(
        "parameters",
        _("Parameters"),
        Axis({"": _("Parameters")}, scale="log"),
        lambda row: row.parameters,
        frozenset({"layers", "width"}),
    ),
)
ACROSS: Mapping[str, Across] = {across.slug: across for across in _ACROSS}
