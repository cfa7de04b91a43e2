"""A published experiment in a browser, from a plain file server: it looks alive, and asks nobody for anything."""

from __future__ import annotations

import functools
import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser

from runs.services.recording import record_runs
from tests.browser.conftest import Visit
from tests.browser.test_every_page import TOO_WIDE, violations
from tests.runs.copies.test_publish import lab

pytestmark = pytest.mark.browser
LINKS = "[...document.querySelectorAll('a[href]')].map(each => each.href.split('#')[0])"
DRAWN = "[...document.querySelectorAll('figure[data-drawn]')].map(each => each.dataset.drawn)"
OF_A_KIND = 5


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def copy(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The address of a copy that lies below its server's root, as on a group's web space."""
    record_runs(records=lab("Lab, November"))
    call_command("publish", "Lab, November", str(tmp_path / "papers" / "appendix"), stdout=io.StringIO())
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/papers/appendix"
        server.shutdown()


def test_a_copy_works_without_its_site(browser: Browser, copy: str) -> None:
    """Its pages, and of those that are much alike a few."""
    visit = Visit(browser.new_page(), copy)
    visit.listen()
    to_do, seen, charts = ["/index.html"], set[str](), 0
    while to_do:
        path = to_do.pop(0)
        kind = path.split("/")[1]
        if path in seen or sum(each.split("/")[1] == kind for each in seen) == OF_A_KIND:
            continue
        seen.add(path)
        visit.go(path)
        charts += len(visit.page.evaluate(DRAWN))
        links = [each.removeprefix(copy) for each in visit.page.evaluate(LINKS) if each.startswith(copy)]
        to_do += [each for each in links if each.endswith(".html")]
        assert visit.trouble == [], path
    assert len({each.split("/")[1] for each in seen}) > 14
    assert charts >= 5
    for width in (390, 1280):
        visit.page.set_viewport_size({"width": width, "height": 900})
        for path in ("/index.html", "/explore/index.html", "/runs/index.html", "/claims/index.html"):
            visit.go(path)
            assert visit.page.evaluate(TOO_WIDE) == [], path
            assert violations(visit) == [], path
    visit.page.context.close()
