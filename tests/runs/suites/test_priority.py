"""Where time is short: the same blocks, each group's first three together, and what says most first."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings

from engines import networks
from runs.bench.stopping import Budget
from runs.suites import suite as suites
from runs.suites.plan import Block, Group, Plan, make_plan
from runs.suites.priority import LEAST_BLOCKS, in_order, most_informative_first
from runs.suites.suite import Bench, Suite
from tests.runs.suites.test_plan import SUITES, dataset_for

MODERN = make_plan(suites.load("modern"), dataset_for)


def flops(group: Group) -> int:
    workload = group[0]
    return networks.flops_per_epoch(
        workload.network, samples=workload.dataset.train_samples, batch_size=workload.batch_size
    )


def groups_of(plan: Plan) -> list[Group]:
    """In the order of their first block."""
    return list(dict.fromkeys(block.group for block in plan.blocks))


@settings(deadline=None, max_examples=60)
@given(SUITES)
def test_nothing_is_lost_changed_or_made_up(suite: Suite) -> None:
    plan = make_plan(suite, dataset_for)
    ordered = most_informative_first(plan)
    assert ordered.suite == suite
    assert Counter(ordered.blocks) == Counter(plan.blocks)


@settings(deadline=None, max_examples=60)
@given(SUITES)
def test_a_group_s_blocks_keep_their_order_and_its_first_three_stand_together(suite: Suite) -> None:
    blocks = most_informative_first(make_plan(suite, dataset_for)).blocks
    for group in {block.group for block in blocks}:
        places = [place for place, block in enumerate(blocks) if block.group == group]
        assert [blocks[place].number for place in places] == list(range(len(places)))
        first = places[:LEAST_BLOCKS]
        assert first == list(range(first[0], first[0] + len(first)))


@settings(deadline=None, max_examples=60)
@given(SUITES)
def test_every_group_has_its_three_blocks_before_any_has_a_fourth(suite: Suite) -> None:
    numbers = [block.number for block in most_informative_first(make_plan(suite, dataset_for)).blocks]
    later = [number for number in numbers if number >= LEAST_BLOCKS]
    assert later == numbers[len(numbers) - len(later) :]
    assert later == sorted(later), "round by round"


@settings(deadline=None, max_examples=60)
@given(SUITES)
def test_every_type_of_network_on_every_device_comes_first_with_one_of_middle_size(suite: Suite) -> None:
    groups = groups_of(most_informative_first(make_plan(suite, dataset_for)))
    kinds = {(group[0].network.type, group[1]) for group in groups}
    first = groups[: len(kinds)]
    assert {(group[0].network.type, group[1]) for group in first} == kinds
    for group in first:
        setting = (group[2], group[0].batch_size)
        peers = [each for each in groups if (each[0].network.type, each[1]) == (group[0].network.type, group[1])]
        assert setting == min((each[2], each[0].batch_size) for each in peers)
        sizes = sorted(flops(each) for each in peers if (each[2], each[0].batch_size) == setting)
        assert flops(group) == sizes[(len(sizes) - 1) // 2]


@settings(deadline=None, max_examples=40)
@given(SUITES)
def test_the_order_is_the_groups_own_whatever_order_they_come_in(suite: Suite) -> None:
    groups = groups_of(make_plan(suite, dataset_for))
    shuffled = list(groups)
    random.Random(1).shuffle(shuffled)
    assert in_order(shuffled) == in_order(groups)


def test_the_extremes_follow_then_the_rest_the_cheaper_first() -> None:
    plan = make_plan(suites.load("modern"), dataset_for)
    groups = [group for group in groups_of(most_informative_first(plan)) if group[1] == "cpu"]
    names = [f"{group[0].network} {group[0].batch_size}" for group in groups]
    assert names[:2] == ["MLP 8x100 100", "CNN 2x4 100"]
    assert set(names[2:6]) == {"MLP 8x25 100", "MLP 8x400 100", "CNN 1x4 100", "CNN 2x16 100"}
    assert [flops(group) for group in groups[2:6]] == sorted(flops(group) for group in groups[2:6])
    assert [flops(group) for group in groups[6:]] == sorted(flops(group) for group in groups[6:])


def test_a_short_budget_gives_one_mlp_and_one_cnn_all_their_engines_before_any_other_begins() -> None:
    """However the time is measured out: what was begun is whole groups in that order, but for the last."""
    ordered = most_informative_first(MODERN)
    for seconds in range(0, 40):
        blocks = ordered.blocks[:seconds]
        begun = groups_of(Plan(ordered.suite, blocks))
        whole = [group for group in begun if sum(block.group == group for block in blocks) == LEAST_BLOCKS]
        assert whole == begun[: len(whole)]
        assert len(begun) - len(whole) <= 1
        if len(begun) > 4:  # two types on two devices
            assert {(group[0].network.type, group[1]) for group in whole[:4]} == {
                ("mlp", "cpu"), ("cnn", "cpu"), ("mlp", "gpu"), ("cnn", "gpu")
            }  # fmt: skip


def ten_seconds_a_neuron(block: Block) -> float:
    return 10.0 * block.group[0].network.width


def test_what_fits_is_foreseen_as_it_will_be_carried_out() -> None:
    """What would end too late is passed over, and a cheaper one after it begun."""
    plan = make_plan(Suite("any", "Any", (Bench("mlp", (2,), (1, 3, 2), ("torch",)),), blocks=1), dataset_for)
    blocks = sorted(plan.blocks, key=lambda block: (1, 3, 2).index(block.group[0].network.width))
    budget = Budget(35.0, ten_seconds_a_neuron)
    assert [block.group[0].network.width for block in budget.fitting(blocks)] == [1, 2]
    assert not budget.allows(blocks)
    assert len(Budget(None, ten_seconds_a_neuron).fitting(blocks)) == 3
