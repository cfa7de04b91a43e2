"""Every page, in both themes and languages, narrow and wide: sound, accessible, and fitting its window.

With the variable SCREENSHOTS set to a folder (`make screenshots`), a picture of each goes there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Visit
from tests.browser.paths import all_paths
from tests.runs.site_rows import Site

pytestmark = pytest.mark.browser
SCREENSHOTS = os.environ.get("SCREENSHOTS")
WALKS = [(1280, "light", "en"), (1280, "dark", "es"), (390, "dark", "en"), (390, "light", "es")]
AUDITED = (WALKS[0], WALKS[2])
"""Each theme once, wide and narrow; what axe looks at does not depend on the language."""
UNNAMED = (
    "[...document.querySelectorAll('a, button, input:not([type=hidden]), select')].filter(e =>"
    " !e.innerText?.trim() && !e.textContent.trim() && !e.ariaLabel && !e.labels?.length).map(e => e.outerHTML)"
)


TOO_WIDE = (
    "document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]"
    ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.table-scroll'))"
    ".map(e => e.outerHTML.slice(0, 120))"
)


def violations(visit: Visit) -> list[str]:
    found = Axe().run(visit.page).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"][:3]]


def picture(visit: Visit, name: str, walk: tuple[int, str, str]) -> None:
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=folder / f"{name}-{'-'.join(map(str, walk))}.png", full_page=True)


@pytest.mark.parametrize(("visit", "walk"), [(walk, walk) for walk in WALKS], indirect=["visit"])
def test_every_page_is_sound_accessible_and_fits(visit: Visit, whole_site: Site, walk: tuple[int, str, str]) -> None:
    for name, path in all_paths().items():
        visit.go(path)
        assert visit.page.evaluate(TOO_WIDE) == [], name
        assert visit.page.evaluate(UNNAMED) == [], name
        assert visit.page.evaluate("document.querySelectorAll('h1').length") == 1, name
        assert visit.page.evaluate("document.documentElement.lang") == walk[2]
        picture(visit, name, walk)
        if walk in AUDITED:
            assert violations(visit) == [], name
        assert visit.trouble == [], name


@pytest.mark.parametrize("visit", [(320, "light", "es"), (2560, "dark", "en")], indirect=True)
def test_every_page_fits_the_smallest_and_the_largest_window(visit: Visit, whole_site: Site) -> None:
    for name, path in all_paths().items():
        visit.page.goto(visit.home + path)
        assert visit.page.evaluate(TOO_WIDE) == [], name
