"""Every page of four sites at every width: nothing overflows, nothing fails, and what is missing says what to type."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from tests.browser.conftest import Visit
from tests.browser.sites import SITES, empty, paths
from tests.browser.test_every_page import TOO_WIDE

pytestmark = pytest.mark.browser
WIDTHS = (320, 390, 600, 820, 1280, 2560)


@pytest.mark.parametrize("make", SITES.values(), ids=SITES)
def test_every_page_fits_at_every_width(visit: Visit, db: None, make: Callable[[], None]) -> None:
    make()
    wide = {}
    for path in paths():
        visit.go(path)
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 900})
            if found := visit.page.evaluate(TOO_WIDE):
                wide[path, width] = found[:2]
        assert visit.trouble == [], path
    assert not wide


def test_a_site_without_runs_says_on_each_page_what_to_type_or_where_to_go(visit: Visit, db: None) -> None:
    empty()
    for name in (
        "home",
        "explore",
        "speed-ups",
        "threads",
        "inference",
        "compare",
        "recommendation",
        "runs",
        "machines",
    ):
        visit.go(reverse(name))
        words = visit.page.locator("main").inner_text()
        assert "make bench" in words or "runbench" in words, name
