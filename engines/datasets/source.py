"""What is said of a data set: its shape, its files and how their samples lie, its official addresses and checksums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from engines.datasets.folder import Holding

Role = Literal["train", "test"]
HIGHEST_BYTE_LABEL = 9


class MisfitError(Exception):
    """What about a file does not fit its layout."""


@dataclass(frozen=True)
class Layout:
    """How the samples of one file lie: after a header, one record of bytes for each, label first; or as text."""

    name: str
    expected: str
    """In words, for whoever brings another file."""
    count: Callable[[Path], int]
    """How many samples are in a file; raises MisfitError if it has another layout."""
    header_bytes: int = 0
    has_labels: bool = True
    has_inputs: bool = True


@dataclass(frozen=True)
class Table:
    """The columns of a tabular data set: which are the features, and which is the class, counted from `first_class`."""

    columns: int
    features: slice
    label: int
    first_class: int = 0


@dataclass(frozen=True)
class Shipped:
    """Samples that are part of the project: what they are called and hashed as, and their bytes."""

    holding: Callable[[], Holding]
    content: Callable[[], tuple[bytes, ...]]
    """Rows as little-endian int16, training rows first; pixels and labels; a text. Raises DataSetError if damaged."""


@dataclass(frozen=True)
class Part:
    """One file of samples as it lies unpacked in the data folder; `sha256` is the official file's, if known."""

    file: str
    role: Role
    layout: Layout
    sha256: str | None = None


@dataclass(frozen=True)
class Download:
    """One official file; the addresses are tried in order."""

    file: str
    addresses: tuple[str, ...]
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Progress:
    """How much of a download is there."""

    file: str
    done_bytes: int
    total_bytes: int


ProgressCallback = Callable[[Progress], None]
FIRST_CONTACT_SECONDS = 10.0


@dataclass(frozen=True)
class Source:
    """A data set. `shape` is one sample's as engines see it, () for a character; counts are the official ones."""

    name: str
    title: str
    unit: Literal["samples", "images", "characters"]
    shape: tuple[int, ...]
    classes: int
    train_samples: int
    test_samples: int
    parts: tuple[Part, ...]
    expected_files: str
    licence: str
    reference: str
    downloads: tuple[Download, ...] = ()
    unpacked_bytes: int = 0
    synthetic: bool = False
    majority_share: float | None = None
    """What always guessing the commonest class is right on, of the test samples."""
    system_folder: str = ""
    """Where a system's package puts the same files: taken from there before anything is downloaded."""

    table: Table | None = None
    """Of a tabular data set; None for images and text."""
    shipped: Shipped | None = None
    place: int = 100
    """Where it stands in lists: the study's two first."""

    @property
    def is_text(self) -> bool:
        return self.shape == ()

    @property
    def download_bytes(self) -> int:
        return sum(item.bytes for item in self.downloads)


def check_byte_labels(labels: bytes) -> None:
    """Raises MisfitError for a label beyond the ten that image sets here have."""
    if max(labels, default=0) > HIGHEST_BYTE_LABEL:
        raise MisfitError(f"it has a label {max(labels)}")
