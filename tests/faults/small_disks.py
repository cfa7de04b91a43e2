"""A disk that is nearly full, for one table of PostgreSQL: a file system in memory, which only root may mount."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.db import connection

_NAME = f"nearly_full_{os.getpid()}"
"""A server has one such name for all its databases."""
_PAGE = 8192
_AMPLE = "512m"


@cache
def can_mount() -> bool:
    with tempfile.TemporaryDirectory(prefix="benchsite-mount-") as folder:
        if os.geteuid() != 0 or _mount(f"size={_AMPLE}", folder).returncode:
            return False
        return not subprocess.run(["umount", folder], check=False).returncode


@contextmanager
def nearly_full(table: str, spare_pages: int) -> Iterator[Callable[[], None]]:
    """The table and what it keeps beside itself lie where so many pages are left. Yields what makes room again."""
    with tempfile.TemporaryDirectory(prefix="benchsite-disk-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server has a user of its own
        disk = folder / "disk"
        disk.mkdir()
        _mount(f"size={_AMPLE}", str(disk)).check_returncode()
        try:
            shutil.chown(disk, *_server_owner())
            _execute(f"CREATE TABLESPACE {_NAME} LOCATION '{disk}'")
            _execute(f"ALTER TABLE {table} SET TABLESPACE {_NAME}")
            _execute("CHECKPOINT")  # what moved is written, and what it was before is gone
            _mount(f"remount,size={_used(disk) + spare_pages * _PAGE}", str(disk)).check_returncode()
            yield lambda: _mount(f"remount,size={_AMPLE}", str(disk)).check_returncode()
        finally:
            _mount(f"remount,size={_AMPLE}", str(disk))
            _execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            _execute("CHECKPOINT")
            _execute(f"DROP TABLESPACE {_NAME}")
            subprocess.run(["umount", str(disk)], check=True)


def _mount(options: str, folder: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)


def _used(disk: Path) -> int:
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _server_owner() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        (folder,) = cursor.fetchone()
    found = Path(folder).stat()
    return found.st_uid, found.st_gid


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
