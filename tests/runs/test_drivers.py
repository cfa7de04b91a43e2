"""Which driver reaches PostgreSQL: psycopg2 comes with Benchsite; Django takes psycopg 3 where that is installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engines.environments import tools
from tests.runs.upload.sites import site_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
_DRIVER = """
from django.db.backends.postgresql.psycopg_any import is_psycopg3
print("DRIVER", 3 if is_psycopg3 else 2)
"""
_SUMMARIES = """
from tests.runs.kept import kept_rows
print(kept_rows())
"""
ASKED = (("exportruns",), ("claims",), ("shell", "--verbosity", "0", "-c", _SUMMARIES))


def test_psycopg_3_stores_and_reads_what_psycopg2_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("Drivers of PostgreSQL are compared on PostgreSQL: make postgres-tests")
    folder = tools.fetch("psycopg", say=print)
    if folder is None:
        pytest.skip("psycopg 3 is not here, and cannot be fetched.")
    two = _answers(tmp_path / "2")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    three = _answers(tmp_path / "3")
    assert (two.pop("driver"), three.pop("driver")) == ("DRIVER 2", "DRIVER 3")
    assert all(two.values())
    assert two == three


def _answers(var: Path) -> dict[str, str]:
    """What a new site says that got the results that ship, by the commands that were given."""
    var.mkdir()
    with site_in(var) as site:
        driver = site.manage("shell", "--verbosity", "0", "-c", _DRIVER).strip()
        site.manage("loadresults")
        site.manage("rebuildsummaries")
        return {"driver": driver, **{" ".join(words): site.manage(*words) for words in ASKED}}
