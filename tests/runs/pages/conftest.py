"""What the tests of the pages share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.runs.site_rows import Site


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    """Hashed file names need a collectstatic, which tests do without."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def site() -> Site:
    return Site(blocks=3)
