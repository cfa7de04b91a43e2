"""Long texts that are much alike, each compressed by itself with a dictionary of what they share (RFC 8878, Zstandard).

A frame names the dictionary that it was made with, so that dictionaries may follow one another: the newest packs, and
each that ever packed unpacks. They are files of this code, and none is ever changed or removed.
"""

from __future__ import annotations

from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any

import zstandard
from django.db import models

DICTIONARIES = Path(__file__).parent / "dictionaries"
NEWEST = 1
_LEVEL = 3
"""9 takes three times as long for three hundredths less."""


def pack(text: str) -> bytes:
    return _own.compressor().compress(text.encode())


def unpack(frame: bytes | memoryview) -> str:
    """Raises zstandard.ZstdError for what is no frame, ValueError for one of a dictionary that this code has not."""
    number = zstandard.get_frame_parameters(frame).dict_id
    return _own.decompressor(number).decompress(frame).decode()


class _Contexts(local):
    """Those of one thread: the library lets go of the interpreter's lock in them, and two threads would share them."""

    def __init__(self) -> None:
        self._compressor: zstandard.ZstdCompressor | None = None
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    def compressor(self) -> zstandard.ZstdCompressor:
        if self._compressor is None:
            self._compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_dictionary(NEWEST))
        return self._compressor

    def decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        if number not in self._decompressors:
            self._decompressors[number] = zstandard.ZstdDecompressor(dict_data=_dictionary(number))
        return self._decompressors[number]


_own = _Contexts()


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
