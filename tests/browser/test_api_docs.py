"""The API's documentation works offline, under the site's own policy, and asks no other host."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visit
from tests.runs.site_rows import Site

pytestmark = pytest.mark.browser


def test_the_documentation_is_drawn_and_tries_a_call(visit: Visit, whole_site: Site) -> None:
    visit.go("/api/docs/")
    page = visit.page
    page.wait_for_selector("#operations-v1-Engines_get")
    assert page.title() == "The REST API · Benchsite"
    page.click("#operations-v1-Engines_get .opblock-summary-control")
    page.click("#operations-v1-Engines_get .try-out__btn")
    page.click("#operations-v1-Engines_get .execute")
    page.wait_for_selector("#operations-v1-Engines_get .live-responses-table tbody .response-col_status")
    assert "200" in page.inner_text("#operations-v1-Engines_get .live-responses-table tbody .response-col_status")
    assert visit.trouble == []
