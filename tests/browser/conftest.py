"""A headless Chromium, a seeded site, and an ear on what goes wrong in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, Request, sync_playwright

from runs.models import Run
from tests import chromium
from tests.runs.profiles import store_profile
from tests.runs.site_rows import Site, make_machine, make_workload, seed_gpu, seed_study, seed_threads


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def _plain_static(settings: Any) -> None:
    """Hashed file names need a collectstatic, which a test server does without."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@dataclass
class Visit:
    """A page of the test site. `trouble` collects console errors, failed requests and requests to other hosts."""

    page: Page
    home: str
    trouble: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", lambda said: self.trouble.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("requestfailed", lambda request: self._failed(request))
        self.page.on("request", lambda request: self._is_ours(request.url))

    def _failed(self, request: Request) -> None:
        """A page that is left takes its open requests with it."""
        if request.failure != "net::ERR_ABORTED":
            self.trouble.append(f"failed: {request.url}: {request.failure}")

    def _is_ours(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "blob:")):
            self.trouble.append(f"left the host: {url}")

    def fresh(self, **settings: Any) -> Visit:
        """Somebody else's visit: nothing cached, nothing kept."""
        browser = self.page.context.browser
        assert browser is not None
        return Visit(browser.new_context(**settings).new_page(), self.home)

    def go(self, path: str) -> None:
        """Opens a page and waits until its fonts and charts are there."""
        self.page.goto(self.home + path)
        self.page.evaluate("document.fonts.ready.then(() => true)")
        self.until("!document.querySelector('figure[data-chart]:not([data-drawn])')")

    def until(self, expression: str) -> None:
        """Waits until JavaScript says true, asked from outside: the page's own policy forbids evaluating in it."""
        give_up = time.monotonic() + 20
        while not self.page.evaluate(expression):
            assert time.monotonic() < give_up, f"never true: {expression}"
            self.page.wait_for_timeout(50)


@pytest.fixture
def site(transactional_db: None) -> Site:
    """Two machines, one with a GPU; the study's published tables."""
    call_command("loadstudy", verbosity=0)
    site = Site(blocks=3)
    seed_study(site)
    gpu = Site(blocks=3, experiment=site.experiment, machine=make_machine("gpu-box", gpus=["NVIDIA H100"]))
    for device, seconds in (("cpu", 1.0), ("gpu", 0.05)):
        gpu.cell("tensorflow", make_workload("mlp", 16, 200), seconds=seconds, device=device)
    return site


@pytest.fixture
def whole_site(site: Site) -> Site:
    """With several thread counts, a tuned track, two profiles, and all that the study ran on its GPU."""
    seed_threads(site)
    site.cell("tensorflow", make_workload("mlp", 8, 25), seconds=0.012, track="tuned")
    for engine in ("tensorflow", "theano"):
        store_profile(Run.objects.with_everything().filter(engine=engine, track="idiomatic").order_by("pk")[0])
    seed_gpu(Site(blocks=3, experiment=site.experiment, machine=make_machine("study-gpu", gpus=["NVIDIA H100"])))
    return site


@pytest.fixture
def visit(
    browser: Browser, transactional_db: None, live_server: Any, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    """Parametrized indirectly with (width, theme, language); a wide light English page otherwise.

    It is closed before the database is emptied, which a page that still asks would lock.
    """
    width: int
    theme: Literal["light", "dark"]
    width, theme, language = getattr(request, "param", (1280, "light", "en"))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, locale=language)
    context.set_default_timeout(20_000)
    visit = Visit(context.new_page(), live_server.url)
    visit.listen()
    yield visit
    visit.page.goto("about:blank")
    context.close()
