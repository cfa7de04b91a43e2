"""What to look for changes in: the series of a machine, and its canary; and the changes that were found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime
from math import log
from typing import Any

from django.db.models import QuerySet
from pydantic_core import from_json

from engines.contract import content_hash
from runs.findings.changes import CanaryOf, Found, SeriesKey, found_in
from runs.findings.history import History, Moment
from runs.models import Change, Coverage, Machine, Run, Summary
from runs.selectors.cells import cell_rows
from runs.selectors.history import moments_from
from runs.selectors.machines import region_of
from runs.selectors.scopes import NOISE_PRESET
from runs.services.changes import Seen, SeriesValues
from runs.stats import LogSamples

_CANARY_RUNS = 40


def machines_to_look_at() -> list[Machine]:
    """Those with public results, by name."""
    covered = Coverage.objects.filter(experiment__is_private=False).order_by().values("machine")
    return list(Machine.objects.filter(pk__in=covered).order_by("name"))


def histories_on(machine: Machine) -> dict[SeriesKey, History]:
    """Every series of the machine in public experiments, without those of noise.

    Private experiments are their owners' alone: what is told to everybody must not rest on them.
    """
    own = Summary.objects.filter(machine=machine, experiment__is_private=False).exclude(experiment__preset=NOISE_PRESET)
    rope = region_of(machine)
    workloads = sorted(own.order_by().values_list("workload", flat=True).distinct())
    return {
        key: History(moments, rope=rope)
        for workload in workloads
        for key, moments in _moments(own.filter(workload=workload)).items()
    }


def _moments(summaries: QuerySet[Summary]) -> dict[SeriesKey, list[Moment]]:
    ordered = summaries.order_by("newest_run_at", "id")
    found: dict[SeriesKey, list[Moment]] = {}
    for moment in moments_from(cell_rows(ordered)):
        row = moment.row
        key = SeriesKey(row.machine_id, row.workload_id, row.engine, row.track, row.device, row.threads)
        found.setdefault(key, []).append(moment)
    return found


def canary_on(machine: Machine) -> CanaryOf:
    """How long the machine's fixed piece of work took around an experiment's runs, looked up once for each."""
    known: dict[tuple[int, int], LogSamples | None] = {}

    def canary(moment: Moment) -> LogSamples | None:
        if moment.row.device != "cpu":
            return None
        key = moment.experiment_id, moment.row.threads
        if key not in known:
            known[key] = _canary_times(machine, *key)
        return known[key]

    return canary


def _canary_times(machine: Machine, experiment: int, threads: int) -> LogSamples | None:
    """One for each canary: a block's runs share theirs."""
    runs = Run.objects.filter(experiment=experiment, machine=machine, device="cpu", threads=threads, status="finished")
    bodies = runs.order_by("-finished_at", "-id").values_list("body", flat=True)[:_CANARY_RUNS]
    rates = {rate for body in bodies for rate in _rates(from_json(body).get("conditions") or {})}
    return LogSamples(tuple(-log(rate) for rate in sorted(rates))) if len(rates) >= 2 else None


def _rates(conditions: dict[str, object]) -> Iterable[float]:
    for name in ("canary_gflops", "canary_after_gflops"):
        rate = conditions.get(name)
        if isinstance(rate, (int, float)) and rate > 0:
            yield float(rate)


# ---------------------------------------------------------------- what to keep of them


def seen(found: Found) -> Seen:
    """A finding as the services keep it."""
    transition, key = found.transition, found.key
    series = astuple(key)
    if found.kind == "release":
        identity = content_hash("release", series, transition.before.release, transition.after.release)
    else:
        whose = (key.machine_id, key.device, key.threads) if found.kind == "machine" else series
        identity = content_hash(found.kind, whose, found.is_slower, transition.after.experiment_id)
    members = tuple(astuple(each) for each in found.members)
    return Seen(found.kind, identity, series, _columns_of(found), found.is_slower, found.stands, found.nearby, members)


def _columns_of(found: Found) -> dict[str, Any]:
    key, transition = found.key, found.transition
    of_series = {"workload_id": key.workload_id, "engine": key.engine, "track": key.track}
    nothing: dict[str, Any] = {"workload_id": None, "engine": "", "track": ""}
    return {
        **(nothing if found.kind == "machine" else of_series),
        "machine_id": key.machine_id,
        "device": key.device,
        "threads": key.threads,
        "experiment_id": transition.after.experiment_id,
        "before_experiment_id": transition.before.experiment_id,
        "before_release": transition.before.release,
        "after_release": transition.after.release,
        "before_at": transition.before.at,
        "after_at": transition.after.at,
        "ratio": transition.ratio.value,
        "low": transition.ratio.low,
        "high": transition.ratio.high,
        "p": found.p,
        "runs_before": transition.runs_before,
        "runs_after": transition.runs_after,
        "series": len(found.members) or 1,
        "changed": [str(each) for each in transition.changed],
    }


def look(machine: Machine) -> tuple[list[SeriesValues], list[Seen]]:
    """The series that were looked at, and what was found in them."""
    histories = histories_on(machine)
    found = found_in(histories, canary_on(machine))
    return [astuple(key) for key in histories], [seen(each) for each in found]


# ---------------------------------------------------------------- those that were found


def found_changes() -> QuerySet[Change]:
    """That the viewer may see, the newest first, with what they name."""
    return Change.objects.select_related("machine", "workload", "experiment", "before_experiment", "acknowledged_by")


def open_regressions(*, engine: str = "", since: datetime | None = None) -> list[Change]:
    """What got slower, still stands, and nobody has acknowledged."""
    found = found_changes().filter(ratio__gt=1, gone_at__isnull=True, acknowledged_at__isnull=True)
    found = found.filter(engine=engine) if engine else found
    return list(found.filter(after_at__gte=since) if since else found)


LATEST = 5


def latest_changes() -> list[Change]:
    """For the home page: the newest that stand."""
    return list(found_changes().filter(gone_at__isnull=True)[:LATEST])
