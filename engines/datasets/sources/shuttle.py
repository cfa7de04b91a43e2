"""Statlog Shuttle. It ships with the project: 58,000 rows of ten little-endian int16, row by row, xz-compressed.

Eight attributes are features: the first column, the time, is left out, as the study's networks have eight inputs.
"""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

from engines.datasets import tables
from engines.datasets.folder import Holding, StoredFile
from engines.datasets.source import Part, Shipped, Source, Table
from engines.errors import DataSetError

SHIPPED_FILE = Path(__file__).parents[1] / "files" / "shuttle.int16.xz"
SHIPPED_SHA256 = "cdfb1673dd7903ea3c1a4376a368f56566e07d024fe6097c2e00e2d5895d2f86"


def shipped_holding() -> Holding:
    """Named and hashed as the official text files, which the shipped file holds in full."""
    counts = {"train": SOURCE.train_samples, "test": SOURCE.test_samples}
    files = tuple(StoredFile(part.file, part.role, 0, counts[part.role], 0, part.sha256 or "") for part in SOURCE.parts)
    return Holding("shipped", files)


def shipped_rows() -> tuple[bytes]:
    """The unpacked rows, training rows first; raises DataSetError if the file is damaged."""
    try:
        packed = SHIPPED_FILE.read_bytes()
    except OSError as error:
        raise _damaged() from error
    if hashlib.sha256(packed).hexdigest() != SHIPPED_SHA256:
        raise _damaged()
    return (lzma.decompress(packed),)


def _damaged() -> DataSetError:
    return DataSetError(
        "The Shuttle data that ships with Benchsite (engines/datasets/files/shuttle.int16.xz) is missing or damaged. "
        "Get the file again: `git checkout engines/datasets/files`, or install Benchsite anew."
    )


# ---------------------------------------------------------------- the official text files


_TABLE = Table(columns=10, features=slice(1, 9), label=9, first_class=1)
_TEXT = tables.text_layout("shuttle-text", "lines of ten integers, the last one the class, 1 to 7", _TABLE, classes=7)
SOURCE = Source(
    name="shuttle",
    title="Shuttle",
    unit="samples",
    shape=(8,),
    classes=7,
    train_samples=43_500,
    test_samples=14_500,
    parts=(
        Part("shuttle.trn", "train", _TEXT, "87b24ee9fb5137e1d417659cf905d84d0e15342bbaa60770f1ae83da1a38200a"),
        Part("shuttle.tst", "test", _TEXT, "f776934a628d9b94c482cb058a76ddaa63823e0f74aec065813c9dff3b89d661"),
    ),
    expected_files="shuttle.trn and shuttle.tst, plain or as .xz or .gz",
    licence="CC BY 4.0",
    majority_share=11_478 / 14_500,
    reference="https://doi.org/10.24432/C5WS31",
    table=_TABLE,
    shipped=Shipped(shipped_holding, shipped_rows),
    place=1,
)
