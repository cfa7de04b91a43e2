"""What the site makes for itself at its first start."""

from __future__ import annotations

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
