"""A machine's state: its measured peaks, its newest runs' canaries, its A/A noise and the region that verdicts use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max
from pydantic_core import from_json

from runs.models import Machine, Run, Summary
from runs.selectors.scopes import NOISE_PRESET, Scope
from runs.stats import EQUIVALENCE, LogSamples, equivalence_region, noise_floor


def noise_of(machine: Machine) -> float | None:
    """The ratio, minus 1, that the machine against itself stays under 95 % of the time; None if never measured.

    The newest noise experiment counts: a quieter place, or a noisier one, is another noise.
    """
    rows = Summary.objects.filter(machine=machine, experiment__preset=NOISE_PRESET).order_by("-newest_run_at", "-pk")
    newest = rows.first()
    if newest is None:
        return None
    pairs = [_halves(row.samples) for row in rows.filter(experiment=newest.experiment_id)]
    return noise_floor([pair for pair in pairs if len(pair[0])])


def region_of(*machines: Machine | None) -> float:
    """The `rope` of verdicts on these machines: 5 %, or the noise of the noisiest if that is larger."""
    distinct = {machine.pk: machine for machine in machines if machine}
    return max((equivalence_region(noise_of(machine)) for machine in distinct.values()), default=EQUIVALENCE)


def regions_of(machines: Iterable[int]) -> dict[int, float]:
    """The region of each of several machines, by primary key: two queries for all of them."""
    keys = set(machines)
    noise = Summary.objects.filter(machine__in=keys, experiment__preset=NOISE_PRESET).order_by()
    places = noise.values_list("machine", "experiment").annotate(latest=Max("newest_run_at"))
    newest = {machine: experiment for machine, experiment, _latest in places.order_by("latest", "experiment")}
    pairs: dict[int, list[tuple[LogSamples, LogSamples]]] = {key: [] for key in newest}
    rows = noise.filter(experiment__in=set(newest.values())).values_list("machine", "experiment", "samples")
    for machine, experiment, samples in rows if newest else ():
        if newest[machine] == experiment:
            pairs[machine].append(_halves(samples))
    measured = {key: noise_floor([pair for pair in own if len(pair[0])]) for key, own in pairs.items()}
    return {key: equivalence_region(measured.get(key)) for key in keys}


def _halves(samples: Sequence[Sequence[float]]) -> tuple[LogSamples, LogSamples]:
    """Blocks 0 and 1 are a pair of the same, 2 and 3 the next: the firsts against the seconds."""
    by_block = {int(block): log_seconds for block, log_seconds in samples}
    whole = sorted(block // 2 for block in by_block if block % 2 == 0 and block + 1 in by_block)
    return _side(by_block, whole, 0), _side(by_block, whole, 1)


def _side(by_block: dict[int, float], pairs: Iterable[int], second: int) -> LogSamples:
    numbers = tuple(pairs)
    return LogSamples(tuple(by_block[2 * pair + second] for pair in numbers), numbers)


@dataclass(frozen=True)
class Price:
    """Of an hour."""

    amount: float
    currency: str


def prices(machines: Iterable[int]) -> dict[int, Price]:
    """What an hour of each costs, of those whose user said so."""
    known = Machine.objects.filter(pk__in=set(machines), hourly_price__isnull=False).order_by()
    rows = known.values_list("pk", "hourly_price", "currency")
    return {key: Price(float(price), currency) for key, price, currency in rows if price is not None}


STABILITY_RUNS = 200


def measured_peaks(scope: Scope) -> dict[tuple[str, int], float]:
    """The machine's measured GFLOP/s by device and threads, as its newest run of each had it."""
    if scope.experiment is None or scope.machine is None:
        return {}
    runs = Run.objects.filter(experiment=scope.experiment, machine=scope.machine, status="finished")
    newest = runs.order_by().values("device", "threads").annotate(newest=Max("pk")).values("newest")
    rows = Run.objects.filter(pk__in=newest).order_by().values_list("device", "threads", "body")
    peaks = {(device, threads): _conditions(body).get("peak_gflops") for device, threads, body in rows}
    return {key: peak for key, peak in peaks.items() if peak}


def _conditions(body: str) -> Mapping[str, Any]:
    return from_json(body).get("conditions") or {}


@dataclass(frozen=True)
class Health:
    """The machine's state around one run: the canary's rate, and why its block is unstable if it is."""

    run_id: str
    finished_at: datetime
    threads: int
    gflops: float | None
    unstable: tuple[str, ...]


def health_of(machine: Machine) -> list[Health]:
    """Of the machine's newest runs, the oldest first."""
    runs = Run.objects.filter(machine=machine).order_by("-finished_at", "-pk")
    rows = runs.values_list("run_id", "finished_at", "threads", "body")[:STABILITY_RUNS]
    return [_health(str(run_id), when, threads, _conditions(body)) for run_id, when, threads, body in reversed(rows)]


def _health(run_id: str, when: datetime, threads: int, conditions: Mapping[str, Any]) -> Health:
    return Health(run_id, when, threads, conditions.get("canary_gflops"), tuple(conditions.get("unstable") or ()))
