"""Which workloads come first where time is short, so that a budget buys verdicts and not single runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engines import networks
from engines.contract import content_hash
from runs.suites.plan import Block, Group, Plan

LEAST_BLOCKS = 3
"""Fewer give no interval and no verdict."""
_MIDDLE, _EXTREME, _REST = range(3)


def most_informative_first(plan: Plan) -> Plan:
    """The same blocks in another order: each group's first three together, the most informative group first.

    Of each type of network and task on each device, with the fewest threads and the smallest batch that the plan has
    there, a mid-size network comes first, then the smallest and the largest; then all the rest. Within these the
    cheaper first.
    Further blocks follow round by round, in the same order of groups.
    """
    places = {group: place for place, group in enumerate(in_order({block.group for block in plan.blocks}))}

    def key(block: Block) -> tuple[int, int, int]:
        place = places[block.group]
        return (0, place, block.number) if block.number < LEAST_BLOCKS else (1, block.number, place)

    return Plan(plan.suite, tuple(sorted(plan.blocks, key=key)))


def in_order(groups: Iterable[Group]) -> list[Group]:
    """The most informative first; the same for the same groups, in whatever order they come."""
    known = list(groups)
    ranks = dict.fromkeys(known, _REST)
    for own in _situations(known):
        ranks |= {own[0]: _EXTREME, own[-1]: _EXTREME}
        ranks[own[(len(own) - 1) // 2]] = _MIDDLE
    return sorted(known, key=lambda group: (ranks[group], *_cost(group)))


def _situations(groups: list[Group]) -> Iterator[list[Group]]:
    """For each type of network, task and device: its groups with the plainest setting, the cheapest first."""
    for kind in sorted(set(map(_kind, groups))):
        own = [group for group in groups if _kind(group) == kind]
        plainest = min(map(_setting, own))
        yield sorted((group for group in own if _setting(group) == plainest), key=_cost)


def _kind(group: Group) -> tuple[str, str, str]:
    workload, device, _ = group
    return workload.network.type, workload.task, device


def _setting(group: Group) -> tuple[int, int, int]:
    workload, _, threads = group
    return threads, workload.batch_size, workload.dataset.train_samples


def _cost(group: Group) -> tuple[int, int, int, str]:
    """By the work of what is timed, then its steps: from the plan alone, so that the order is the same on any day."""
    workload, device, threads = group
    work = networks.work_of(workload)
    return work.flops, work.steps, threads, content_hash(workload, [device])
