"""Taking local files, folders and archives as data."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import datasets
from engines.datasets import pack_shuttle
from engines.datasets.sources import shuttle
from engines.errors import DataSetError
from tests.engines.dataset_files import RECORD, cifar_batch, cifar_files, mnist_files, shuttle_text, tar_of, write


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data"
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(path))
    return path


def test_an_imported_folder_is_loaded_as_its_files_have_it(tmp_path: Path) -> None:
    files = cifar_files()
    dataset = datasets.import_files("cifar10", write(tmp_path / "in", files))
    data = datasets.load(dataset)
    records = np.frombuffer(files["data_batch_1.bin"] + files["data_batch_2.bin"], np.uint8).reshape(-1, RECORD)
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    assert (dataset.source, dataset.train_samples, dataset.test_samples) == ("imported", 40, 10)
    np.testing.assert_array_equal(data.train_inputs, (pixels / 255).astype(np.float32))
    np.testing.assert_array_equal(data.train_labels, records[:, 0])
    assert data.train_inputs.flags.c_contiguous
    assert data.train_labels.dtype == np.int64
    assert data.test_inputs.shape == (10, 32, 32, 3)


@pytest.mark.parametrize("mode", ["", "gz", "xz", "bz2"])
def test_an_archive_gives_the_same_data_as_its_files(tmp_path: Path, mode: str) -> None:
    files = cifar_files()
    from_folder = datasets.import_files("cifar10", write(tmp_path / "in", files))
    archive = tmp_path / f"any-name.tar.{mode}"
    archive.write_bytes(tar_of({"../../evil.bin": b"x", **files}, mode))
    assert datasets.import_files("cifar10", archive) == from_folder
    assert not list(tmp_path.rglob("evil.bin"))


def test_a_folder_with_one_fitting_archive_will_do(tmp_path: Path) -> None:
    place = write(tmp_path / "in", {"readme.txt": b"hello", "other.tar": b"", "cifar-10-some.tar.gz": b""})
    (place / "cifar-10-some.tar.gz").write_bytes(tar_of(cifar_files(), "gz"))
    assert datasets.import_files("cifar10", place).train_samples == 40
    shutil.copy(place / "cifar-10-some.tar.gz", place / "cifar10-more.tar.gz")
    with pytest.raises(DataSetError, match="several archives: name one"):
        datasets.import_files("cifar10", place)


@given(count=st.integers(1, 40))
def test_train_samples_takes_the_first_ones(tmp_path_factory: pytest.TempPathFactory, count: int) -> None:
    if datasets.status()[1].state == "missing":
        datasets.import_files("cifar10", write(tmp_path_factory.mktemp("in"), cifar_files()))
    whole = datasets.load(datasets.describe("cifar10"))
    few = datasets.load(datasets.describe("cifar10", train_samples=count))
    np.testing.assert_array_equal(few.train_inputs, whole.train_inputs[:count])
    np.testing.assert_array_equal(few.train_labels, whole.train_labels[:count])


def test_the_sha256_is_that_of_the_files_which_are_used(tmp_path: Path) -> None:
    files = cifar_files()
    datasets.import_files("cifar10", write(tmp_path / "in", files))
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in ("data_batch_1.bin", "test_batch.bin")]
    few, more = (datasets.describe("cifar10", train_samples=count).sha256 for count in (20, 21))
    assert few == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert more == datasets.describe("cifar10").sha256 != few


@pytest.mark.parametrize("count", [0, 41])
def test_as_many_samples_as_there_are_not_are_refused(tmp_path: Path, count: int) -> None:
    datasets.import_files("cifar10", write(tmp_path / "in", cifar_files()))
    with pytest.raises(DataSetError, match=f"40 training images here: choose 1 to 40, not {count}"):
        datasets.describe("cifar10", train_samples=count)


def _cut(name: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    return lambda files: {**files, name: files[name][:-1]}


MISFITS: dict[str, tuple[str, dict[str, bytes], str]] = {
    "a cut record": ("cifar10", _cut("test_batch.bin")(cifar_files()), "not a multiple of 3,073"),
    "no test batch": ("cifar10", {"data_batch_1.bin": cifar_batch(5, 1)}, "test_batch.bin missing"),
    "an empty batch": ("cifar10", {**cifar_files(), "test_batch.bin": b""}, "no samples"),
    "a label 10": ("cifar10", {**cifar_files(), "test_batch.bin": bytes([10]) + bytes(3072)}, "label 10"),
    "nothing of it": ("cifar10", {"cat.jpg": b"x"}, "neither these files nor an archive"),
    "nine columns": ("shuttle", {"shuttle.trn": b"1 2 3 4 5 6 7 8 1\n", "shuttle.tst": b""}, "line 1 has 9 values"),
    "a class 8": ("shuttle", {"shuttle.trn": b"1 2 3 4 5 6 7 8 9 8\n", "shuttle.tst": b""}, "class 8"),
    "letters": ("shuttle", {"shuttle.trn": b"a b\n", "shuttle.tst": b""}, "something else than integers"),
    "cut images": ("mnist", _cut("t10k-images-idx3-ubyte")(mnist_files()), "header promises"),
    "a wrong magic": (
        "mnist",
        {**mnist_files(), "t10k-images-idx3-ubyte": bytes(900)},
        "magic number is 0x00000000",
    ),
    "too few labels": (
        "mnist",
        {**mnist_files(), "train-labels-idx1-ubyte": mnist_files(train=7)["train-labels-idx1-ubyte"]},
        "30 train images have 7 labels",
    ),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_files_that_do_not_fit_are_refused_with_what_was_expected(tmp_path: Path, data_dir: Path, misfit: str) -> None:
    name, files, problem = MISFITS[misfit]
    with pytest.raises(DataSetError, match=problem) as caught:
        datasets.import_files(name, write(tmp_path / "in", files))
    assert "Expected: " in str(caught.value)
    assert not list(data_dir.rglob("*.*"))


def test_a_refused_import_leaves_what_was_there(tmp_path: Path) -> None:
    before = datasets.import_files("cifar10", write(tmp_path / "good", cifar_files()))
    with pytest.raises(DataSetError):
        datasets.import_files("cifar10", write(tmp_path / "bad", _cut("test_batch.bin")(cifar_files())))
    assert datasets.verify("cifar10") == before


@pytest.mark.parametrize("mode", ["gz", "xz"])
def test_a_cut_off_archive_gives_one_clear_message(tmp_path: Path, mode: str) -> None:
    archive = tmp_path / "cifar.tar"
    archive.write_bytes(tar_of(cifar_files(), mode)[:40_000])
    with pytest.raises(DataSetError, match="damaged or cut off"):
        datasets.import_files("cifar10", archive)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"no file or folder .*gone"):
        datasets.import_files("cifar10", tmp_path / "gone")


def test_other_shuttle_files_are_used_until_the_shipped_ones_are_fetched_back(tmp_path: Path) -> None:
    train, test = shuttle_text(30, 1), shuttle_text(20, 2)
    files = {"shuttle.trn.xz": lzma.compress(train), "shuttle.tst.gz": gzip.compress(test)}
    dataset = datasets.import_files("shuttle", write(tmp_path / "in", files))
    data = datasets.load(dataset)
    rows = np.array(train.split(), dtype=np.int64).reshape(-1, 10)
    assert (dataset.source, dataset.train_samples, dataset.test_samples) == ("imported", 30, 20)
    np.testing.assert_array_equal(data.train_labels, rows[:, 9] - 1)
    np.testing.assert_array_equal(np.argsort(data.train_inputs[:, 0]), np.argsort(rows[:, 1]))
    assert datasets.fetch("shuttle").source == "shipped"
    assert datasets.describe("shuttle").train_samples == 43_500


def test_importing_the_official_shuttle_texts_changes_nothing(tmp_path: Path) -> None:
    shipped = datasets.describe("shuttle")
    packed = shuttle.SHIPPED_FILE.read_bytes()
    files = {
        "shuttle.trn": pack_shuttle.unpack(packed, slice(0, 43_500)),
        "shuttle.tst": pack_shuttle.unpack(packed, slice(43_500, None)),
    }
    assert datasets.import_files("shuttle", write(tmp_path / "in", files)) == shipped


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_is_read_from_idx_files_packed_or_not(tmp_path: Path, packed: bool) -> None:
    plain = mnist_files()
    files = {f"{name}.gz": gzip.compress(content) for name, content in plain.items()} if packed else plain
    data = datasets.load(datasets.import_files("mnist", write(tmp_path / "in", files)))
    pixels = np.frombuffer(plain["train-images-idx3-ubyte"][16:], np.uint8).reshape(-1, 28, 28, 1)
    np.testing.assert_array_equal(data.train_inputs, (pixels / 255).astype(np.float32))
    assert data.train_labels.tolist() == list(plain["train-labels-idx1-ubyte"][8:])
    assert data.test_inputs.shape == (12, 28, 28, 1)
