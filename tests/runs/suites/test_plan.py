"""From a suite to blocks: all there, each once, shuffled, and the same again from the same seed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.contract import Cell, DataSet, Network, Track
from engines.errors import UnsupportedError
from engines.registry import ENGINES
from runs.errors import SuiteError
from runs.suites import suite as suites
from runs.suites.plan import (
    Plan,
    Selection,
    known_networks,
    make_plan,
    network_name,
    select_engines,
    until_next,
    without,
)
from runs.suites.suite import Bench, Suite

SLUGS = sorted(slug for slug, info in ENGINES.items() if "train" in info.tasks)


@pytest.fixture(autouse=True)
def _tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the engines have by now: some have a tuned track, and some have none."""
    for slug, info in list(ENGINES.items()):
        tracks: tuple[Track, ...] = ("idiomatic", "tuned") if info.framework != "theano" else ("idiomatic",)
        monkeypatch.setitem(ENGINES, slug, dataclasses.replace(info, tracks=tracks))


STUDY_CELLS, STUDY_RUNS = 488, 1408


def dataset_for(name: str, train_samples: int | None) -> DataSet:
    samples = 43_500 if name == "shuttle" else 50_000
    return DataSet(name, "shipped", "d" * 64, train_samples or samples, 10_000)


def subsets(items: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(items), min_size=1, unique=True).map(tuple)


def sizes(most: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, most), min_size=1, max_size=3).map(tuple)


BENCHES = st.builds(
    Bench,
    network=st.sampled_from(["mlp", "cnn"]),
    hidden_layers=sizes(2),
    widths=sizes(4),
    engines=subsets(SLUGS),
    devices=subsets(["cpu", "gpu"]),
    threads=sizes(3),
    tracks=subsets(["idiomatic", "tuned"]),
    batch_sizes=st.just(()) | st.lists(st.sampled_from([100, 500]), min_size=1, unique=True).map(tuple),
    blocks=st.none() | st.integers(1, 4),
)
SUITES = st.builds(
    Suite,
    name=st.just("any"),
    title=st.just("Any"),
    benches=st.lists(BENCHES, min_size=1, max_size=3).map(tuple),
    blocks=st.none() | st.integers(1, 4),
    seed=st.integers(0, 2**31),
)


def wanted_runs(suite: Suite) -> Counter[Cell]:
    """By brute force: each cell as often as the most demanding bench that its group is in."""
    blocks: dict[tuple[object, ...], int] = {}
    cells: dict[tuple[object, ...], set[tuple[str, str]]] = {}
    for bench in suite.benches:
        for depth in bench.hidden_layers:
            for width in bench.widths:
                for batch_size, device, threads in product(bench.batch_sizes or (100,), bench.devices, bench.threads):
                    group = (Network(bench.network, depth, width), batch_size, device, threads)
                    own = {(engine, track) for engine in bench.engines for track in bench.tracks}
                    own = {(engine, track) for engine, track in own if track in ENGINES[engine].tracks}
                    if own:
                        blocks[group] = max(blocks.get(group, 0), suite.blocks_of(bench))
                        cells.setdefault(group, set()).update(own)
    return Counter({(*group, *cell): blocks[group] for group in blocks for cell in cells[group]})  # type: ignore[misc]


def planned_runs(plan: Plan) -> Counter[Cell]:
    cells = [run.cell for run in plan.runs]
    return Counter(
        (cell.workload.network, cell.workload.batch_size, cell.device, cell.threads, cell.engine, cell.track)  # type: ignore[misc]
        for cell in cells
    )


def test_the_study_s_suite_has_exactly_its_1408_runs() -> None:
    plan = make_plan(suites.load("study"), dataset_for)
    assert (len(plan.runs), len(plan.cells)) == (STUDY_RUNS, STUDY_CELLS)


def test_the_study_s_runs_divide_as_published() -> None:
    """GPU 5 repetitions of 36 networks on 4 engines; CPU 2 of 26 on 4, and 2 of 20 on 2 with six thread counts."""
    plan = make_plan(suites.load("study"), dataset_for)
    counts = Counter((run.cell.device, run.cell.threads > 1) for run in plan.runs)
    assert counts == {("gpu", False): 36 * 4 * 5, ("cpu", False): 26 * 4 * 2, ("cpu", True): 20 * 2 * 6 * 2}


@settings(max_examples=60)
@given(SUITES)
def test_a_plan_holds_every_cell_of_its_suite_once_a_block(suite: Suite) -> None:
    assert planned_runs(make_plan(suite, dataset_for)) == wanted_runs(suite)


@settings(max_examples=60)
@given(SUITES)
def test_a_block_holds_one_run_of_each_cell_that_is_compared(suite: Suite) -> None:
    plan = make_plan(suite, dataset_for)
    by_group: dict[object, list[set[Cell]]] = {}
    for block in plan.blocks:
        cells = [run.cell for run in block.runs]
        assert len({(cell.workload, cell.device, cell.threads) for cell in cells}) == 1
        assert len(set(cells)) == len(cells)
        assert [run.position for run in block.runs] == list(range(len(cells)))
        assert {run.block for run in block.runs} == {block.number}
        assert len({run.seed for run in block.runs}) == 1
        by_group.setdefault((cells[0].workload, cells[0].device, cells[0].threads), []).append(set(cells))
    assert all(all(cells == blocks[0] for cells in blocks) for blocks in by_group.values())


@settings(max_examples=60)
@given(SUITES)
def test_rounds_follow_each_other(suite: Suite) -> None:
    numbers = [block.number for block in make_plan(suite, dataset_for).blocks]
    assert numbers == sorted(numbers)


@settings(max_examples=40)
@given(SUITES)
def test_the_same_suite_gives_the_same_plan_run_by_run(suite: Suite) -> None:
    assert make_plan(suite, dataset_for) == make_plan(suite, dataset_for)


def test_another_seed_gives_another_order_of_the_same_runs() -> None:
    suite = suites.load("study")
    one = make_plan(suite, dataset_for)
    other = make_plan(dataclasses.replace(suite, seed=suite.seed + 1), dataset_for)
    assert [run.cell for run in one.runs] != [run.cell for run in other.runs]
    assert planned_runs(one) == planned_runs(other)
    assert one.runs[0].seed != other.runs[0].seed


def test_every_engine_comes_first_as_often_as_any_other() -> None:
    """Over 700 shuffled blocks of four engines each is first in about a quarter: within five standard errors."""
    bench = Bench("mlp", (2,), tuple(range(1, 51)), tuple(SLUGS), blocks=14)
    plan = make_plan(Suite("any", "Any", (bench,)), dataset_for)
    first = Counter(block.runs[0].cell.engine for block in plan.blocks)
    share, spread = 1 / len(SLUGS), (len(plan.blocks) * (1 / len(SLUGS)) * (1 - 1 / len(SLUGS))) ** 0.5
    assert all(abs(first[slug] - share * len(plan.blocks)) < 5 * spread for slug in SLUGS)


def test_blocks_of_one_number_share_their_seed_and_others_do_not() -> None:
    plan = make_plan(suites.load("quick"), dataset_for)
    seeds = {block.number: {run.seed for each in plan.blocks if each.number == block.number for run in each.runs}
             for block in plan.blocks}  # fmt: skip
    assert all(len(values) == 1 for values in seeds.values())
    assert len(set.union(*seeds.values())) == len(seeds)


@pytest.mark.parametrize(
    ("selection", "runs"),
    [
        (Selection(engines=("theano",)), 8 * 3),
        (Selection(networks=("mlp",)), 16 * 3),
        (Selection(networks=("mlp:8x25", "cnn:1x2")), 16 * 3),
        (Selection(devices=("gpu",)), 16 * 3),
        (Selection(blocks=1), 32),
        (Selection(threads=(1, 2)), 2 * 96),
        (Selection(engines=("theano",), networks=("cnn:1x4",), devices=("cpu",), blocks=2), 2),
        (Selection(networks=("mlp:3x3",)), 0),
        (Selection(tracks=("idiomatic",), batch_sizes=(100,)), 96),
        (Selection(tracks=("tuned",)), 0),
        (Selection(batch_sizes=(50,)), 0),
    ],
)
def test_a_selection_leaves_its_part_of_the_suite(selection: Selection, runs: int) -> None:
    bench = {"engines": ("theano", "tensorflow", "keras-theano", "keras-tensorflow"), "devices": ("cpu", "gpu")}
    benches = (Bench("mlp", (8,), (25, 100), **bench), Bench("cnn", (1,), (2, 4), **bench))  # type: ignore[arg-type]
    suite = Suite("any", "Any", benches, blocks=3)
    assert len(make_plan(suite, dataset_for, selection).runs) == runs


def test_a_selected_run_has_the_seed_and_block_that_it_has_in_the_whole_suite() -> None:
    suite = suites.load("quick")
    whole = {(run.cell, run.block): run.seed for run in make_plan(suite, dataset_for).runs}
    part = make_plan(suite, dataset_for, Selection(engines=("tensorflow",)))
    assert all(whole[run.cell, run.block] == run.seed for run in part.runs)


def test_the_suite_s_networks_can_be_named() -> None:
    names = known_networks(suites.load("quick"))
    assert {"mlp", "cnn", "mlp:2x25", "cnn:1x2"} <= set(names)
    assert network_name(Network("mlp", 8, 25)) == "mlp:8x25"


def test_engines_are_selected_by_slug_or_abbreviation() -> None:
    assert select_engines(("ktf", "theano")) == ("keras-tensorflow", "theano")
    with pytest.raises(UnsupportedError, match="Known engines"):
        select_engines(("caffe",))


def test_a_batch_larger_than_the_data_is_refused_before_anything_runs() -> None:
    bench = Bench("mlp", (2,), (25,), ("tensorflow",), train_samples=500)
    with pytest.raises(SuiteError, match="batch_size is 501, and shuttle has 500 training samples here"):
        make_plan(Suite("any", "Any", (bench,), batch_size=501), dataset_for)
    assert make_plan(Suite("any", "Any", (bench,), batch_size=500), dataset_for).runs


@settings(max_examples=40)
@given(SUITES, st.randoms(use_true_random=False))
def test_what_is_done_leaves_the_rest_with_its_blocks_and_places(suite: Suite, random: object) -> None:
    plan = make_plan(suite, dataset_for)
    done = {run for run in plan.runs if random.random() < 0.5}  # type: ignore[attr-defined]
    left = without(plan, done.__contains__)
    assert left.runs == tuple(run for run in plan.runs if run not in done)
    assert all(block.runs for block in left.blocks)


@settings(max_examples=40)
@given(SUITES)
def test_what_comes_until_a_group_s_next_block_ends_with_it(suite: Suite) -> None:
    plan = make_plan(suite, dataset_for)
    for place, block in enumerate(plan.blocks):
        ahead = until_next(plan, block)
        later = [each for each in plan.blocks[place + 1 :] if each.group == block.group]
        assert ahead == plan.blocks[place + 1 : place + 1 + len(ahead)]
        assert [each for each in ahead if each.group == block.group] == later[:1]
        assert ahead[-1:] == tuple(later[:1])


def test_a_noise_suite_s_cells_have_a_partner_for_each_block() -> None:
    suite = suites.load("noise")
    plan = make_plan(suite, dataset_for)
    counts = Counter(run.cell for run in plan.runs)
    assert set(counts.values()) == {10}
    assert {cell.workload.network.type for cell in counts} == {"mlp", "cnn"}


def test_a_track_that_an_engine_lacks_is_no_cell() -> None:
    bench = Bench("mlp", (8,), (25,), ("theano", "torch"), tracks=("idiomatic", "tuned"))
    cells = make_plan(Suite("any", "Any", (bench,), blocks=1), dataset_for).cells
    assert {(cell.engine, cell.track) for cell in cells} == {
        ("theano", "idiomatic"), ("torch", "idiomatic"), ("torch", "tuned")
    }  # fmt: skip


def test_a_bench_s_batch_sizes_make_workloads_of_their_own_beside_the_suite_s() -> None:
    one, two = Bench("mlp", (8,), (25,), ("torch",), batch_sizes=(10, 1000)), Bench("mlp", (8,), (50,), ("torch",))
    plan = make_plan(Suite("any", "Any", (one, two), blocks=1, batch_size=200), dataset_for)
    workloads = {(block.group[0].network.width, block.group[0].batch_size) for block in plan.blocks}
    assert workloads == {(25, 10), (25, 1000), (50, 200)}


def test_the_modern_suite_has_all_engines_and_each_one_s_tracks_in_every_group() -> None:
    plan = make_plan(suites.load("modern"), dataset_for)
    everything = {(slug, track) for slug in SLUGS for track in ENGINES[slug].tracks}
    for block in plan.blocks:
        assert {(run.cell.engine, run.cell.track) for run in block.runs} == everything
    largest = {
        (network, device): max(
            (group[0].network.hidden_layers * group[0].network.width, str(group[0].network))
            for group in (block.group for block in plan.blocks)
            if (group[0].network.type, group[1]) == (network, device)
        )[1]
        for network in ("mlp", "cnn")
        for device in ("cpu", "gpu")
    }
    assert list(largest.values()) == ["MLP 8x400", "MLP 16x1600", "CNN 2x16", "CNN 2x64"]
    assert {block.group[0].batch_size for block in plan.blocks} == {100, 1000}
