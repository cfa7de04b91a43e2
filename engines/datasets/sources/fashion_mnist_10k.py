"""The images that ship with the project: Fashion-MNIST's 10,000 test images, as the official gzipped IDX files."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from engines.datasets import idx
from engines.datasets.folder import Holding, StoredFile
from engines.datasets.source import Shipped, Source
from engines.errors import DataSetError

FOLDER = Path(__file__).parents[1] / "files"
IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
_SHA256 = {
    IMAGES: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    LABELS: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}


def shipped_holding() -> Holding:
    """Both files twice: their first images are trained on, the others tested on."""
    train = (StoredFile(file, "train", 0, SOURCE.train_samples, 0, digest) for file, digest in _SHA256.items())
    test = (StoredFile(file, "test", 0, SOURCE.test_samples, 0, digest) for file, digest in _SHA256.items())
    return Holding("shipped", (*train, *test))


def shipped_images() -> tuple[bytes, bytes]:
    """All pixels and all labels, one byte each, in the files' order; raises DataSetError if a file is damaged."""
    return _content(IMAGES)[idx.IDX_IMAGES_HEADER.size :], _content(LABELS)[idx.IDX_LABELS_HEADER.size :]


def _content(file: str) -> bytes:
    try:
        packed = (FOLDER / file).read_bytes()
    except OSError as error:
        raise _damaged(file) from error
    if hashlib.sha256(packed).hexdigest() != _SHA256[file]:
        raise _damaged(file)
    return gzip.decompress(packed)


def _damaged(file: str) -> DataSetError:
    return DataSetError(
        f"The images that ship with Benchsite (engines/datasets/files/{file}) are missing or damaged. "
        "Get the file again: `git checkout engines/datasets/files`, or install Benchsite anew."
    )


SOURCE = Source(
    name="fashion-mnist-10k",
    title="Fashion-MNIST's test images",
    unit="images",
    shape=(28, 28, 1),
    classes=10,
    train_samples=8_000,
    test_samples=2_000,
    parts=(),
    expected_files="",
    licence="MIT",
    reference="https://github.com/zalandoresearch/fashion-mnist",
    majority_share=224 / 2_000,
    shipped=Shipped(shipped_holding, shipped_images),
    place=5,
)
