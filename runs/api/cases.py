"""A network as a reader has it, as a document: wherever it was measured, each place with its own answer."""

from __future__ import annotations

from django.http import QueryDict

from engines.contract import Device
from runs.api import finding_documents as documents
from runs.api.findings import situation_document
from runs.findings.your_case import CASE_CHOICES, Asked, Place, Size, nearest, places, unheeded
from runs.selectors.machines import regions_of
from runs.selectors.your_case import cells_of_case, experiments_of, measured_sizes


def your_case(size: Size, device: Device, query: QueryDict) -> documents.YourCase:
    """Of `query` only what is held equal: data, batch, threads, track, options."""
    wished = {facet.name: query.getlist(facet.name) for facet in CASE_CHOICES}
    rows = cells_of_case(asked := Asked(size, device))
    found = places(rows, asked, regions_of(row.machine_id for row in rows), wished)
    slugs = {key: each.slug for key, each in experiments_of(place.experiment_id for place in found).items()}
    return documents.YourCase(
        network=size.network_type,
        layers=size.hidden_layers,
        width=size.width,
        device=device,
        is_synthetic=any(row.is_synthetic for row in rows),
        places=[_place(place, slugs[place.experiment_id], unheeded(place.answer, wished)) for place in found],
        nearest=[
            documents.MeasuredSize(layers=near.hidden_layers, width=near.width)
            for near in nearest(size, measured_sizes())
        ],
    )


def _place(place: Place, experiment: str, not_held: list[str]) -> documents.CasePlace:
    return documents.CasePlace(
        experiment=experiment,
        machine=place.machine,
        machine_id=place.machine_id,
        measured_at=place.measured_at,
        not_held=not_held,
        answer=situation_document(place.answer),
    )
