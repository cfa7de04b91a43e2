"""What visitors come for, from the home page in three clicks at most, on a quick site as well as on a rich one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, expect

from runs.models import Run
from tests.browser.conftest import Visit
from tests.browser.sites import quick, rich

pytestmark = pytest.mark.browser
MOST_CLICKS = 3
RUN = re.compile(r"/runs/[0-9a-f-]{36}/$")


@dataclass
class Walk:
    """From the home page on; every click is counted."""

    visit: Visit
    clicks: int = 0

    def click(self, what: Locator) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS, "too many clicks"
        what.first.click()
        self.visit.page.wait_for_load_state("load")

    def link(self, name: str | re.Pattern[str], within: str = "body", *, exact: bool = False) -> None:
        self.click(self.visit.page.locator(within).get_by_role("link", name=name, exact=exact))

    def words(self) -> str:
        return self.visit.page.locator("main").inner_text()


@pytest.fixture(params=[quick, rich], ids=["quick", "rich"])
def walk(visit: Visit, db: None, request: pytest.FixtureRequest) -> Walk:
    make: Callable[[], None] = request.param
    make()
    visit.go("/")
    return Walk(visit)


def test_from_a_verdict_to_a_run_that_it_rests_on(walk: Walk) -> None:
    walk.link(re.compile("^Evidence"), "section.answer")
    walk.click(walk.visit.page.locator("td a[href*='/runs/?']"))
    walk.click(walk.visit.page.locator("tbody th a"))
    expect(walk.visit.page).to_have_url(RUN)


def test_the_run_that_took_longest(walk: Walk) -> None:
    walk.link("Data", "header", exact=True)
    walk.link("Longest run first")
    walk.click(walk.visit.page.locator("tbody th a"))
    longest = Run.objects.order_by("-lasted_seconds", "-pk")[0]
    expect(walk.visit.page).to_have_url(re.compile(f"{longest.get_absolute_url()}$"))


def test_one_engine_against_another_at_one_kind_of_network(walk: Walk) -> None:
    walk.link("Compare", "header", exact=True)
    page = walk.visit.page
    assert page.locator(".sides select").count() >= 2
    assert page.get_by_label("Network").first.is_visible()
    assert "×" in walk.words()


def test_what_a_network_s_size_means(walk: Walk) -> None:
    sized = walk.visit.page.locator("[title*='hidden layers'], [title*='convolution']").first
    expect(sized).to_be_visible()
    walk.link("Glossary", "footer")
    assert "hidden layers" in walk.words()


def test_how_to_upload_from_another_machine(walk: Walk) -> None:
    walk.link("Add your machine", "footer")
    words = walk.words()
    assert "uploadruns" in words
    assert "token" in words
    walk.link("Create a token", "main")
    expect(walk.visit.page).to_have_url(re.compile("/accounts/sign-in/"))


def test_how_an_engine_scales_with_threads(walk: Walk) -> None:
    walk.link("Threads", "header", exact=True)
    experiments = walk.visit.page.get_by_label("Experiment")
    study = experiments.locator("option", has_text="invented experiment")
    if study.count():  # the rich site's newest experiment has one thread count
        walk.clicks += 1
        with walk.visit.page.expect_navigation():
            experiments.select_option(study.first.get_attribute("value"))
    drawn = (
        "[...document.querySelectorAll('figure[data-chart]')].some(each => chartOf(each)?.chart?.data.datasets.length)"
    )
    walk.visit.until(drawn)


def test_sharing_a_view_keeps_what_is_hidden(walk: Walk) -> None:
    walk.link("Explore", "header", exact=True)
    page = walk.visit.page
    walk.visit.until("!document.querySelector('figure[data-chart]:not([data-drawn])')")
    walk.click(page.locator(".legend button"))
    assert "hide=" in page.url
    again = walk.visit.fresh()
    again.go(page.url.removeprefix(walk.visit.home))
    expect(again.page.locator(".legend button").first).to_have_attribute("aria-pressed", "false")
    again.page.context.close()


def test_why_a_run_failed(walk: Walk) -> None:
    failed = Run.objects.exclude(status__in=("finished", "unsupported")).latest("finished_at")
    walk.link("Data", "header", exact=True)
    walk.clicks += 1  # a choice of a filter is one as well
    walk.visit.page.get_by_label("Status").select_option(failed.status)
    walk.visit.page.wait_for_url(re.compile("status="))
    assert failed.reason[:40] in walk.words()


def test_repeating_a_run(walk: Walk) -> None:
    walk.link("Data", "header", exact=True)
    walk.click(walk.visit.page.locator("tbody th a"))
    words = walk.words()
    assert "python manage.py" in words
    assert "seed" in words.lower()
    assert walk.visit.page.get_by_role("button", name="Copy").first.is_visible()
    assert walk.visit.page.get_by_role("link", name="Its record as JSON").is_visible()


def test_a_chart_s_numbers_as_a_file_that_explains_itself(walk: Walk) -> None:
    walk.link("Explore", "header", exact=True)
    address = walk.visit.page.get_by_role("link", name="CSV").first.get_attribute("href")
    head = walk.visit.page.request.get(f"{walk.visit.home}{address}").text().splitlines()[0]
    assert {"experiment", "machine", "device", "threads", "track", "engine"} <= set(head.split(","))


def test_what_to_use_for_my_own_network(walk: Walk) -> None:
    walk.click(walk.visit.page.locator("form[action='/your-case/'] button"))
    assert "/your-case/" in walk.visit.page.url
    assert "×" in walk.words()


def test_anything_is_found_by_its_name(walk: Walk) -> None:
    walk.link("Search", "header", exact=True)
    walk.visit.page.get_by_role("searchbox").fill("MLP 8x100")
    walk.click(walk.visit.page.locator("main form button, main form [type=submit]"))
    assert "8×100" in walk.words()


def test_which_machine_for_a_network(walk: Walk) -> None:
    walk.link("Data", "header", exact=True)
    walk.link("Hardware", exact=True)
    assert "/hardware/" in walk.visit.page.url
    assert walk.words().strip()


def test_does_the_study_still_hold(walk: Walk) -> None:
    walk.link("All claims, with their numbers")
    walk.click(walk.visit.page.locator("main a[href*='/claims/']:visible"))
    assert re.search(r"/claims/[a-z]", walk.visit.page.url)
