"""The data folder: where unpacked files lie, the list of what they are, and putting new ones in place at once.

`BENCHSITE_DATA_DIR/NAME/current.json` lists the files in use; they lie in a folder beside it that is named after
their content. Replacing that one small file is what changes the data, so a reader sees the old or the new, never a mix.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from engines.contract import DataSource
from engines.datasets.source import Role, Source
from engines.errors import DataSetError

_MANIFEST = "current.json"
_CHUNK_BYTES = 1 << 20
_STAGING_PREFIX = ".new-"
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class StoredFile:
    """An unpacked file. It holds samples `first` to `first + samples` of its role; `sha256` is the whole file's."""

    name: str
    role: Role
    first: int
    samples: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Holding:
    """The files of one data set that runs use. `folder` is empty for what ships with the project."""

    source: DataSource
    files: tuple[StoredFile, ...]
    folder: str = ""

    def samples(self, role: Role) -> int:
        return max((file.first + file.samples for file in self.files if file.role == role), default=0)

    def files_used(self, train_samples: int) -> tuple[StoredFile, ...]:
        """The test files, and the training files that hold the first `train_samples`."""
        return tuple(file for file in self.files if file.role == "test" or file.first < train_samples)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over lines of name and hash as `sha256sum` prints them: `sha256sum NAMES | sha256sum` is the same."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def digest_of(files: Iterable[StoredFile]) -> str:
    return digest_of_files((file.name, file.sha256) for file in files)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def data_dir() -> Path:
    """`BENCHSITE_DATA_DIR`, else benchsite/datasets in the user's cache folder."""
    if chosen := os.environ.get("BENCHSITE_DATA_DIR"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "benchsite" / "datasets"


def folder_of(source: Source) -> Path:
    return data_dir() / source.name


def path_of(source: Source, holding: Holding, file: StoredFile) -> Path:
    return folder_of(source) / holding.folder / file.name


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turns what the system says about a full or closed disk into a DataSetError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataSetError(f"The disk is full: free some space in {folder}, or set BENCHSITE_DATA_DIR.") from error
        raise DataSetError(
            f"Cannot write in {folder} ({error.strerror or error}): "
            "set BENCHSITE_DATA_DIR to a folder that you may write."
        ) from error


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raises DataSetError before anything is written that would not fit."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DataSetError(
            f"The disk is too full: {needed_bytes / 1e6:,.0f} MB are needed in {folder}, {free / 1e6:,.0f} MB are "
            "free. Free some space, or set BENCHSITE_DATA_DIR."
        )


def read_holding(source: Source) -> Holding | None:
    """What lies in the data folder, or None; raises DataSetError where its list or a file's size is wrong."""
    path = folder_of(source) / _MANIFEST
    try:
        holding = _parsed(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise damaged(source) from error
    if not all(_has_its_size(path_of(source, holding, file), file) for file in holding.files):
        raise damaged(source)
    return holding


def _parsed(document: dict[str, object]) -> Holding:
    files = document["files"]
    if not isinstance(files, list) or document["source"] not in ("shipped", "downloaded", "imported"):
        raise ValueError("not a list of files")
    return Holding(document["source"], tuple(StoredFile(**file) for file in files), str(document["folder"]))


def _has_its_size(path: Path, file: StoredFile) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes


def damaged(source: Source) -> DataSetError:
    return DataSetError(
        f"The stored files of {source.title} are damaged or incomplete. "
        f"Get them again: `python manage.py datasets fetch {source.name}` or `datasets import {source.name} PATH`."
    )


@contextmanager
def staging(source: Source) -> Iterator[Path]:
    """A folder of its own to unpack in; whatever is left in it at the end is removed."""
    home = folder_of(source)
    with writing_to(home):
        home.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(home)
        staged = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=home))
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _remove_abandoned(home: Path) -> None:
    """What a killed process left."""
    for entry in home.glob(f"{_STAGING_PREFIX}*"):
        if time.time() - entry.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(entry, ignore_errors=True)


def put_in_place(source: Source, staged: Path, origin: DataSource, files: tuple[StoredFile, ...]) -> Holding:
    """Make the staged files the current ones and remove those that they replace."""
    home = folder_of(source)
    holding = Holding(origin, files, digest_of(files)[:16])
    with writing_to(home):
        shutil.rmtree(home / holding.folder, ignore_errors=True)
        staged.chmod(0o755)
        staged.rename(home / holding.folder)
        _replace_text(home / _MANIFEST, json.dumps(asdict(holding), indent=1))
    _remove_others(home, holding.folder)
    return holding


def _replace_text(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    with fresh.open("w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _remove_others(home: Path, current: str) -> None:
    for entry in home.iterdir():
        if entry.is_dir() and entry.name != current and not entry.name.startswith("."):
            shutil.rmtree(entry, ignore_errors=True)


def forget(source: Source) -> None:
    """Remove what was imported, so that what ships with the project is used again."""
    home = folder_of(source)
    with writing_to(home):
        (home / _MANIFEST).unlink(missing_ok=True)
    if home.is_dir():
        _remove_others(home, "")
