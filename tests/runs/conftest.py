"""What the tests of the site share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation

from runs.selectors import environments, history


@pytest.fixture(autouse=True)
def _the_next_test_reads_english() -> Iterator[None]:
    """A page in another language leaves it active: a server sets it at the next request, a test does not."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nothing_is_known_of_another_test_s_rows() -> None:
    """Each test's database has the same keys and hashes for other rows, as no server's ever has."""
    environments._known.clear()
    history._kept.clear()
