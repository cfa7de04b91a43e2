"""A series of an engine on a machine: which there are, and what every experiment says of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Max, QuerySet

from runs.findings.cells import CellRow
from runs.findings.history import History, Moment
from runs.findings.software import Software
from runs.models import Coverage, Experiment, Machine, RecordPart, Run, Summary, Workload
from runs.selectors.cells import Reading, read_again
from runs.selectors.environments import Known, environments
from runs.selectors.machines import region_of
from runs.selectors.scopes import NOISE_PRESET

MOST_MOMENTS = 2_000
"""Of one engine at one network on one machine, the newest."""
MOST_OFFERED = 200
MOST_TRIED = 20


Names = dict[int, tuple[str, str]]
"""Experiment -> its name and slug."""


@dataclass(frozen=True)
class Series:
    """Where a series is measured: what tells it from others of one engine, network and machine."""

    track: str
    device: str
    threads: int


def machines_with_history() -> list[Machine]:
    """Every machine with results, the one with the newest run first."""
    latest = Coverage.objects.values("machine").annotate(latest=Max("newest_run_at")).order_by("-latest", "-machine")
    keys = list(latest.values_list("machine", flat=True)[:MOST_OFFERED])
    found = Machine.objects.in_bulk(keys)
    return [found[key] for key in keys]


def engines_on(machine: Machine) -> list[str]:
    return sorted(Coverage.objects.filter(machine=machine).order_by().values_list("engine", flat=True).distinct())


def workloads_of(machine: Machine, engine: str) -> list[Workload]:
    """Those of the newest experiment in which the engine trains on this machine, with times if any has some: what is
    measured these days. Of one that is only asked, where it trains in none."""
    own = Coverage.objects.filter(machine=machine, engine=engine).exclude(experiment__preset=NOISE_PRESET)
    newest = own.order_by("-newest_run_at", "-experiment").values_list("experiment", flat=True)
    only_asked: list[Workload] = []
    for experiment in dict.fromkeys(newest[:MOST_TRIED]):
        rows = Summary.objects.filter(experiment=experiment, machine=machine, engine=engine).order_by()
        found = _in_order(rows.exclude(samples=[])) or _in_order(rows)
        if found and found[0].task == "train":
            return found
        only_asked = only_asked or found
    return only_asked


def _in_order(summaries: QuerySet[Summary]) -> list[Workload]:
    """The workload with which a page begins first: training before calls, one replica before several."""
    found = Workload.objects.filter(pk__in=summaries.values("workload"))
    return list(found.order_by(*_TRAINING_FIRST)[:MOST_OFFERED])


_TRAINING_FIRST = ("-task", "replicas", "network_type", "hidden_layers", "width", "train_samples", "pk")


def histories(machine: Machine, engine: str, workload: Workload) -> dict[Series, History]:
    """What every experiment that the viewer may see says, without those of noise: a history for each series."""
    summaries = Summary.objects.filter(machine=machine, workload=workload, engine=engine)
    newest = summaries.exclude(experiment__preset=NOISE_PRESET).order_by("-newest_run_at", "-id")[:MOST_MOMENTS]
    key, rope = (machine.pk, workload.pk, engine), region_of(machine)
    kept = _kept.get(key)
    reading = read_again(newest, kept.reading if kept else None)
    if kept and kept.reading is reading and kept.rope == rope:
        return kept.histories
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[key] = _Kept(reading, rope, _histories(reading.rows, rope))
    return _kept[key].histories


@dataclass(frozen=True)
class _Kept:
    """What the last visit read, and all that was worked out of it."""

    reading: Reading
    rope: float
    histories: dict[Series, History]


_kept: dict[tuple[int, int, str], _Kept] = {}
_MOST_KEPT = 50


def _histories(rows: Sequence[CellRow], rope: float) -> dict[Series, History]:
    moments: dict[Series, list[Moment]] = {}
    for moment in moments_from(rows):
        row = moment.row
        moments.setdefault(Series(row.track, row.device, row.threads), []).append(moment)
    order = sorted(moments, key=lambda each: (each.device, each.threads, each.track))
    return {series: History(moments[series], rope=rope) for series in order}


def _names(rows: Sequence[CellRow]) -> Names:
    named = Experiment.objects.filter(pk__in={row.experiment_id for row in rows}).order_by()
    return {key: (name, slug) for key, name, slug in named.values_list("pk", "name", "slug")}


def moments_from(rows: Sequence[CellRow]) -> list[Moment]:
    """With the experiment and the software of each."""
    known = _names(rows)
    installed = environments({row.environment_id for row in rows})
    machines, sittings = _machines(rows), _sittings(rows)
    return [
        Moment(
            row,
            row.experiment_id,
            *known[row.experiment_id],
            _software(row, installed[row.environment_id], machines.get((row.experiment_id, row.machine_id), {})),
            sittings.get(_measured(row), frozenset()),
        )
        for row in rows
    ]


def _software(row: CellRow, environment: Known, machine: Mapping[str, object]) -> Software:
    return Software(
        environment.python, environment.packages, environment.facts, row.engine_sha256, machine, environment.name
    )


Measured = tuple[int, int, int, str, str]
"""Experiment, machine, environment, engine and its code: what ran in the same sittings."""


def _measured(row: CellRow) -> Measured:
    return row.experiment_id, row.machine_id, row.environment_id, row.engine, row.engine_sha256


def _sittings(rows: Sequence[CellRow]) -> dict[Measured, frozenset[str]]:
    """Of what stands in an experiment in several environments: there alone it matters. Records say which."""
    environments_of: dict[tuple[int, int, str], set[int]] = {}
    for row in rows:
        environments_of.setdefault((row.experiment_id, row.machine_id, row.engine), set()).add(row.environment_id)
    wanted = {key for key, found in environments_of.items() if len(found) > 1}
    if not wanted:
        return {}
    runs = Run.objects.filter(
        experiment__in={key[0] for key in wanted},
        machine__in={key[1] for key in wanted},
        engine__in={key[2] for key in wanted},
        workload__in={row.workload_id for row in rows},
        seconds__isnull=False,
    ).order_by()
    found: dict[Measured, set[str]] = {}
    for *measured, body in runs.values_list(*_MEASURED, "body").iterator(1_000):
        session = json.loads(body)["placement"].get("session") or ""
        found.setdefault((measured[0], measured[1], measured[2], measured[3], measured[4]), set()).add(session)
    return {key: frozenset(sessions) for key, sessions in found.items()}


_MEASURED = ("experiment_id", "machine_id", "environment_id", "engine", "engine_sha256")


def _machines(rows: Sequence[CellRow]) -> dict[tuple[int, int], dict[str, object]]:
    """(experiment, machine) -> the machine as one of its runs had it: a kernel may change between experiments."""
    if not rows:
        return {}
    columns = {
        f"{name}__in": {getattr(row, f"{name}_id", None) or row.engine for row in rows}
        for name in ("experiment", "machine", "workload", "engine")
    }
    newest = Run.objects.filter(**columns).order_by().values_list("experiment_id", "machine_id")
    parts_of = {(one, other): part for one, other, part in newest.annotate(part=Max("machine_part")) if part}
    texts = {part.pk: json.loads(part.text) for part in RecordPart.objects.filter(pk__in=set(parts_of.values()))}
    return {key: texts[part] for key, part in parts_of.items()}
