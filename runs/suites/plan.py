"""From a suite to blocks of runs, in the order in which they will run. Pure: the seed is the only randomness.

A *group* is what will be compared: one workload on one device with one thread count. A *block* holds one run of each of
a group's cells, shuffled, so that whatever drifts on the machine meets every engine alike. Round after round, each
round has one block of every group.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from engines import networks, registry
from engines.contract import Cell, DataSet, Device, Network, Optimizer, Task, Track, Workload, content_hash
from runs.errors import SuiteError
from runs.suites.suite import Bench, Suite

DataSetFor = Callable[[str, int | None], DataSet]
"""(a data set's name, train_samples) -> the data set that will be trained on here."""


T = TypeVar("T")

Group = tuple[Workload, Device, int]


def group_of(cell: Cell) -> Group:
    """What the cell is compared within: its workload, device and thread count."""
    return cell.workload, cell.device, cell.threads


@dataclass(frozen=True)
class PlannedRun:
    cell: Cell
    block: int
    position: int
    seed: int
    release: str = ""
    """Of the engine's framework; empty for the one that comes with Benchsite."""


@dataclass(frozen=True)
class Block:
    """`number` counts the group's blocks; the order of `runs` is shuffled, and stored with each of them."""

    number: int
    runs: tuple[PlannedRun, ...]

    @property
    def group(self) -> Group:
        return group_of(self.runs[0].cell)

    @property
    def id(self) -> str:
        """The same whichever of its runs are left, and on every machine with the same data."""
        workload, device, threads = self.group
        return content_hash(workload, [device, threads, self.number])[:12]


@dataclass(frozen=True)
class Plan:
    suite: Suite
    blocks: tuple[Block, ...]

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        return tuple(run for block in self.blocks for run in block.runs)

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(dict.fromkeys(run.cell for run in self.runs))


@dataclass(frozen=True)
class Selection:
    """What the command line leaves of a suite; an empty part leaves all. Networks are 'mlp', 'cnn' or 'mlp:8x100'."""

    engines: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    threads: tuple[int, ...] = ()
    tracks: tuple[Track, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    tasks: tuple[Task, ...] = ()
    replicas: tuple[int, ...] = ()
    blocks: int | None = None
    releases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Engine -> the releases to measure side by side; the one that comes with Benchsite if it has none."""


@dataclass(frozen=True)
class _Group:
    cells: tuple[Cell, ...]
    blocks: int


def make_plan(suite: Suite, dataset_for: DataSetFor, selection: Selection = Selection()) -> Plan:
    """The whole plan: the same suite, data and selection give the same plan, run by run. Raises SuiteError."""
    groups = _merged(_groups(suite, dataset_for, selection))
    rounds = max((group.blocks for group in groups), default=0)
    blocks = [
        _block(suite, group, number, selection.releases)
        for number in range(rounds)
        for group in _shuffled(groups, suite.seed, "round", number)
        if number < group.blocks
    ]
    return Plan(suite, tuple(blocks))


def _groups(suite: Suite, dataset_for: DataSetFor, selection: Selection) -> Iterator[_Group]:
    for bench in suite.benches:
        blocks = selection.blocks or suite.blocks_of(bench)
        for workload in _workloads(suite, bench, dataset_for, selection):
            engines = tuple(_engines_and_tracks(bench, selection, workload))
            for device in _chosen(bench.devices, selection.devices):
                for threads in selection.threads or bench.threads:
                    cells = tuple(Cell(workload, engine, track, device, threads) for engine, track in engines)
                    yield _Group(cells, blocks)


def _engines_and_tracks(bench: Bench, selection: Selection, workload: Workload) -> Iterator[tuple[str, Track]]:
    for engine in _chosen(bench.engines, selection.engines):
        info = registry.find(engine)
        if workload.task in info.tasks and workload.network.type in info.families:
            yield from ((engine, track) for track in _chosen(bench.tracks, selection.tracks) if track in info.tracks)


def _workloads(suite: Suite, bench: Bench, dataset_for: DataSetFor, selection: Selection) -> Iterator[Workload]:
    for network in _networks(bench, selection):
        dataset = dataset_for(bench.dataset_name, bench.train_samples)
        for task in _chosen(bench.tasks, selection.tasks):
            optimizer = _optimizer(suite, bench, task)
            for batch_size in _chosen(suite.batch_sizes_of(bench), selection.batch_sizes):
                for replicas in _replicas(bench, selection, task):
                    workload = Workload(network, dataset, batch_size, optimizer, task, replicas)
                    yield _checked(suite, workload)


def _replicas(bench: Bench, selection: Selection, task: Task) -> tuple[int, ...]:
    return _chosen(bench.replicas, selection.replicas) if task == "train" else (1,)


def _optimizer(suite: Suite, bench: Bench, task: Task) -> Optimizer:
    if task == "infer":
        return Optimizer()
    return bench.optimizer or Optimizer(learning_rate=suite.learning_rate)


_SAMPLES: dict[Task, str] = {"train": "training samples", "infer": "test samples"}


def _checked(suite: Suite, workload: Workload) -> Workload:
    samples = networks.work_of(workload).samples
    if workload.batch_size > samples:
        raise SuiteError(
            f"The suite {suite.name} does not fit: batch_size is {workload.batch_size}, and {workload.dataset.name} "
            f"has {samples} {_SAMPLES[workload.task]} here."
        )
    if workload.replicas > workload.batch_size:
        raise SuiteError(
            f"The suite {suite.name} does not fit: replicas is {workload.replicas}, and a batch has "
            f"{workload.batch_size} samples to share."
        )
    return workload


def _merged(groups: Iterator[_Group]) -> list[_Group]:
    """One group for each workload, device and thread count, even where several benches of a suite name it."""
    merged: dict[str, _Group] = {}
    for group in groups:
        if group.cells:
            known = merged.get(_identity(group), _Group((), 0))
            cells = tuple(dict.fromkeys(known.cells + group.cells))
            merged[_identity(group)] = _Group(cells, max(known.blocks, group.blocks))
    return list(merged.values())


def _networks(bench: Bench, selection: Selection) -> Iterator[Network]:
    for network in bench.networks:
        if not selection.networks or _names(network) & set(selection.networks):
            yield network


def _names(network: Network) -> set[str]:
    return {network.type, network_name(network)}


def network_name(network: Network) -> str:
    """How the command line names it: mlp:8x100, transformer:2x64:heads=2."""
    options = [f"{option.name}={option.value}" for option in network.options]
    return ":".join([network.type, f"{network.hidden_layers}x{network.width}", *options])


def _chosen(offered: tuple[T, ...], wanted: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(item for item in offered if not wanted or item in wanted)


def _block(suite: Suite, group: _Group, number: int, releases: Mapping[str, tuple[str, ...]]) -> Block:
    seed = int(content_hash([suite.seed, number])[:8], 16)
    sides = [(cell, release) for cell in group.cells for release in releases.get(cell.engine, ("",))]
    shuffled = _shuffled(sides, suite.seed, _identity(group), number)
    return Block(
        number, tuple(PlannedRun(cell, number, place, seed, release) for place, (cell, release) in enumerate(shuffled))
    )


def _identity(group: _Group) -> str:
    first = group.cells[0]
    return content_hash(first.workload, [first.device, first.threads])


def _shuffled(items: list[T], *seed: object) -> list[T]:
    shuffled = list(items)
    random.Random(content_hash(list(seed))).shuffle(shuffled)
    return shuffled


def known_networks(suite: Suite) -> list[str]:
    """What `--networks` may name for this suite."""
    return sorted(
        {name for bench in suite.benches for network in _networks(bench, Selection()) for name in _names(network)}
    )


def select_engines(names: tuple[str, ...]) -> tuple[str, ...]:
    """Slugs for slugs or abbreviations. Raises UnsupportedError naming the known ones."""
    return tuple(registry.find(name).slug for name in names)


def check_blocks(plan: Plan, ids: Collection[str]) -> None:
    """Raises SuiteError where the plan has no such block."""
    unknown = sorted(set(ids) - {block.id for block in plan.blocks})
    if unknown:
        raise SuiteError(
            f"This plan has no block {', '.join(unknown)}. To see its blocks, type the same with --plan --json."
        )


def of_blocks(plan: Plan, ids: Collection[str]) -> Plan:
    """The blocks of these ids, in the plan's order; the plan itself where none are named."""
    return Plan(plan.suite, tuple(block for block in plan.blocks if block.id in ids)) if ids else plan


def until_next(plan: Plan, block: Block) -> tuple[Block, ...]:
    """What comes after a block, up to and with the next of its group; nothing if it is its group's last."""
    later = plan.blocks[plan.blocks.index(block) + 1 :]
    ends = (place for place, each in enumerate(later, start=1) if each.group == block.group)
    return later[: next(ends, 0)]


def without(plan: Plan, done: Callable[[PlannedRun], bool]) -> Plan:
    """The plan less the runs that are done; blocks keep their numbers, runs their places."""
    blocks = (
        dataclasses.replace(block, runs=tuple(run for run in block.runs if not done(run))) for block in plan.blocks
    )
    return Plan(plan.suite, tuple(block for block in blocks if block.runs))
