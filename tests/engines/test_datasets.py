"""The data sets: what ships, what is stored, and what happens when a file is not as it should be."""

from __future__ import annotations

import dataclasses
import hashlib
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines import datasets
from engines.contract import SampleShape
from engines.datasets import pack_shuttle
from engines.datasets.catalogue import SOURCES
from engines.datasets.sources import fashion_mnist_10k as fashion
from engines.datasets.sources import shuttle
from engines.errors import DataSetError
from tests.engines.dataset_files import cifar_batch, cifar_files, write


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(path))
    return path


# ---------------------------------------------------------------- Shuttle, as it ships


def test_shipped_shuttle_has_the_published_samples_and_classes() -> None:
    dataset = datasets.describe("shuttle")
    data = datasets.load(dataset)
    assert (dataset.source, dataset.train_samples, dataset.test_samples) == ("shipped", 43_500, 14_500)
    assert np.bincount(data.train_labels).tolist() == [34108, 37, 132, 6748, 2458, 6, 11]
    assert np.bincount(data.test_labels).tolist() == [11478, 13, 39, 2155, 809, 4, 2]
    assert data.train_inputs.shape == (43_500, 8)
    assert data.test_inputs.shape == (14_500, 8)


def test_the_shipped_file_holds_the_official_texts_byte_for_byte() -> None:
    packed = shuttle.SHIPPED_FILE.read_bytes()
    rows = {"train": slice(0, 43_500), "test": slice(43_500, None)}
    for part in SOURCES["shuttle"].parts:
        assert hashlib.sha256(pack_shuttle.unpack(packed, rows[part.role])).hexdigest() == part.sha256
    assert pack_shuttle.unpack(pack_shuttle.pack([b"1 -2\n3 4\n"]), slice(None), columns=2) == b"1 -2\n3 4\n"


def test_shuttles_sha256_is_the_documented_one() -> None:
    expected = "98baa9aecd1bce2eaf65955efdcde0e0510fdccf07126b34aef62ee46ad2e2c1"
    assert datasets.describe("shuttle").sha256 == expected
    assert datasets.describe("shuttle", train_samples=100).sha256 == expected


def test_shuttle_is_standardised_by_the_whole_training_set() -> None:
    data = datasets.load(datasets.describe("shuttle"), dtype="float64")
    few = datasets.load(datasets.describe("shuttle", train_samples=500), dtype="float64")
    np.testing.assert_allclose(data.train_inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train_inputs.std(axis=0), 1, atol=1e-12)
    np.testing.assert_array_equal(few.train_inputs, data.train_inputs[:500])


def test_shuttle_leaves_out_the_time_attribute() -> None:
    rows = np.frombuffer(lzma.decompress(shuttle.SHIPPED_FILE.read_bytes()), "<i2").reshape(-1, 10)
    data = datasets.load(datasets.describe("shuttle"), dtype="float64")
    correlations = [np.corrcoef(rows[:43_500, 1 + column], data.train_inputs[:, column])[0, 1] for column in range(8)]
    np.testing.assert_allclose(correlations, 1)


@pytest.mark.parametrize("damage", [b"", b"not an xz file", None])
def test_a_damaged_shipped_file_gives_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    broken = tmp_path / "shuttle.int16.xz"
    if damage is not None:
        broken.write_bytes(damage)
    monkeypatch.setattr(shuttle, "SHIPPED_FILE", broken)
    with pytest.raises(DataSetError, match=r"ships with Benchsite .* is missing or damaged"):
        datasets.load(datasets.describe("shuttle"))
    with pytest.raises(DataSetError, match="is missing or damaged"):
        datasets.verify("shuttle")


# ---------------------------------------------------------------- what lies there is checked


def test_a_missing_data_set_names_the_three_choices() -> None:
    with pytest.raises(DataSetError) as caught:
        datasets.describe("cifar10")
    for choice in ("datasets fetch cifar10", "datasets import cifar10 PATH", "--synthetic"):
        assert choice in str(caught.value)


@pytest.mark.parametrize("offset", [0, -1])
def test_a_flipped_byte_in_a_used_file_is_found_when_loading(tmp_path: Path, data_dir: Path, offset: int) -> None:
    datasets.import_files("cifar10", write(tmp_path / "in", cifar_files()))
    few = datasets.describe("cifar10", train_samples=3)
    batch = next(data_dir.rglob("data_batch_1.bin"))
    content = bytearray(batch.read_bytes())
    content[offset] ^= 1
    batch.write_bytes(content)
    with pytest.raises(DataSetError, match="not those that this run was planned with"):
        datasets.load(few)
    with pytest.raises(DataSetError, match="damaged or incomplete"):
        datasets.verify("cifar10")


def test_files_imported_after_planning_are_not_taken_for_the_planned_ones(tmp_path: Path) -> None:
    planned = datasets.import_files("cifar10", write(tmp_path / "a", cifar_files()))
    datasets.import_files("cifar10", write(tmp_path / "b", {**cifar_files(), "test_batch.bin": cifar_batch(10, 7)}))
    with pytest.raises(DataSetError, match="not those that this run was planned with"):
        datasets.load(planned)


def _truncate(data_dir: Path) -> None:
    batch = next(data_dir.rglob("test_batch.bin"))
    batch.write_bytes(batch.read_bytes()[:100])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a short file": _truncate,
    "a lost file": lambda data_dir: next(data_dir.rglob("test_batch.bin")).unlink(),
    "a broken list": lambda data_dir: (data_dir / "cifar10" / "current.json").write_text("{"),
    "another list": lambda data_dir: (data_dir / "cifar10" / "current.json").write_text('{"files": 1}'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_storage_is_said_and_listed_and_mended_by_importing(
    tmp_path: Path, data_dir: Path, damage: str
) -> None:
    place = write(tmp_path / "in", cifar_files())
    dataset = datasets.import_files("cifar10", place)
    DAMAGES[damage](data_dir)
    with pytest.raises(DataSetError, match="damaged or incomplete"):
        datasets.describe("cifar10")
    assert [line.state for line in datasets.status()][:3] == ["ready", "damaged", "missing"]
    assert datasets.import_files("cifar10", place) == dataset
    assert datasets.verify("cifar10") == dataset


def test_replaced_files_do_not_stay_on_the_disk(tmp_path: Path, data_dir: Path) -> None:
    datasets.import_files("cifar10", write(tmp_path / "a", cifar_files()))
    datasets.import_files("cifar10", write(tmp_path / "b", cifar_files(batches=1)))
    assert sorted(path.name for path in data_dir.rglob("*.bin")) == ["data_batch_1.bin", "test_batch.bin"]


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(tmp_path / "file" / "data"))
    with pytest.raises(DataSetError, match=r"Cannot write in .* set BENCHSITE_DATA_DIR"):
        datasets.import_files("cifar10", write(tmp_path / "in", cifar_files()))


def test_the_data_folder_is_in_the_users_cache_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCHSITE_DATA_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/cache")
    assert datasets.data_dir() == Path("/some/cache/benchsite/datasets")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert datasets.data_dir() == Path.home() / ".cache" / "benchsite" / "datasets"


# ---------------------------------------------------------------- names and walls


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        DataSetError,
        match="Known data sets: shuttle, cifar10, mnist, fashion-mnist, fashion-mnist-10k, shakespeare, synthetic-",
    ):
        datasets.describe("imagenet")


def test_titles_say_number_and_origin(tmp_path: Path) -> None:
    dataset = datasets.import_files("cifar10", write(tmp_path / "in", cifar_files()))
    assert datasets.title(dataset) == "CIFAR-10, 40 images, imported files"
    assert datasets.title(dataclasses.replace(dataset, source="downloaded")) == "CIFAR-10, 40 images"


def test_the_host_side_needs_no_numpy() -> None:
    code = (
        "import sys, engines.datasets as d; d.status(); print('numpy' in sys.modules, 'urllib.request' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]


# ---------------------------------------------------------------- the images that ship


def test_the_shipped_images_are_split_by_their_order() -> None:
    dataset = datasets.describe("fashion-mnist-10k")
    assert (dataset.source, dataset.train_samples, dataset.test_samples) == ("shipped", 8_000, 2_000)
    data = datasets.load(dataset)
    assert data.train_inputs.shape == (8_000, 28, 28, 1)
    assert data.test_inputs.shape == (2_000, 28, 28, 1)
    assert data.train_labels[:5].tolist() == [9, 2, 1, 1, 6]  # the first labels of the official test set
    assert (data.train_inputs.min(), data.train_inputs.max()) == (0.0, 1.0)
    few = datasets.load(datasets.describe("fashion-mnist-10k", train_samples=100))
    assert (few.train_inputs == data.train_inputs[:100]).all()
    assert (few.test_inputs == data.test_inputs).all()
    assert datasets.verify("fashion-mnist-10k") == dataset


def test_a_damaged_shipped_image_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion, "FOLDER", tmp_path)
    with pytest.raises(DataSetError, match=r"missing or damaged\. Get the file again"):
        datasets.verify("fashion-mnist-10k")


def test_what_ships_as_it_is_cannot_be_imported(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="there are no files to import"):
        datasets.import_files("fashion-mnist-10k", tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [("shuttle", (8,), 7), ("cifar10", (32, 32, 3), 10), ("fashion-mnist", (28, 28, 1), 10)],
)
def test_a_data_set_says_what_its_samples_are(name: str, shape: tuple[int, ...], classes: int) -> None:
    assert datasets.sample_of(name) == SampleShape(shape, classes)
    assert datasets.sample_of("unheard-of") is None


@pytest.mark.parametrize("name", ["shuttle", "fashion-mnist-10k"])
def test_the_share_of_the_commonest_class_is_that_of_the_test_samples(name: str) -> None:
    labels = datasets.load(datasets.describe(name)).test_labels
    assert SOURCES[name].majority_share == np.bincount(labels).max() / len(labels)
