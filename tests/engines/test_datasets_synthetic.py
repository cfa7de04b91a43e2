"""Generated samples: labelled, seeded, learnable."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

from engines import datasets
from engines.datasets.catalogue import SOURCES
from engines.errors import DataSetError


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(path))
    return path


@pytest.mark.parametrize("name", ["shuttle", "cifar10", "mnist"])
def test_synthetic_samples_are_labelled_shaped_and_seeded(name: str) -> None:
    dataset = dataclasses.replace(datasets.describe(name, train_samples=200, synthetic=True), test_samples=50)
    first, second = datasets.load(dataset), datasets.load(dataset)
    source = SOURCES[name]
    assert (dataset.source, dataset.name) == ("synthetic", f"synthetic-{name}")
    assert "Synthetic" in datasets.title(dataset)
    assert first.train_inputs.shape == (200, *source.shape)
    assert set(first.train_labels.tolist()) == set(range(source.classes))
    np.testing.assert_array_equal(first.train_inputs, second.train_inputs)
    np.testing.assert_array_equal(first.test_labels, second.test_labels)
    assert not np.array_equal(first.train_inputs[:50], first.test_inputs)


def test_the_recipe_makes_the_same_bytes_everywhere() -> None:
    dataset = dataclasses.replace(datasets.describe("cifar10", train_samples=100, synthetic=True), test_samples=10)
    pixels = np.rint(datasets.load(dataset).train_inputs * 255).astype(np.uint8)
    assert (
        hashlib.sha256(pixels.tobytes()).hexdigest()
        == "8bf97aa2a6fee8b2707c224d84dd82cce556c3f0f7f6e962ebe17fd6801e05f5"
    )


def test_a_network_can_learn_synthetic_images() -> None:
    """Nearest class mean, the least that a network can do."""
    dataset = dataclasses.replace(datasets.describe("cifar10", train_samples=1000, synthetic=True), test_samples=200)
    data = datasets.load(dataset)
    means = np.stack([data.train_inputs[data.train_labels == label].mean(axis=0) for label in range(10)])
    distances = ((data.test_inputs[:, None] - means) ** 2).sum(axis=(2, 3, 4))
    assert (distances.argmin(axis=1) == data.test_labels).mean() > 0.95


def test_samples_of_another_recipe_are_not_passed_off_as_planned() -> None:
    dataset = dataclasses.replace(datasets.describe("cifar10", synthetic=True), sha256="0" * 64)
    with pytest.raises(DataSetError, match="another version's recipe"):
        datasets.load(dataset)


def test_there_is_nothing_to_fetch_or_import_of_synthetic_samples(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="no files to fetch or import"):
        datasets.fetch("synthetic-cifar10")
    with pytest.raises(DataSetError, match="no files to fetch or import"):
        datasets.import_files("synthetic-cifar10", tmp_path)
