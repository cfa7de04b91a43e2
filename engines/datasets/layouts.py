"""Does an unpacked file have the layout that it should have, and how many samples are in it? Standard library only."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

from engines.datasets.catalogue import EXPECTED, Layout, Part
from engines.errors import DataSetError

CIFAR_RECORD_BYTES = 1 + 3 * 32 * 32
IDX_IMAGES_HEADER = struct.Struct(">IIII")
IDX_LABELS_HEADER = struct.Struct(">II")
SHUTTLE_COLUMNS = 10
_IDX_IMAGES_MAGIC, _IDX_LABELS_MAGIC = 0x803, 0x801
_IDX_SIDE = 28
_HIGHEST_LABEL = 9


class _MisfitError(Exception):
    """What about the file does not fit."""


def count_samples(path: Path, part: Part) -> int:
    """Raises DataSetError that says what was expected and what was found."""
    try:
        samples = _COUNTERS[part.layout](path)
        if samples == 0:
            raise _MisfitError("it has no samples")
    except _MisfitError as error:
        raise DataSetError(f"{part.file} does not fit: {error}. Expected: {EXPECTED[part.layout]}.") from error
    return samples


def _count_cifar(path: Path) -> int:
    samples, rest = divmod(path.stat().st_size, CIFAR_RECORD_BYTES)
    if rest:
        raise _MisfitError(f"its {path.stat().st_size:,} bytes are not a multiple of {CIFAR_RECORD_BYTES:,}")
    with path.open("rb") as file:
        while block := file.read(1000 * CIFAR_RECORD_BYTES):
            _check_labels(block[::CIFAR_RECORD_BYTES])
    return samples


def _check_labels(labels: bytes) -> None:
    if max(labels, default=0) > _HIGHEST_LABEL:
        raise _MisfitError(f"it has a label {max(labels)}")


def _count_idx_images(path: Path) -> int:
    with path.open("rb") as file:
        header = file.read(IDX_IMAGES_HEADER.size)
    if len(header) < IDX_IMAGES_HEADER.size:
        raise _MisfitError("it is too short")
    magic, samples, height, width = IDX_IMAGES_HEADER.unpack(header)
    if magic != _IDX_IMAGES_MAGIC:
        raise _MisfitError(f"its magic number is 0x{magic:08x}")
    if (height, width) != (_IDX_SIDE, _IDX_SIDE):
        raise _MisfitError(f"its images are {height}x{width}")
    _check_size(path, IDX_IMAGES_HEADER.size + samples * height * width)
    return int(samples)


def _count_idx_labels(path: Path) -> int:
    content = path.read_bytes()
    if len(content) < IDX_LABELS_HEADER.size:
        raise _MisfitError("it is too short")
    magic, samples = IDX_LABELS_HEADER.unpack_from(content)
    if magic != _IDX_LABELS_MAGIC:
        raise _MisfitError(f"its magic number is 0x{magic:08x}")
    _check_size(path, IDX_LABELS_HEADER.size + samples)
    _check_labels(content[IDX_LABELS_HEADER.size :])
    return int(samples)


def _check_size(path: Path, expected_bytes: int) -> None:
    if path.stat().st_size != expected_bytes:
        raise _MisfitError(f"it has {path.stat().st_size:,} bytes where its header promises {expected_bytes:,}")


def _count_shuttle(path: Path) -> int:
    samples = 0
    for line in path.read_bytes().splitlines():
        samples += 1
        _check_shuttle_line(line, samples)
    return samples


def _check_shuttle_line(line: bytes, number: int) -> None:
    try:
        values = [int(field) for field in line.split()]
    except ValueError:
        raise _MisfitError(f"line {number} has something else than integers") from None
    if len(values) != SHUTTLE_COLUMNS:
        raise _MisfitError(f"line {number} has {len(values)} values")
    if not 1 <= values[-1] <= 7:
        raise _MisfitError(f"line {number} has class {values[-1]}")
    if max(map(abs, values)) >= 1 << 31:
        raise _MisfitError(f"line {number} has a value of more than 32 bits")


_COUNTERS: dict[Layout, Callable[[Path], int]] = {
    "shuttle-text": _count_shuttle,
    "cifar-binary": _count_cifar,
    "idx-images": _count_idx_images,
    "idx-labels": _count_idx_labels,
}
