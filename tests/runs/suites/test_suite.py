"""Suites as TOML: what is left out has its default, what does not fit is named with what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs.errors import SuiteError
from runs.suites import suite as suites
from runs.suites.suite import PRESET_BLOCKS, Suite

SMALL = """
name = "small"
title = "A small suite"

[[benches]]
network = "mlp"
hidden_layers = [2]
widths = [25]
engines = ["tf", "keras-theano"]
"""


def parse(text: str) -> Suite:
    return suites.parse(text, source="small.toml")


def problem(text: str) -> str:
    with pytest.raises(SuiteError) as caught:
        parse(text)
    return str(caught.value)


def test_a_small_suite_needs_little() -> None:
    suite = parse(SMALL)
    (bench,) = suite.benches
    assert bench.engines == ("tensorflow", "keras-theano")
    assert (bench.devices, bench.threads, bench.tracks, bench.train_samples) == (("cpu",), (1,), ("idiomatic",), None)
    assert (suite.preset, suite.batch_size, suite.learning_rate) == ("standard", 100, 1e-3)


def test_the_policy_is_the_suite_s() -> None:
    policy = parse("warmup_epochs = 3\nsteady_epochs = 7\nmin_steady_seconds = 2.5" + SMALL).policy
    assert (policy.warmup_epochs, policy.steady_epochs, policy.min_steady_seconds) == (3, 7, 2.5)


def test_blocks_are_the_bench_s_or_the_suite_s_or_the_preset_s() -> None:
    of = {
        PRESET_BLOCKS["rigorous"]: 'preset = "rigorous"' + SMALL,
        4: 'preset = "rigorous"\nblocks = 4' + SMALL,
        6: 'preset = "rigorous"\nblocks = 4' + SMALL + "blocks = 6",
    }
    for blocks, text in of.items():
        suite = parse(text)
        assert suite.blocks_of(suite.benches[0]) == blocks


@pytest.mark.parametrize("name", suites.shipped())
def test_every_shipped_suite_fits_and_bears_its_file_s_name(name: str) -> None:
    assert suites.load(name).name == name


def test_these_suites_are_shipped() -> None:
    assert {"noise", "quick", "study"} <= set(suites.shipped())


@pytest.mark.parametrize(
    ("preset", "blocks", "is_quick", "is_adaptive"),
    [
        ("quick", 3, True, False),
        ("standard", 5, False, False),
        ("rigorous", 20, False, True),
        ("study", 2, False, False),
        ("noise", 10, False, False),
    ],
)
def test_what_a_preset_means(preset: str, blocks: int, is_quick: bool, is_adaptive: bool) -> None:
    suite = parse(f'preset = "{preset}"' + SMALL)
    assert suite.blocks_of(suite.benches[0]) == blocks
    assert (suite.is_quick, suite.is_adaptive) == (is_quick, is_adaptive)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (SMALL + "width = 3", "benches.0.width is 3, allowed: no such field; known fields: batch_sizes,"),
        ("warmup = 1" + SMALL, "warmup is 1, allowed: no such field; known fields: batch_size,"),
        (SMALL.replace("[25]", "[0]"), "benches.0.widths.0 is 0, allowed: 1 to 65536"),
        (SMALL.replace("[2]", "[257]"), "benches.0.hidden_layers.0 is 257, allowed: 1 to 256"),
        (SMALL.replace("[25]", "[]"), "benches.0.widths is []"),
        (SMALL.replace("[25]", "25"), "benches.0.widths is 25"),
        (SMALL.replace('"mlp"', '"rnn"'), "benches.0.network is 'rnn', allowed: 'mlp', 'cnn', 'resnet',"),
        (SMALL.replace("[2]", '["two"]'), "benches.0.hidden_layers.0 is 'two', allowed: a valid integer"),
        (SMALL.replace("widths = [25]", ""), "benches.0.widths is missing"),
        ("blocks = 0" + SMALL, "blocks is 0, allowed: 1 to 1000"),
        ("steady_epochs = 1001" + SMALL, "steady_epochs is 1001, allowed: 1 to 1000"),
        ("timeout_seconds = 0.5" + SMALL, "timeout_seconds is 0.5, allowed: 1 to 86400"),
        ("learning_rate = nan" + SMALL, "learning_rate is nan"),
        ('preset = "fast"' + SMALL, "preset is 'fast', allowed: 'quick', 'standard', 'rigorous', 'study' or 'noise'"),
        (SMALL.replace('"tf"', '"caffe"'), "There is no engine 'caffe'. Known engines: theano (th), tensorflow (tf)"),
        (SMALL.replace('"mlp"', '"cnn"').replace("[2]", "[1, 3]"), "hidden_layers is 3, allowed for CNN: 1 to 2"),
        ("name = ", "The suite small.toml is not TOML: Invalid value"),
        ("", "name is missing"),
    ],
)
def test_what_does_not_fit_is_named_with_what_is_allowed(text: str, sentence: str) -> None:
    message = problem(text)
    assert message.startswith("The suite small.toml ")
    assert sentence in message


def test_all_problems_are_named_at_once() -> None:
    message = problem("blocks = 0\nseed = -1" + SMALL)
    assert "blocks is 0" in message
    assert "seed is -1" in message


def test_an_unknown_suite_names_the_shipped_ones() -> None:
    with pytest.raises(SuiteError, match=r"There is no suite 'nope'\. Name a TOML file or one of: .*quick.*study"):
        suites.load("nope")


def test_a_suite_of_one_s_own_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    assert suites.load(str(tmp_path / "small.toml")) == parse(SMALL)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00\x01\x02"])
def test_a_file_that_is_no_text_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photo.toml").write_bytes(content)
    with pytest.raises(SuiteError, match=r"photo\.toml"):
        suites.load(str(tmp_path / "photo.toml"))


def test_a_folder_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="There is no suite"):
        suites.load(str(tmp_path))


def test_a_bench_trains_on_its_network_s_data_set_unless_it_names_one() -> None:
    assert parse(SMALL).benches[0].dataset_name == "shuttle"
    assert parse(SMALL + 'dataset = "mnist"').benches[0].dataset_name == "mnist"


def test_a_data_set_that_does_not_fit_is_named_with_those_that_would() -> None:
    assert "Known data sets: shuttle, cifar10" in problem(SMALL + 'dataset = "imagenet"')
    told = problem(SMALL.replace('"mlp"', '"cnn"') + 'dataset = "shuttle"')
    assert "benches.dataset is shuttle, which a CNN cannot read: allowed: cifar10, mnist" in told
