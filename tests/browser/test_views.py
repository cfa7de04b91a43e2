"""Views saved under a name come back from the search's page, in this browser alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Dialog, expect

from tests.browser.conftest import Visit
from tests.browser.test_every_page import violations
from tests.runs.site_rows import Site

pytestmark = pytest.mark.browser


def answering(name: str | None) -> Callable[[Dialog], None]:
    return lambda dialog: dialog.dismiss() if name is None else dialog.accept(name)


def save(visit: Visit, name: str | None) -> None:
    visit.page.once("dialog", answering(name))
    visit.page.get_by_role("button", name="Save view").click()


def test_a_saved_view_is_found_again_with_all_of_its_address_and_forgotten(visit: Visit, site: Site) -> None:
    view = f"{reverse('explore')}?network=mlp&scale=linear"
    visit.go(view)
    save(visit, "Wide <b>MLPs</b>")
    visit.go(reverse("claims"))
    save(visit, "All claims")
    save(visit, None)
    visit.go(reverse("search"))
    names = visit.page.locator("[data-views] a")
    expect(names).to_have_text(["All claims", "Wide <b>MLPs</b>"])
    assert violations(visit) == []
    names.nth(1).click()
    visit.page.wait_for_url(f"**{view}")
    visit.go(reverse("search"))
    visit.page.get_by_role("button", name="Forget: All claims").click()
    expect(names).to_have_text(["Wide <b>MLPs</b>"])
    visit.page.get_by_role("button", name="Forget: Wide").click()
    expect(visit.page.locator("[data-views]")).to_be_hidden()
    assert visit.trouble == []


def test_a_view_saved_again_under_its_name_takes_its_place(visit: Visit, site: Site) -> None:
    for path in (reverse("claims"), reverse("compare")):
        visit.go(path)
        save(visit, "mine")
    visit.go(reverse("search"))
    expect(visit.page.locator("[data-views] a")).to_have_attribute("href", reverse("compare"))


def test_where_a_browser_keeps_nothing_it_says_so(visit: Visit, site: Site) -> None:
    visit.go(reverse("claims"))
    visit.page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('no room'); }; }")
    told: list[str] = []

    def hear(dialog: Dialog) -> None:
        told.append(dialog.message)
        dialog.accept("mine")

    visit.page.on("dialog", hear)
    visit.page.get_by_role("button", name="Save view").click()
    assert told[-1] == "This browser keeps nothing for this site."
