"""Where one network was measured, over all experiments and machines."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Max, OuterRef, Q, Subquery

from engines.networks import ARCHITECTURES, of_type
from runs.findings.cells import CellRow
from runs.findings.your_case import Asked, Size
from runs.models import Experiment, Summary, Workload
from runs.selectors.cells import cell_rows
from runs.selectors.scopes import NOISE_PRESET
from runs.words.networks import network_place

_TRAINS = {"task": "train", "replicas": 1}
MOST_PLACES = 10
"""Where a network was measured at more, the newest."""
MOST_CELLS = 2_000
_MOST_SIZES = 500


def cells_of_case(asked: Asked) -> list[CellRow]:
    """Every cell that trains the network on the device, at the newest places, without experiments of noise."""
    if asked.size is None:
        return []
    workloads = Workload.objects.filter(**asked.size._asdict(), **_TRAINS).order_by()
    own = Summary.objects.filter(workload__in=workloads, device=asked.device)
    own = own.exclude(experiment__preset=NOISE_PRESET)
    by_place = own.order_by().values_list("experiment", "machine").annotate(latest=Max("newest_run_at"))
    places = by_place.order_by("-latest", "-experiment", "-machine")[:MOST_PLACES]
    wanted = Q()
    for experiment, machine, _latest in places:
        wanted |= Q(experiment=experiment, machine=machine)
    return cell_rows(own.filter(wanted).order_by("-newest_run_at", "-pk")[:MOST_CELLS]) if wanted else []


def measured_sizes() -> list[Size]:
    """Those that the viewer may see, a family after the other, the smallest first."""
    cells = Summary.objects.filter(workload=OuterRef("pk")).exclude(experiment__preset=NOISE_PRESET)
    # Not Exists, and in an index' order: else PostgreSQL reads every summary there is to find one of each workload.
    cells = cells.order_by("machine_id", "engine")
    measured = Workload.objects.annotate(cell=Subquery(cells.values("pk")[:1])).filter(cell__isnull=False)
    known = measured.filter(network_type__in=list(ARCHITECTURES), **_TRAINS).order_by()
    found = known.values_list("network_type", "hidden_layers", "width").distinct()[:_MOST_SIZES]
    sizes = (Size(of_type(family).type, layers, width) for family, layers, width in found)
    return sorted(sizes, key=lambda size: (network_place(size.network_type), size.hidden_layers, size.width))


def experiments_of(keys: Iterable[int]) -> dict[int, Experiment]:
    return Experiment.objects.in_bulk(list(keys))
