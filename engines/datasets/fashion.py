"""The images that ship with the project: Fashion-MNIST's 10,000 test images, as the official gzipped IDX files."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from engines.datasets import layouts
from engines.datasets.catalogue import SOURCES
from engines.datasets.folder import Holding, StoredFile
from engines.errors import DataSetError

FOLDER = Path(__file__).parent / "files"
IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
_SHA256 = {
    IMAGES: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    LABELS: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
}


def shipped_holding() -> Holding:
    """Both files twice: their first images are trained on, the others tested on."""
    source = SOURCES["fashion-mnist-10k"]
    train = (StoredFile(file, "train", 0, source.train_samples, 0, digest) for file, digest in _SHA256.items())
    test = (StoredFile(file, "test", 0, source.test_samples, 0, digest) for file, digest in _SHA256.items())
    return Holding("shipped", (*train, *test))


def shipped_images() -> tuple[bytes, bytes]:
    """All pixels and all labels, one byte each, in the files' order; raises DataSetError if a file is damaged."""
    return _content(IMAGES)[layouts.IDX_IMAGES_HEADER.size :], _content(LABELS)[layouts.IDX_LABELS_HEADER.size :]


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
