"""The ways to narrow the cells of a comparison, and the picking by them. Pure; no ORM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from engines.contract import Network, NetworkType
from engines.networks import of_type
from runs.findings.cells import CellRow
from runs.words import numbers
from runs.words.cells import missing_words, threads_words
from runs.words.engines import engine_place, engine_title
from runs.words.networks import named, network_place, network_title
from runs.words.releases import release_key, release_title


@dataclass(frozen=True)
class Facet:
    """One way to narrow the cells. `falls_back`: a wish that fits no cell is dropped rather than obeyed."""

    name: str
    title: str
    value: Callable[[CellRow], str]
    label: Callable[[CellRow], str]
    order: Callable[[CellRow], tuple[Any, ...]]
    multiple: bool = False
    falls_back: bool = True
    told_apart_by: Callable[[CellRow], str] | None = None
    """What follows the label where two choices have the same."""
    starts_with_one: bool = False
    """Several can be picked, but the richest alone is to begin with."""
    begins_with: Callable[[CellRow], bool] = lambda row: True
    """Of which cells the richest choice is taken, where there are any."""
    default: Callable[[Sequence[CellRow]], Sequence[CellRow]] | None = None
    """What is kept when nothing is asked for; the richest choice (all, where several can be) if None."""


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

    def only(self, value: str) -> FacetState:
        choices = tuple(replace(each, selected=each.value == value) for each in self.choices)
        return replace(self, choices=choices)

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

    def only(self, name: str, value: str) -> Picked:
        """Of one facet one value alone."""
        rows = tuple(row for row in self.rows if FACETS_BY_NAME[name].value(row) == value)
        return Picked(rows, tuple(facet.only(value) if facet.name == name else facet for facet in self.facets))

    @property
    def conditions(self) -> str:
        """What was picked of each facet, in one line."""
        return " · ".join(filter(None, map(self._words, self.facets)))

    def _words(self, facet: FacetState) -> str:
        if facet.name != "threads":
            return ", ".join(facet.selected_labels)
        threads = sorted({row.threads for row in self.rows if row.device == "cpu"})
        return ", ".join(map(threads_words, threads))

    @property
    def network_type(self) -> NetworkType | None:
        return self.rows[0].network_type if self.rows else None


def _engine_order(row: CellRow) -> tuple[int | str, ...]:
    return engine_place(row.engine)


def _nomenclature_layers(rows: Sequence[CellRow]) -> Sequence[CellRow]:
    return [row for row in rows if row.hidden_layers in of_type(row.network_type).drawn] or rows


def newest_environments(rows: Sequence[CellRow]) -> Sequence[CellRow]:
    """Of each engine, release, track and device what ran in the environment of its newest run: a GPU build is one of
    its own."""
    return _of_the_newest(rows, attrgetter("environment_id"), attrgetter("engine", "release", "track", "device"))


def newest_releases(rows: Sequence[CellRow]) -> Sequence[CellRow]:
    """Of each engine, track and device its highest version: others may have been measured beside it, to compare."""
    highest: dict[Any, str] = {}
    for row in rows:
        own = (row.engine, row.track, row.device)
        highest[own] = max(highest.get(own, row.release), row.release, key=release_key)
    return [row for row in rows if row.release == highest[row.engine, row.track, row.device]]


def newest_code(rows: Sequence[CellRow]) -> Sequence[CellRow]:
    """The same by the engine's code: what older code gave is history, until a reader asks for it."""
    return _of_the_newest(
        rows, attrgetter("engine_sha256"), attrgetter("engine", "track", "device", "environment_id", "machine_id")
    )


def _of_the_newest(
    rows: Sequence[CellRow], version: Callable[[CellRow], Any], of: Callable[[CellRow], Any]
) -> Sequence[CellRow]:
    newest: dict[Any, CellRow] = {}
    for row in rows:
        if of(row) not in newest or row.newest_run_at > newest[of(row)].newest_run_at:
            newest[of(row)] = row
    return [row for row in rows if version(row) == version(newest[of(row)])]


def _status_order(row: CellRow) -> tuple[int | str, ...]:
    return (row.outcome != "finished", row.outcome)


FACETS: tuple[Facet, ...] = (
    Facet(
        "network",
        _("Network"),
        value=lambda row: row.network_type,
        label=lambda row: network_title(row.network_type),
        order=lambda row: network_place(row.network_type),
    ),
    Facet(
        "data",
        _("Data set"),
        value=lambda row: row.data_key,
        label=lambda row: row.data_label,
        order=lambda row: (row.dataset, row.is_synthetic, row.train_samples),
        told_apart_by=lambda row: row.data_sha256[:8],
    ),
    Facet(
        "batch",
        _("Batch and optimizer"),
        value=lambda row: row.training_key,
        label=lambda row: row.training,
        order=lambda row: (row.replicas, row.batch_size, row.training_key),
        begins_with=lambda row: row.replicas == 1,
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
        label=lambda row: numbers.count(row.threads),
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
        label=lambda row: numbers.count(row.hidden_layers),
        order=lambda row: (row.hidden_layers,),
        multiple=True,
        default=_nomenclature_layers,
    ),
    Facet(
        "width",
        _("Width"),
        value=lambda row: str(row.width),
        label=lambda row: numbers.count(row.width),
        order=lambda row: (row.width,),
        multiple=True,
    ),
    Facet(
        "options",
        _("Options"),
        value=lambda row: row.options or "defaults",
        label=lambda row: row.options or gettext("defaults"),
        order=lambda row: (row.options,),
        multiple=True,
        starts_with_one=True,
    ),
    Facet(
        "release",
        _("Release"),
        value=lambda row: f"{row.engine} {row.release}",
        label=lambda row: release_title(row.engine, row.release),
        order=lambda row: (*engine_place(row.engine), release_key(row.release)),
        multiple=True,
        default=newest_releases,
    ),
    Facet(
        "environment",
        _("Environment"),
        value=lambda row: str(row.environment_id),
        label=lambda row: row.environment,
        order=lambda row: (row.environment, row.environment_id),
        multiple=True,
        default=newest_environments,
    ),
    Facet(
        "code",
        _("Engine's code"),
        value=lambda row: row.engine_sha256[:8],
        label=lambda row: f"{engine_title(row.engine)} · {row.engine_sha256[:8]}",
        order=lambda row: (*engine_place(row.engine), row.engine_sha256),
        multiple=True,
        default=newest_code,
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


def network_slug(network: Network) -> str:
    """How an address names one network: `mlp-8x200`; its options follow where it has any."""
    return "-".join([f"{network.type}-{network.hidden_layers}x{network.width}", *map(str, network.options)])


ONE_NETWORK = Facet(
    "network",
    _("Network"),
    value=lambda row: network_slug(row.network),
    label=lambda row: named(row.network),
    order=lambda row: (*network_place(row.network_type), row.hidden_layers, row.width, row.options),
)
"""For answers about one network, where most are about a family of them."""


def pick(rows: Iterable[CellRow], wished: Mapping[str, Sequence[str]], facets: Sequence[Facet] = FACETS) -> Picked:
    """Narrow the rows facet by facet; each offers what the ones before it have left."""
    left = tuple(rows)
    states = []
    for facet in facets:
        kept = tuple(_kept(facet, left, wished.get(facet.name, ())))
        states.append(_state(facet, left, {facet.value(row) for row in kept}))
        left = kept
    return Picked(left, tuple(states))


def _kept(facet: Facet, rows: Sequence[CellRow], wished: Sequence[str]) -> Sequence[CellRow]:
    offered = {facet.value(row) for row in rows}
    fitting = [value for value in wished if value in offered]
    if fitting or (wished and not facet.falls_back):
        return _with(facet, rows, set(fitting if facet.multiple else fitting[:1]))
    if facet.default:
        return facet.default(rows)
    return rows if facet.multiple and not facet.starts_with_one else _with(facet, rows, _richest(facet, rows))


def _with(facet: Facet, rows: Sequence[CellRow], values: set[str]) -> Sequence[CellRow]:
    return [row for row in rows if facet.value(row) in values]


def _richest(facet: Facet, rows: Sequence[CellRow]) -> set[str]:
    """The value with most finished cells, then most cells, then first in order."""
    by_value = _by_value(facet, [row for row in rows if facet.begins_with(row)] or rows)
    if len(by_value) < 2:
        return set(by_value)
    return {max(by_value, key=lambda value: (sum(1 for row in by_value[value] if row.samples), len(by_value[value])))}


def _by_value(facet: Facet, rows: Sequence[CellRow]) -> dict[str, list[CellRow]]:
    """In the facet's order: only the first of each value is asked for its place."""
    found: dict[str, list[CellRow]] = {}
    for row in rows:
        found.setdefault(facet.value(row), []).append(row)
    return {value: found[value] for value in sorted(found, key=lambda value: facet.order(found[value][0]))}


def _state(facet: Facet, rows: Sequence[CellRow], selected: set[str]) -> FacetState:
    by_value = _by_value(facet, rows)
    labels = _labels(facet, {value: own[0] for value, own in by_value.items()})
    choices = (Choice(value, labels[value], len(own), value in selected) for value, own in by_value.items())
    return FacetState(facet.name, gettext(facet.title), facet.multiple, tuple(choices))


def _labels(facet: Facet, rows: Mapping[str, CellRow]) -> dict[str, str]:
    """Two files of one data set have the same name: then a part of their hash is named, too."""
    labels = {value: facet.label(row) for value, row in rows.items()}
    counts = Counter(labels.values())
    if not facet.told_apart_by:
        return labels
    return {
        value: f"{label} ({facet.told_apart_by(rows[value])})" if counts[label] > 1 else label
        for value, label in labels.items()
    }
