"""What the tests of the site share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture(autouse=True)
def _the_next_test_reads_english() -> Iterator[None]:
    """A page in another language leaves it active: a server sets it at the next request, a test does not."""
    yield
    translation.deactivate()
