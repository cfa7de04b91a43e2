"""Long texts that are much alike, each compressed by itself with a dictionary of what they share (RFC 8878, Zstandard).

A frame names the dictionary that it was made with, so that dictionaries may follow one another: the newest packs, and
each that ever packed unpacks. They are files of this code, and none is ever changed or removed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zstandard
from django.db import models

DICTIONARIES = Path(__file__).parent / "dictionaries"
NEWEST = 1
_LEVEL = 3
"""9 takes three times as long for three hundredths less."""


def pack(text: str) -> bytes:
    return _compressor().compress(text.encode())


def unpack(frame: bytes | memoryview) -> str:
    """Raises zstandard.ZstdError for what is no frame, ValueError for one of a dictionary that this code has not."""
    number = zstandard.get_frame_parameters(frame).dict_id
    return _decompressor(number).decompress(frame).decode()


@cache
def _compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=_LEVEL, dict_data=_dictionary(NEWEST))


@cache
def _decompressor(number: int) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(dict_data=_dictionary(number))


def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    try:
        content = (DICTIONARIES / f"{number}.zdict").read_bytes()
    except FileNotFoundError:
        raise ValueError(f"This was packed with dictionary {number}, which is of a newer Benchsite.") from None
    return zstandard.ZstdCompressionDict(content)


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class PackedTextField(_TextField):
    """A text in Python, its frame in the database: no query can look into it."""

    def get_internal_type(self) -> str:
        return "BinaryField"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return pack(value) if isinstance(value, str) else value

    def from_db_value(self, value: Any, *_: Any) -> str | None:
        return None if value is None else unpack(value)
