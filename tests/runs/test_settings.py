"""What the site makes for itself at its first start."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from benchsite.secret_key import read_or_make_secret_key


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    key = read_or_make_secret_key(path)
    assert len(key) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_secret_key(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def check(var: Path, *, disk_is_full: bool = False) -> subprocess.CompletedProcess[str]:
    """`manage.py check` with that folder. A file-size limit stands for the end of the disk."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))) if disk_is_full else None
    environment = {**os.environ, "BENCHSITE_VAR": str(var)}
    environment.pop("SECRET_KEY", None)
    command = [sys.executable, "-B", "manage.py", "check"]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, preexec_fn=limit, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("place", "reason"), [("file", "File exists"), ("file/below", "Not a directory"), ("full", "File too large")]
)
def test_a_folder_that_cannot_be_used_is_one_message(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    answer = check(tmp_path / place, disk_is_full=place == "full")
    assert answer.returncode == 1
    assert answer.stderr == (
        f"{tmp_path / place} cannot be used: {reason}. Fix that, or name another folder in BENCHSITE_VAR.\n"
    )


def test_a_disk_that_was_full_leaves_no_half_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "fdopen", _no_space)
        with pytest.raises(SystemExit, match="cannot be used: No space left on device"):
            read_or_make_secret_key(tmp_path / "secret_key")
    assert list(tmp_path.iterdir()) == []
    assert len(read_or_make_secret_key(tmp_path / "secret_key")) >= 50


def _no_space(descriptor: int, _mode: str) -> None:
    os.close(descriptor)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_debug_is_off_by_default() -> None:
    assert settings.DEBUG is False


@pytest.mark.django_db
def test_sqlite_runs_with_foreign_keys_and_a_write_ahead_log() -> None:
    if connection.vendor != "sqlite":
        assert connection.vendor == "postgresql"
        return
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 20_000


def test_postgresql_is_reached_through_psycopg2() -> None:
    code = "from django.db.backends.postgresql import psycopg_any; print(psycopg_any.is_psycopg3)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
