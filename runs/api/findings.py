"""What follows from runs, as documents: the very answers, standings and ratios that the pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.http import QueryDict

from engines.contract import Task
from runs.api import finding_documents as documents
from runs.errors import NotFoundError
from runs.findings.alike import HELD_NAMES, held_values
from runs.findings.cells import CellRow
from runs.findings.data_effect import OnData, flops_per_sample
from runs.findings.facets import FacetState
from runs.findings.hardware import Standing as OnPlace
from runs.findings.inference import answering
from runs.findings.recommendation import Row
from runs.findings.replication import KINDS, ReplicaLine, Replication, replica_lines
from runs.findings.scaling import Line, differing, lines
from runs.findings.situations import CHOICES, Answer, Wishes, answers
from runs.findings.speed_ups import Key, Measured
from runs.findings.standings import Standing
from runs.pages.data_effect import asked_data
from runs.pages.explore import exploration
from runs.pages.hardware import HardwarePage, asked_hardware
from runs.pages.inference import asked_inference
from runs.pages.parts.comparison import conditions
from runs.pages.parts.measures import COSTED_EPOCHS
from runs.pages.speed_ups import found_speed_ups
from runs.selectors import scopes
from runs.selectors.cells import cells_of
from runs.selectors.machines import region_of
from runs.selectors.scopes import Scope
from runs.selectors.study import claims_in, published_recommendations, published_speed_ups
from runs.stats import Estimate, Ratio


def asked_scope(
    experiment: str | None, machine: int | None, gpu_machine: int | None = None, *, task: Task = "train"
) -> Scope:
    """Raises NotFoundError where a page would show another experiment or machine instead."""
    scope = scopes.scope(experiment or "", str(machine or ""), str(gpu_machine or ""), task=task)
    if experiment and (scope.experiment is None or scope.experiment.slug != experiment):
        known = [each.slug for each in scope.experiments]
        raise NotFoundError(f"There is no experiment {experiment!r} with results.", {"known": known})
    known_machines = {each.pk: each.name for each in scope.machines}
    for wanted in (machine, gpu_machine):
        if wanted and wanted not in known_machines:
            raise NotFoundError(f"The machine {wanted} has no results in this experiment.", {"known": known_machines})
    return scope


def _scope(scope: Scope, rows: Iterable[CellRow]) -> documents.Scope:
    experiment, machine = scope.experiment, scope.machine
    return documents.Scope(
        experiment=experiment.slug if experiment else None,
        machine=machine.name if machine else None,
        machine_id=machine.pk if machine else None,
        gpu_machine=scope.gpu_machine.name if scope.gpu_machine else None,
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
        **_named(row),
        estimate=_estimate(row.estimate),
        to_fastest=_ratio(standing.ratio),
        verdict=standing.verdict or None,
        missing=None if len(row.samples) else row.missing_status,
        reason=row.reason,
    )


def _estimate(found: Estimate | None) -> documents.Estimate | None:
    if found is None:
        return None
    return documents.Estimate(
        seconds=found.seconds, low=found.low, high=found.high, runs=found.runs, stalled=found.stalled
    )


def _ratio(found: Ratio | None) -> documents.Ratio | None:
    return _certain(found) if found else None


def _certain(found: Ratio) -> documents.Ratio:
    return documents.Ratio(value=found.value, low=found.low, high=found.high, runs=found.runs, stalled=found.stalled)


def _named(row: CellRow) -> dict[str, Any]:
    """The fields of an `OfCell`."""
    return {
        "engine": row.engine,
        "network": row.network_type,
        "layers": row.hidden_layers,
        "width": row.width,
        "environment_id": row.environment_id,
        "held": _held(row),
    }


def _held(row: CellRow) -> documents.Held:
    named: dict[str, Any] = dict(zip(HELD_NAMES, held_values(row), strict=True))
    return documents.Held(
        **named,
        machine_id=row.machine_id,
        environment_id=row.environment_id,
        track=row.track,
        device=row.device,
        threads=row.threads,
    )


def speed_up_document(scope: Scope, query: QueryDict) -> documents.SpeedUps:
    """Every pair that is alike, with what it holds equal; published values alone where none was measured."""
    found = found_speed_ups(scope, query)
    entries: list[documents.SpeedUp] = []
    tables = published_speed_ups()
    for network, speed_ups in found.by_network.items():
        values = tables.get(network, [])
        published = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in values}
        chosen = set(map(id, speed_ups.chosen.values()))
        entries += [_speed_up(network, each.key, published, each, id(each) in chosen) for each in speed_ups.pairs]
        measured = {each.key for each in speed_ups.pairs}
        entries += [_speed_up(network, key, published) for key in published if key not in measured]
    rows = [each.after for each in found.pairs]
    return documents.SpeedUps(scope=_scope(found.scope, rows), speed_ups=entries, not_compared=found.differing)


def _speed_up(
    network: str,
    key: Key,
    published: Mapping[Key, float],
    measured: Measured | None = None,
    is_chosen: bool = False,
) -> documents.SpeedUp:
    engine, layers, width = key
    return documents.SpeedUp(
        network=network,
        engine=engine,
        layers=layers,
        width=width,
        published=published.get(key),
        measured=_ratio(measured.ratio) if measured else None,
        data=measured.after.data_label if measured else None,
        cpu=_held(measured.before) if measured else None,
        gpu=_held(measured.after) if measured else None,
        is_chosen=is_chosen,
    )


def _line(row: CellRow) -> dict[str, Any]:
    """The fields of a `Line`, by any of its cells."""
    return {
        "engine": row.engine,
        "track": row.track,
        "network": row.network_type,
        "layers": row.hidden_layers,
        "width": row.width,
        "data": row.data_label,
    }


def scaling_document(scope: Scope, query: QueryDict) -> documents.Scaling:
    """CPU cells that differ in nothing but threads."""
    rows = cells_of(scope)
    found = [_scaling(line) for line in lines(rows) if len(line.scaling) > 1]
    return documents.Scaling(scope=_scope(scope, rows), scaling=found, not_compared=differing(rows))


def _scaling(line: Line) -> documents.ScalingOf:
    row = line.row
    return documents.ScalingOf(
        **_line(row),
        environment_id=row.environment_id,
        held=_held(row),
        points=[
            documents.ScalingPoint(
                threads=point.threads,
                speed_up=_certain(point.speed_up),
                efficiency=_certain(point.efficiency),
            )
            for point in line.scaling.values()
        ],
    )


def replication_document(scope: Scope, query: QueryDict) -> documents.Replication:
    """Every line of replicas that differ in nothing else, but for the batch that they share in weak scaling."""
    rows = cells_of(scope)
    found = [_replication(line) for kind in KINDS for line in replica_lines(rows, kind)]
    not_compared = Replication(rows, {}).differing
    return documents.Replication(scope=_scope(scope, rows), replication=found, not_compared=not_compared)


def _replication(line: ReplicaLine) -> documents.ReplicationOf:
    row = line.one
    return documents.ReplicationOf(
        **_line(row),
        scaling=line.kind,
        points=[
            documents.ReplicaPoint(
                replicas=n,
                speed_up=_certain(point.speed_up),
                efficiency=_certain(point.efficiency),
                held=_held(line.cells[n]),
            )
            for n, point in line.scaling.items()
        ],
    )


def inference(scope: Scope, query: QueryDict) -> documents.Inference:
    """Raises NotFoundError where what is asked for was not measured: a page would show something else instead."""
    page = asked_inference(query, scope)
    found = page.found
    _check_choices(found.picked.facets, found.wished)
    return documents.Inference(
        scope=_scope(page.scope, found.picked.rows),
        conditions=found.picked.conditions,
        choices=[_choice(facet) for facet in found.picked.facets],
        calls=[_calls(standing, found.front.get(id(standing.row))) for standing in found.standings],
        trained_in=page.trained_in.slug if page.trained_in else None,
        trained=[_standing(standing) for standing in page.trained.standings] if page.trained else [],
        not_compared=list(found.differing),
    )


def _calls(standing: Standing, front: str | None) -> documents.Calls:
    row = standing.row
    found = answering(row)
    rate = found.rate if found else None
    return documents.Calls(
        **_named(row),
        call=_estimate(found.call if found else None),
        tail=_estimate(found.tail if found else None),
        samples_per_second=documents.Rate(**asdict(rate)) if rate else None,
        to_fastest=_ratio(standing.ratio),
        verdict=standing.verdict or None,
        front=front,
        missing=None if len(row.samples) else row.missing_status,
        reason=row.reason,
    )


def data_sets(scope: Scope, query: QueryDict) -> documents.DataSets:
    """Raises NotFoundError where what is asked for was not measured: a page would show something else instead."""
    page = asked_data(query, scope)
    found = page.found
    _check_choices(found.picked.facets, found.wished)
    by_cell = {id(each.row): each for line in found.lines for each in line}
    cells = [_on_data(by_cell[id(standing.row)], standing) for group in found.standings.values() for standing in group]
    return documents.DataSets(
        scope=_scope(scope, found.picked.rows),
        conditions=found.picked.conditions,
        choices=[_choice(facet) for facet in found.picked.facets],
        reference=page.reference or None,
        answer=found.answer if cells else None,
        cells=[cell for cell in cells if cell],
        not_compared=list(found.not_compared),
    )


def _on_data(each: OnData, standing: Standing) -> documents.OnData | None:
    row, per_sample = each.row, _estimate(each.per_sample)
    if per_sample is None or standing.ratio is None:
        return None
    return documents.OnData(
        **_named(row),
        data=row.data_label,
        flops_per_sample=flops_per_sample(row),
        per_sample=per_sample,
        sample_ratio=_ratio(each.sample_ratio),
        flop_ratio=_ratio(each.flop_ratio),
        to_fastest=_certain(standing.ratio),
        verdict=standing.verdict,
    )


def hardware(scope: Scope, query: QueryDict) -> documents.Hardware:
    """Raises NotFoundError where what is asked for was not measured: a page would show something else instead."""
    page = asked_hardware(query, scope)
    found = page.found
    _check_choices(found.picked.facets, found.wished)
    return documents.Hardware(
        scope=_scope(scope, found.rows),
        conditions=found.picked.conditions,
        choices=[_choice(facet) for facet in found.picked.facets],
        engines=found.engines,
        places=[_on_hardware(page, each) for each in found.standings],
        networks=[
            documents.BestHardware(fastest=_on_hardware(page, best.first), next=_on_hardware(page, best.other))
            for best in found.bests
        ],
    )


def _on_hardware(page: HardwarePage, standing: OnPlace) -> documents.OnHardware:
    row, seconds = standing.row, _estimate(standing.row.estimate)
    assert seconds, "only what has a time is compared"
    cost = page.found.cost(row, COSTED_EPOCHS)
    return documents.OnHardware(
        **_named(row),
        track=row.track,
        device=row.device,
        threads=row.threads,
        seconds=seconds,
        to_fastest=_certain(standing.ratio),
        verdict=standing.verdict,
        cost=cost,
        currency=None if cost is None else page.prices[row.machine_id].currency,
    )


def recommendation(scope: Scope, query: QueryDict) -> documents.Recommendation:
    """Raises NotFoundError where what is asked for fits no answer: a page would show another one instead."""
    rows = cells_of(scope)
    rope = region_of(*scope.measured_on)
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    found = answers(rows, published_recommendations(), rope=rope, wished=wished)
    _check_choices([facet for answer in found for facet in answer.facets], wished)
    return documents.Recommendation(
        scope=_scope(scope, rows), situations=[situation_document(answer) for answer in found]
    )


def _check_choices(facets: Sequence[FacetState], wished: Wishes) -> None:
    for name, values in wished.items():
        states = [facet for facet in facets if facet.name == name]
        known = {choice.value: choice.label for facet in states for choice in facet.choices}
        for value in values:
            if value not in known:
                raise NotFoundError(f"No answer has the {name} {value!r}.", {"field": name, "known": known})


def situation_document(answer: Answer) -> documents.Situation:
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
        choices=[_choice(facet) for facet in answer.facets],
        notes=answer.verdict_notes,
        candidates=[_candidate(row, answer.cells.get(row.engine)) for row in found.rows],
    )


def _choice(facet: FacetState) -> documents.ChoiceOf:
    values = [documents.Choice(value=each.value, label=each.label, is_held=each.selected) for each in facet.choices]
    return documents.ChoiceOf(name=facet.name, values=values)


def _candidate(row: Row, cell: CellRow | None) -> documents.Candidate:
    return documents.Candidate(
        engine=row.engine,
        verdict=row.verdict,
        to_best=_ratio(row.ratio),
        missing=row.missing.status if row.missing else None,
        reason=row.missing.reason if row.missing else "",
        held=_held(cell) if cell else None,
    )


def claims(scope: Scope, query: QueryDict) -> documents.Claims:
    rows = cells_of(scope)
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
