"""What follows from runs, as documents: the very answers, standings and ratios that the pages show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from django.http import QueryDict

from runs import answers, selectors, speed_ups
from runs.api import documents
from runs.cells import CellRow
from runs.claim_rows import claims_in
from runs.comparison import Standing, conditions
from runs.errors import NotFoundError
from runs.explore import exploration
from runs.noise import region_of
from runs.recommendation import Row
from runs.stats import Estimate, Ratio, scaling


def asked_scope(experiment: str | None, machine: int | None) -> selectors.Scope:
    """Raises NotFoundError where a page would show another experiment or machine instead."""
    scope = selectors.scope(experiment or "", str(machine or ""))
    if experiment and (scope.experiment is None or scope.experiment.slug != experiment):
        known = [each.slug for each in scope.experiments]
        raise NotFoundError(f"There is no experiment {experiment!r} with results.", {"known": known})
    if machine and (scope.machine is None or scope.machine.pk != machine):
        known_machines = {each.pk: each.name for each in scope.machines}
        raise NotFoundError(f"The machine {machine} has no results in this experiment.", {"known": known_machines})
    return scope


def _scope(scope: selectors.Scope, rows: Iterable[CellRow]) -> documents.Scope:
    experiment, machine = scope.experiment, scope.machine
    return documents.Scope(
        experiment=experiment.slug if experiment else None,
        machine=machine.name if machine else None,
        machine_id=machine.pk if machine else None,
        is_synthetic=any(row.is_synthetic for row in rows),
    )


def comparison(query: QueryDict) -> documents.Comparison:
    found = exploration(query)
    rows = found.picked.rows
    return documents.Comparison(
        scope=_scope(found.scope, rows),
        conditions=conditions(found.picked),
        cells=len(rows),
        standings=[_standing(standing) for standing in found.standings],
    )


def _standing(standing: Standing) -> documents.Standing:
    row = standing.row
    return documents.Standing(
        engine=row.engine,
        network=row.network_type,
        layers=row.hidden_layers,
        width=row.width,
        environment_id=row.environment_id,
        estimate=_estimate(row.estimate),
        to_fastest=_ratio(standing.ratio),
        verdict=standing.verdict or None,
        missing=None if len(row.samples) else row.missing_status,
        reason=row.reason,
    )


def _estimate(found: Estimate | None) -> documents.Estimate | None:
    if found is None:
        return None
    return documents.Estimate(seconds=found.seconds, low=found.low, high=found.high, runs=found.runs)


def _ratio(found: Ratio | None) -> documents.Ratio | None:
    return _certain(found) if found else None


def _certain(found: Ratio) -> documents.Ratio:
    return documents.Ratio(value=found.value, low=found.low, high=found.high, runs=found.runs)


def speed_up_document(scope: selectors.Scope) -> documents.SpeedUps:
    rows = selectors.cells_of(scope)
    found: list[documents.SpeedUp] = []
    for network, values in selectors.published_speed_ups().items():
        published = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in values}
        measured = speed_ups.measured_speed_ups(rows, network)
        keys = dict.fromkeys([*published, *measured])
        found += [_speed_up(network, key, published.get(key), measured.get(key)) for key in keys]
    return documents.SpeedUps(scope=_scope(scope, rows), speed_ups=found)


def _speed_up(
    network: str, key: speed_ups.Key, published: float | None, measured: speed_ups.Measured | None
) -> documents.SpeedUp:
    engine, layers, width = key
    return documents.SpeedUp(
        network=network,
        engine=engine,
        layers=layers,
        width=width,
        published=published,
        measured=_ratio(measured.ratio) if measured else None,
        data=measured.data if measured else None,
    )


def scaling_document(scope: selectors.Scope) -> documents.Scaling:
    """CPU cells that differ in nothing but threads."""
    rows = selectors.cells_of(scope)
    groups: dict[tuple[object, ...], list[CellRow]] = {}
    for row in rows:
        if row.device == "cpu" and len(row.samples):
            groups.setdefault((row.engine, row.track, row.network, row.data_key, row.environment_id), []).append(row)
    found = [each for own in groups.values() if (each := _scaling(own))]
    return documents.Scaling(scope=_scope(scope, rows), scaling=found)


def _scaling(rows: Sequence[CellRow]) -> documents.ScalingOf | None:
    points = scaling({row.threads: row.samples for row in rows})
    if len(points) < 2:
        return None
    first = rows[0]
    return documents.ScalingOf(
        engine=first.engine,
        track=first.track,
        network=first.network_type,
        layers=first.hidden_layers,
        width=first.width,
        data=first.data_label,
        environment_id=first.environment_id,
        points=[
            documents.ScalingPoint(
                threads=point.threads,
                speed_up=_certain(point.speed_up),
                efficiency=_certain(point.efficiency),
            )
            for point in points
        ],
    )


def recommendation(scope: selectors.Scope) -> documents.Recommendation:
    rows = selectors.cells_of(scope)
    found = answers.answers(rows, selectors.published_recommendations(), rope=region_of(scope.machine))
    return documents.Recommendation(scope=_scope(scope, rows), situations=[_situation(answer) for answer in found])


def _situation(answer: answers.Answer) -> documents.Situation:
    found = answer.found
    return documents.Situation(
        situation=answer.slug,
        network=found.situation.network_type,
        device=found.situation.device,
        published=list(answer.published),
        preferred=found.preferred,
        not_slower=list(found.not_slower) if found.is_resolved else [],
        reason=found.reason,
        basis=answer.basis,
        candidates=[_candidate(row) for row in found.rows],
    )


def _candidate(row: Row) -> documents.Candidate:
    return documents.Candidate(
        engine=row.engine,
        verdict=row.verdict,
        to_best=_ratio(row.ratio),
        missing=row.missing.status if row.missing else None,
        reason=row.missing.reason if row.missing else "",
    )


def claims(scope: selectors.Scope) -> documents.Claims:
    rows = selectors.cells_of(scope)
    return documents.Claims(
        scope=_scope(scope, rows),
        claims=[
            {
                "id": claim.id,
                "statement": claim.statement,
                "verdict": claim.verdict,
                "notes": list(claim.notes),
                "answers": dict(claim.answers),
                "missing": [asdict(missing) for missing in claim.missing],
            }
            for claim in claims_in(scope)
        ],
    )
