"""IDX files, as MNIST and its likes come in: 28x28 grey images in one, their labels in another."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from engines.datasets.source import Download, Layout, MisfitError, Part, check_byte_labels

IDX_IMAGES_HEADER = struct.Struct(">IIII")
IDX_LABELS_HEADER = struct.Struct(">II")
_IDX_IMAGES_MAGIC, _IDX_LABELS_MAGIC = 0x803, 0x801
_IDX_SIDE = 28


def _count_idx_images(path: Path) -> int:
    with path.open("rb") as file:
        header = file.read(IDX_IMAGES_HEADER.size)
    if len(header) < IDX_IMAGES_HEADER.size:
        raise MisfitError("it is too short")
    magic, samples, height, width = IDX_IMAGES_HEADER.unpack(header)
    if magic != _IDX_IMAGES_MAGIC:
        raise MisfitError(f"its magic number is 0x{magic:08x}")
    if (height, width) != (_IDX_SIDE, _IDX_SIDE):
        raise MisfitError(f"its images are {height}x{width}")
    _check_size(path, IDX_IMAGES_HEADER.size + samples * height * width)
    return int(samples)


def _count_idx_labels(path: Path) -> int:
    content = path.read_bytes()
    if len(content) < IDX_LABELS_HEADER.size:
        raise MisfitError("it is too short")
    magic, samples = IDX_LABELS_HEADER.unpack_from(content)
    if magic != _IDX_LABELS_MAGIC:
        raise MisfitError(f"its magic number is 0x{magic:08x}")
    _check_size(path, IDX_LABELS_HEADER.size + samples)
    check_byte_labels(content[IDX_LABELS_HEADER.size :])
    return int(samples)


def _check_size(path: Path, expected_bytes: int) -> None:
    if path.stat().st_size != expected_bytes:
        raise MisfitError(f"it has {path.stat().st_size:,} bytes where its header promises {expected_bytes:,}")


IMAGES = Layout(
    "idx-images",
    "an IDX file of 28x28 images (magic number 0x00000803)",
    _count_idx_images,
    header_bytes=IDX_IMAGES_HEADER.size,
    has_labels=False,
)
LABELS = Layout(
    "idx-labels",
    "an IDX file of labels 0 to 9 (magic number 0x00000801)",
    _count_idx_labels,
    header_bytes=IDX_LABELS_HEADER.size,
    has_inputs=False,
)
PARTS = (
    Part("train-images-idx3-ubyte", "train", IMAGES),
    Part("train-labels-idx1-ubyte", "train", LABELS),
    Part("t10k-images-idx3-ubyte", "test", IMAGES),
    Part("t10k-labels-idx1-ubyte", "test", LABELS),
)
EXPECTED_FILES = (
    "the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte "
    "and t10k-labels-idx1-ubyte, plain or as .gz"
)


def downloads(folders: tuple[str, ...], files: Iterable[tuple[str, str, int]]) -> tuple[Download, ...]:
    """Of each file its name, sha256 and size."""
    return tuple(
        Download(f"{file}.gz", tuple(f"{folder}{file}.gz" for folder in folders), sha256, size)
        for file, sha256, size in files
    )
