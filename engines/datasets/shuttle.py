"""The Shuttle data that ships with the project: 58,000 rows of ten little-endian int16, row by row, xz-compressed."""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

from engines.datasets.catalogue import SOURCES
from engines.datasets.folder import Holding, StoredFile
from engines.errors import DataSetError

SHIPPED_FILE = Path(__file__).parent / "files" / "shuttle.int16.xz"
SHIPPED_SHA256 = "cdfb1673dd7903ea3c1a4376a368f56566e07d024fe6097c2e00e2d5895d2f86"


def shipped_holding() -> Holding:
    """Named and hashed as the official text files, which the shipped file holds in full."""
    source = SOURCES["shuttle"]
    counts = {"train": source.train_samples, "test": source.test_samples}
    files = tuple(StoredFile(part.file, part.role, 0, counts[part.role], 0, part.sha256 or "") for part in source.parts)
    return Holding("shipped", files)


def shipped_rows() -> bytes:
    """The unpacked rows, training rows first; raises DataSetError if the file is damaged."""
    try:
        packed = SHIPPED_FILE.read_bytes()
    except OSError as error:
        raise _damaged() from error
    if hashlib.sha256(packed).hexdigest() != SHIPPED_SHA256:
        raise _damaged()
    return lzma.decompress(packed)


def _damaged() -> DataSetError:
    return DataSetError(
        "The Shuttle data that ships with Benchsite (engines/datasets/files/shuttle.int16.xz) is missing or damaged. "
        "Get the file again: `git checkout engines/datasets/files`, or install Benchsite anew."
    )
