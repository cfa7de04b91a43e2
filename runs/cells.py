"""The cells that a comparison compares, and the picking of some of them by facets. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from engines.contract import Equivalence, Network, NetworkType, content_hash
from engines.registry import ENGINES
from runs import formats
from runs.cell_words import data_words, engine_title, missing_words
from runs.charts.style import NOMENCLATURE_LAYERS
from runs.recommendation import MissingStatus
from runs.stats import Estimate, LogSamples, estimate

MISSING_ORDER: tuple[MissingStatus, ...] = (
    "not_equivalent",
    "out_of_memory",
    "timed_out",
    "crashed",
    "diverged",
    "unsupported",
    "excluded",
)


def engine_place(slug: str) -> tuple[int, str]:
    """The registry's order; engines that it does not know come last."""
    known = list(ENGINES)
    return (known.index(slug) if slug in known else len(known), slug)


@dataclass(frozen=True)
class CellRow:
    """One summary, with what names its cell."""

    engine: str
    track: str
    device: str
    threads: int
    network_type: NetworkType
    hidden_layers: int
    width: int
    dataset: str
    data_source: str
    data_sha256: str
    train_samples: int
    training: str
    """Batch size and optimizer, in words."""
    flops_per_epoch: int
    environment_id: int
    environment: str
    samples: LogSamples
    newest_run_at: datetime
    status_counts: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    workload_id: int = 0
    parameters: int = 0
    machine: str = ""
    machine_id: int = 0
    engine_sha256: str = ""
    """The engine's own code: a changed adapter is another cell."""
    release: str = ""
    """The framework's version, and its backend's: what a CPU build and a GPU build have in common."""
    equivalence: Equivalence = "unverified"
    """The gate's newest word on this engine, track and code. Where it is `failed`, `samples` is empty."""
    withheld: LogSamples = LogSamples(())
    """Times that count nowhere, since the gate failed: shown, struck through."""

    @property
    def network(self) -> Network:
        return Network(self.network_type, self.hidden_layers, self.width)

    @property
    def is_synthetic(self) -> bool:
        return self.data_source == "synthetic"

    @property
    def data_label(self) -> str:
        return data_words(self.dataset, self.train_samples, is_synthetic=self.is_synthetic)

    @cached_property
    def data_key(self) -> str:
        """Readable, and different wherever data or training differ."""
        rest = content_hash([self.data_source, self.data_sha256, self.training])[:8]
        return f"{self.dataset}-{self.train_samples}-{rest}"

    @cached_property
    def estimate(self) -> Estimate | None:
        return estimate(self.samples) if len(self.samples) else None

    @property
    def missing_status(self) -> MissingStatus:
        """Why there is no time; of several reasons, the one that says most."""
        return next((status for status in MISSING_ORDER if self.status_counts.get(status)), "not_run")

    @property
    def missing(self) -> str:
        """The words for why there is no time; empty if there is one."""
        return "" if len(self.samples) else missing_words(self.missing_status)

    @property
    def outcome(self) -> MissingStatus:
        """`finished` where there is a time, else why there is none."""
        return "finished" if len(self.samples) else self.missing_status

    @property
    def runs_in_all(self) -> int:
        return sum(self.status_counts.values())


@dataclass(frozen=True)
class Facet:
    """One way to narrow the cells. `falls_back`: a wish that fits no cell is dropped rather than obeyed."""

    name: str
    title: str
    value: Callable[[CellRow], str]
    label: Callable[[CellRow], str]
    order: Callable[[CellRow], tuple[int | str, ...]]
    multiple: bool = False
    falls_back: bool = True
    starts_with_one: bool = False
    """Several can be picked, but the richest alone is to begin with."""
    default: Callable[[Sequence[CellRow]], set[str]] | None = None
    """What is picked when nothing is asked for; the richest choice (all, where several can be) if None."""


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True)
class FacetState:
    name: str
    title: str
    multiple: bool
    choices: tuple[Choice, ...]

    @property
    def shows_all(self) -> bool:
        return all(choice.selected for choice in self.choices)

    @property
    def selected_labels(self) -> list[str]:
        return [choice.label for choice in self.choices if choice.selected]


@dataclass(frozen=True)
class Picked:
    rows: tuple[CellRow, ...]
    facets: tuple[FacetState, ...]

    @property
    def is_synthetic(self) -> bool:
        return any(row.is_synthetic for row in self.rows)

    @property
    def network_type(self) -> NetworkType | None:
        return self.rows[0].network_type if self.rows else None


def _engine_order(row: CellRow) -> tuple[int | str, ...]:
    return engine_place(row.engine)


def _nomenclature_layers(rows: Sequence[CellRow]) -> set[str]:
    drawn = {str(row.hidden_layers) for row in rows if row.hidden_layers in NOMENCLATURE_LAYERS[row.network_type]}
    return drawn or {str(row.hidden_layers) for row in rows}


def _newest_environment_of_each_engine(rows: Sequence[CellRow]) -> set[str]:
    newest: dict[str, CellRow] = {}
    for row in rows:
        if row.engine not in newest or row.newest_run_at > newest[row.engine].newest_run_at:
            newest[row.engine] = row
    return {str(row.environment_id) for row in newest.values()}


def _status_order(row: CellRow) -> tuple[int | str, ...]:
    return (row.outcome != "finished", row.outcome)


FACETS: tuple[Facet, ...] = (
    Facet(
        "network",
        _("Network"),
        value=lambda row: row.network_type,
        label=lambda row: row.network_type.upper(),
        order=lambda row: (row.network_type != "mlp",),
    ),
    Facet(
        "data",
        _("Data set"),
        value=lambda row: row.data_key,
        label=lambda row: f"{row.data_label}, {row.training}",
        order=lambda row: (row.dataset, row.is_synthetic, row.train_samples),
    ),
    Facet(
        "device",
        _("Device"),
        value=lambda row: row.device,
        label=lambda row: row.device.upper(),
        order=lambda row: (row.device,),
        multiple=True,
        starts_with_one=True,
    ),
    Facet(
        "threads",
        _("CPU threads"),
        value=lambda row: str(row.threads),
        label=lambda row: formats.count(row.threads),
        order=lambda row: (row.threads,),
        multiple=True,
        starts_with_one=True,
    ),
    Facet(
        "track",
        _("Track"),
        value=lambda row: row.track,
        label=lambda row: gettext(row.track),
        order=lambda row: (row.track,),
        multiple=True,
        starts_with_one=True,
    ),
    Facet(
        "engine",
        _("Engine"),
        value=lambda row: row.engine,
        label=lambda row: engine_title(row.engine),
        order=_engine_order,
        multiple=True,
        falls_back=False,
    ),
    Facet(
        "layers",
        _("Hidden layers"),
        value=lambda row: str(row.hidden_layers),
        label=lambda row: formats.count(row.hidden_layers),
        order=lambda row: (row.hidden_layers,),
        multiple=True,
        default=_nomenclature_layers,
    ),
    Facet(
        "width",
        _("Width"),
        value=lambda row: str(row.width),
        label=lambda row: formats.count(row.width),
        order=lambda row: (row.width,),
        multiple=True,
    ),
    Facet(
        "environment",
        _("Environment"),
        value=lambda row: str(row.environment_id),
        label=lambda row: row.environment,
        order=lambda row: (row.environment, row.environment_id),
        multiple=True,
        default=_newest_environment_of_each_engine,
    ),
    Facet(
        "status",
        _("Status"),
        value=lambda row: row.outcome,
        label=lambda row: missing_words(row.outcome),
        order=_status_order,
        multiple=True,
    ),
)
FACETS_BY_NAME = {facet.name: facet for facet in FACETS}


def pick(rows: Iterable[CellRow], wished: Mapping[str, Sequence[str]], facets: Sequence[Facet] = FACETS) -> Picked:
    """Narrow the rows facet by facet; each offers what the ones before it have left."""
    left = tuple(rows)
    states = []
    for facet in facets:
        selected = _selected(facet, left, wished.get(facet.name, ()))
        states.append(_state(facet, left, selected))
        left = tuple(row for row in left if facet.value(row) in selected)
    return Picked(left, tuple(states))


def _selected(facet: Facet, rows: Sequence[CellRow], wished: Sequence[str]) -> set[str]:
    offered = {facet.value(row) for row in rows}
    fitting = [value for value in wished if value in offered]
    if fitting or (wished and not facet.falls_back):
        return set(fitting if facet.multiple else fitting[:1])
    if facet.default:
        return facet.default(rows)
    return offered if facet.multiple and not facet.starts_with_one else _richest(facet, rows)


def _richest(facet: Facet, rows: Sequence[CellRow]) -> set[str]:
    """The value with most finished cells, then most cells, then first in order."""

    def weight(value: str) -> tuple[int, int]:
        own = [row for row in rows if facet.value(row) == value]
        return sum(1 for row in own if not row.missing), len(own)

    values = [choice.value for choice in _state(facet, rows, set()).choices]
    return {max(values, key=weight)} if values else set()


def _state(facet: Facet, rows: Sequence[CellRow], selected: set[str]) -> FacetState:
    by_value: dict[str, list[CellRow]] = {}
    for row in sorted(rows, key=facet.order):
        by_value.setdefault(facet.value(row), []).append(row)
    choices = (Choice(value, facet.label(own[0]), len(own), value in selected) for value, own in by_value.items())
    return FacetState(facet.name, gettext(facet.title), facet.multiple, tuple(choices))
