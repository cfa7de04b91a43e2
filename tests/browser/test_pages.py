from __future__ import annotations

import contextlib
import gzip
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from playwright.sync_api import Dialog, Response, Route
from playwright.sync_api import Error as PlaywrightError

from runs.models import Machine, Run
from runs.pages.index import PLAIN
from tests.browser.conftest import Visit
from tests.runs.site_rows import Site, make_machine, make_workload

pytestmark = pytest.mark.browser

MOST_BYTES = 200_000
CHART = "Chart.getChart(document.querySelector('canvas'))"


def explore_bench_1(query: str = "") -> str:
    return f"{reverse('explore')}?machine={Machine.objects.get(name='bench-1').pk}&network=mlp{query}"


def test_the_chart_holds_the_numbers_that_its_address_gives(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    sent = visit.page.evaluate("fetch(document.querySelector('figure').dataset.chart).then(answer => answer.json())")
    drawn = visit.page.evaluate(f"{CHART}.data.datasets.map(set => [set.label, set.data.map(at => [at.x, at.y])])")
    assert drawn == [[one["label"], [[at["x"], at["y"]] for at in one["data"]]] for one in sent["data"]["datasets"]]
    assert len(drawn) == 8


def test_the_axes_hold_every_point_and_the_lines_are_seen(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    scales: dict[str, Any] = visit.page.evaluate(
        f"(() => {{ const {{ x, y }} = {CHART}.scales; return {{ x: [x.min, x.max], y: [y.min, y.max],"
        " words: x.ticks.map(tick => tick.label) }; })()"
    )
    points = visit.page.evaluate(f"{CHART}.data.datasets.flatMap(set => set.data.map(at => [at.x, at.y]))")
    assert all(scales["x"][0] < x < scales["x"][1] and scales["y"][0] <= y <= scales["y"][1] for x, y in points)
    assert scales["words"] == ["25", "50", "100", "200"]
    for hue in ("#205493", "#c07000"):
        assert pixels_of(visit, hue) > 500


def pixels_of(visit: Visit, colour: str) -> int:
    """How many of the canvas' pixels are nearly of this colour."""
    rgb = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    found: int = visit.page.evaluate(
        "(rgb) => { const canvas = document.querySelector('canvas');"
        " const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); let n = 0;"
        " for (let at = 0; at < data.length; at += 4)"
        " if (data[at + 3] > 200 && rgb.every((part, index) => Math.abs(part - data[at + index]) < 12)) n += 1;"
        " return n; }",
        rgb,
    )
    return found


def test_intervals_are_drawn_where_there_are_runs_enough(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1("&engine=theano&layers=8&scale=linear"))
    with_bars = pixels_of(visit, "#205493")
    visit.page.evaluate(f"{CHART}.options.plugins.intervals.shown = false; {CHART}.update()")
    assert with_bars > pixels_of(visit, "#205493")


def test_marks_with_one_x_stand_side_by_side_and_are_told_together(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1("&width=100&layers=8"))
    places = visit.page.evaluate(
        f"{CHART}.data.datasets.map((set, at) => Math.round({CHART}.getDatasetMeta(at).data[0].x))"
    )
    assert len(places) == 4
    assert len({later - earlier for earlier, later in pairwise(places)}) == 1
    assert places[1] - places[0] > 10
    assert visit.page.evaluate(f"{CHART}.data.datasets.map(set => set.data.map(at => at.x))") == [[100]] * 4
    visit.page.locator("figure canvas").hover()
    visit.until(f"{CHART}.tooltip.dataPoints?.length === 4")


def test_a_series_is_hidden_by_keyboard_and_the_others_keep_their_look(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    before = visit.page.evaluate(f"{CHART}.data.datasets.map(set => [set.borderColor, set.pointStyle])")
    item = visit.page.locator(".legend-item").first
    item.focus()
    visit.page.keyboard.press("Enter")
    assert item.get_attribute("aria-pressed") == "false"
    assert visit.page.evaluate(f"[0, 1].map(index => {CHART}.isDatasetVisible(index))") == [False, True]
    assert visit.page.evaluate(f"{CHART}.data.datasets.map(set => [set.borderColor, set.pointStyle])") == before
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate(f"{CHART}.isDatasetVisible(0)")


def test_a_filter_changes_the_page_in_place_and_back_undoes_it(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    visit.page.evaluate("window.sameDocument = true")
    visit.page.get_by_role("checkbox", name="Keras · Theano").uncheck()
    visit.until(f"{CHART}?.data.datasets.length === 6")
    assert "engine=theano" in visit.page.url
    visit.page.go_back()
    visit.until(f"{CHART}?.data.datasets.length === 8")
    assert visit.page.evaluate("window.sameDocument")
    assert visit.page.get_by_role("checkbox", name="Keras · Theano").is_checked()
    assert visit.trouble == []


def test_the_scale_switches_between_log_and_linear(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    visit.page.get_by_role("link", name="Linear").click()
    visit.until(f"{CHART}?.scales.y.type === 'linear'")
    assert visit.page.evaluate(f"{CHART}.scales.y.min") == 0


@pytest.mark.parametrize("visit", [(1280, "dark", "en")], indirect=True)
def test_the_theme_follows_the_system_until_switched_and_is_kept(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    theme = "document.documentElement.dataset.theme"
    assert visit.page.evaluate(theme) == "dark"
    assert pixels_of(visit, "#5b9bd5") > 500
    visit.page.get_by_role("button", name="Light theme").click()
    assert visit.page.evaluate(theme) == "light"
    assert pixels_of(visit, "#205493") > 500
    visit.go(reverse("home"))
    assert visit.page.evaluate(theme) == "light"


@pytest.mark.parametrize("visit", [(390, "light", "en")], indirect=True)
def test_on_a_phone_a_button_opens_the_menu(visit: Visit, site: Site) -> None:
    visit.go(reverse("home"))
    link = visit.page.get_by_role("link", name="Speed-ups", exact=True)
    assert not link.is_visible()
    visit.page.get_by_role("button", name="Menu").click()
    link.click()
    visit.page.wait_for_url("**/speed-ups/")


@pytest.mark.parametrize("visit", [(390, "light", "en")], indirect=True)
def test_on_a_phone_filters_are_closed_where_they_end(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    opens = visit.page.get_by_role("button", name="Filters", exact=True)
    opens.click()
    done = visit.page.get_by_role("button", name="Show 32 cells")
    assert done.is_visible()
    done.click()
    assert not visit.page.locator("#filters").is_visible()
    assert opens.get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("visit", [(390, "light", "en")], indirect=True)
def test_on_a_phone_a_table_with_sentences_becomes_lists(visit: Visit, site: Site) -> None:
    visit.go(reverse("recommendation"))
    table = visit.page.locator(".table-stacks").first
    assert table.evaluate("e => e.parentElement.scrollWidth - e.parentElement.clientWidth") == 0
    column, cell = table.locator("thead th").nth(1), table.locator("tbody td").first
    words = cell.evaluate("e => getComputedStyle(e, '::before').content")
    assert words == f'"{column.text_content()}"'
    assert cell.bounding_box()["y"] >= table.locator("tbody th").first.bounding_box()["y"] + 20  # type: ignore[index]


def test_a_list_of_runs_fits_a_usual_window(visit: Visit, site: Site) -> None:
    machine = make_machine("AMD EPYC, 2 threads (fa42d4)")
    workload = make_workload("cnn", 1, 2, data_source="synthetic")
    site.cell("keras-tensorflow", workload, seconds=0.0123, machine=machine)
    visit.go(reverse("runs"))
    assert visit.page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.table-scroll'))") == 0


def test_without_script_the_filters_still_work(visit: Visit, site: Site) -> None:
    fresh = visit.fresh(java_script_enabled=False)
    page = fresh.page
    page.goto(visit.home + explore_bench_1())
    page.get_by_role("checkbox", name="Keras · Theano").uncheck()
    page.get_by_role("button", name="Show").click()
    assert page.get_by_role("button", name="Keras · Theano · 8 layers").count() == 0
    assert page.get_by_role("button", name="Theano · 8 layers", exact=True).count() == 1
    assert page.get_by_text("Charts are drawn by JavaScript.").is_visible()
    assert not page.get_by_text("Drawing the chart").is_visible()
    page.context.close()


def test_a_printed_chart_says_of_which_experiment_and_machine_it_is(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    said = visit.page.locator("figcaption .print-only")
    assert not said.is_visible()
    visit.page.emulate_media(media="print")
    assert said.is_visible()
    assert "bench-1" in said.inner_text()


def test_a_first_visit_to_any_page_is_light(visit: Visit, site: Site) -> None:
    """Gzipped as the real server sends it; the test server sends files as they are."""
    for name in [*PLAIN, "figure"]:
        bodies: list[bytes] = []

        def keep(answer: Response, bodies: list[bytes] = bodies) -> None:
            bodies.append(answer.body())

        fresh = visit.fresh()
        fresh.page.on("response", keep)
        fresh.go(reverse(name, args=["4-5"] if name == "figure" else []))
        assert sum(min(len(body), len(gzip.compress(body))) for body in bodies) < MOST_BYTES, name
        assert len(bodies) > 5
        fresh.page.context.close()


def slow_answers(visit: Visit, *milliseconds: int) -> None:
    """The answers to the page's own questions come so late, in the order of the questions; later ones at once."""
    waits = list(milliseconds)

    def answer(route: Route) -> None:
        if route.request.resource_type == "fetch" and "text/html" in route.request.headers.get("accept", "") and waits:
            visit.page.wait_for_timeout(waits.pop(0))
        with contextlib.suppress(PlaywrightError):  # the page has given it up
            route.continue_()

    visit.page.route("**/explore/**", answer)


def chosen(visit: Visit, name: str) -> list[str]:
    found: list[str] = visit.page.evaluate(
        f"[...document.querySelectorAll('input[name={name}]:checked')].map(each => each.value)"
    )
    return sorted(found)


def settled(visit: Visit) -> None:
    visit.until("!document.querySelector('[data-swap][aria-busy]')")
    visit.until("!document.querySelector('figure[data-chart]:not([data-drawn])')")


def test_filters_clicked_in_quick_succession_are_all_heeded(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    before = chosen(visit, "engine")
    visit.page.evaluate(
        "async () => { for (const box of [...document.querySelectorAll('input[name=engine]')].slice(0, 2)) {"
        " document.getElementById(box.id).focus(); document.getElementById(box.id).click();"
        " await new Promise(done => setTimeout(done, 50)); } }"
    )
    settled(visit)
    after = chosen(visit, "engine")
    assert len(before) - len(after) == 2
    assert sorted(parse_qs(urlsplit(visit.page.url).query)["engine"]) == after


def test_a_late_answer_changes_nothing_and_a_link_waits_for_the_filter_before_it(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    slow_answers(visit, 700, 50)
    first, second = visit.page.locator("input[name=engine]").all()[:2]
    gone = {first.get_attribute("value"), second.get_attribute("value")}
    first.click()
    second.click()
    visit.page.get_by_role("link", name="Linear").click()
    settled(visit)
    visit.until("document.querySelector('a[data-swap-link][aria-current]').textContent.trim() === 'Linear'")
    assert gone.isdisjoint(chosen(visit, "engine"))
    asked = parse_qs(urlsplit(visit.page.url).query)
    assert asked["scale"] == ["linear"]
    assert gone.isdisjoint(asked["engine"])
    visit.page.unroute_all(behavior="ignoreErrors")


def test_a_choice_by_keyboard_keeps_its_focus(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    visit.page.get_by_role("link", name="Linear").focus()
    visit.page.keyboard.press("Enter")
    visit.until("document.querySelector('a[data-swap-link][aria-current]').textContent.trim() === 'Linear'")
    assert visit.page.evaluate("document.activeElement.textContent.trim()") == "Linear"


def hidden(visit: Visit) -> list[str]:
    found: list[str] = visit.page.evaluate(
        f"(() => {{ const chart = {CHART};"
        " return chart.data.datasets.filter((set, at) => !chart.isDatasetVisible(at)).map(set => set.label); })()"
    )
    return found


def test_hidden_series_are_in_the_address_and_stay_hidden_whatever_else_is_chosen(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    visit.page.get_by_role("button", name="Theano · 8 layers", exact=True).click()
    visit.page.get_by_role("button", name="TensorFlow · 16 layers", exact=True).click()
    away = ["Theano · 8 layers", "TensorFlow · 16 layers"]
    assert hidden(visit) == away
    visit.page.get_by_role("link", name="Linear").click()
    visit.until("document.querySelector('a[data-swap-link][aria-current]').textContent.trim() === 'Linear'")
    settled(visit)
    assert hidden(visit) == away
    assert sorted(parse_qs(urlsplit(visit.page.url).query)["hide"]) == sorted(away)
    shared = visit.page.url
    visit.page.get_by_role("button", name="Theano · 8 layers", exact=True).click()
    assert hidden(visit) == away[1:]
    visit.go(shared.removeprefix(visit.home))
    assert hidden(visit) == away
    visit.page.get_by_role("link", name="Reset").first.click()
    visit.until(f"!{CHART} || !document.querySelector('[data-swap][aria-busy]')")
    settled(visit)
    assert hidden(visit) == []


def test_another_theme_shows_the_same_part_of_a_chart(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    visit.page.evaluate(f"() => {{ {CHART}.zoomScale('x', {{ min: 40, max: 120 }}); }}")
    bounds = f"[{CHART}.scales.x.min, {CHART}.scales.x.max]"
    assert visit.page.evaluate(bounds) == [40, 120]
    visit.page.locator("[data-theme-switch]").click()
    assert visit.page.evaluate(bounds) == [40, 120]


def test_the_part_that_is_shown_is_in_the_address(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    frame = visit.page.locator("figure canvas").bounding_box()
    assert frame
    for at, do in ((0.3, visit.page.mouse.down), (0.6, visit.page.mouse.up)):
        visit.page.mouse.move(frame["x"] + at * frame["width"], frame["y"] + at * frame["height"], steps=5)
        do()
    visit.until("new URLSearchParams(location.search).get('zoom')")
    bounds = f"[{CHART}.scales.x.min, {CHART}.scales.x.max, {CHART}.scales.y.min, {CHART}.scales.y.max]"
    shown, shared = visit.page.evaluate(bounds), visit.page.url
    visit.go(shared.removeprefix(visit.home))
    assert visit.page.evaluate(bounds) == pytest.approx(shown, rel=1e-3)
    visit.page.get_by_role("button", name="Reset zoom").click()
    assert "zoom=" not in visit.page.url
    assert visit.page.evaluate(f"{CHART}.isZoomedOrPanned()") is False


def test_lines_are_named_where_they_end_if_there_is_room(visit: Visit, site: Site) -> None:
    names = f"{CHART}.options.plugins.lineEnds.names"
    visit.go(explore_bench_1())
    told = visit.page.evaluate(names)
    assert len(told) == len(set(told)) == visit.page.evaluate(f"{CHART}.data.datasets.length") > 1
    right = visit.page.evaluate(f"{CHART}.width - {CHART}.chartArea.right")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.go(explore_bench_1())
    assert not visit.page.evaluate(names)
    assert visit.page.evaluate(f"{CHART}.width - {CHART}.chartArea.right") < right


def test_what_is_pointed_at_tells_every_series_there(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    frame = visit.page.locator("figure canvas").bounding_box()
    assert frame
    at = visit.page.evaluate(f"{CHART}.scales.x.getPixelForValue({CHART}.data.datasets[0].data[0].x)")
    visit.page.mouse.move(frame["x"] + at, frame["y"] + frame["height"] / 2)
    visit.until(f"{CHART}.tooltip.opacity === 1")
    told = visit.page.evaluate(f"{CHART}.tooltip.dataPoints.map((point) => point.parsed.y)")
    first = f"{CHART}.data.datasets[0].data[0].x"
    there = visit.page.evaluate(
        f"{CHART}.data.datasets.filter((set) => set.data.some((point) => point.x === {first})).length"
    )
    assert len(told) == there > 1
    assert told == sorted(told)


def test_with_shift_the_legend_shows_one_series_alone(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    everyone = visit.page.locator(".legend-item").all_inner_texts()
    visit.page.locator(".legend-item").nth(1).click(modifiers=["Shift"])
    assert sorted(hidden(visit)) == sorted(name for name in everyone if name != everyone[1])
    visit.page.locator(".legend-item").nth(1).click(modifiers=["Shift"])
    assert hidden(visit) == []


def test_only_picks_one_choice_of_a_filter(visit: Visit, site: Site) -> None:
    visit.go(explore_bench_1())
    visit.page.get_by_role("link", name="Only Theano", exact=True).click()
    visit.until("document.querySelectorAll('input[name=engine]:checked').length === 1")
    settled(visit)
    assert {name.partition(" · ")[0] for name in visit.page.locator(".legend-item").all_inner_texts()} == {"Theano"}


def test_a_run_s_command_is_copied_and_offered_where_the_clipboard_is_refused(visit: Visit, site: Site) -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.go(reverse("run", args=[Run.objects.earliest("pk").run_id]))
    command = visit.page.locator("#command").inner_text().strip()
    button = visit.page.get_by_role("button", name="Copy the command")
    button.click()
    visit.until("document.querySelector('[data-copies]').textContent === 'Copied'")
    assert visit.page.evaluate("navigator.clipboard.readText()") == command
    visit.until("document.querySelector('[data-copies]').textContent !== 'Copied'")
    offered: list[str | None] = []

    def note(dialog: Dialog) -> None:
        offered.append(dialog.default_value)
        dialog.dismiss()

    visit.page.on("dialog", note)
    visit.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
    button.click()
    assert offered == [command]
    address = visit.page.get_by_role("link", name="Its record as JSON").get_attribute("href")
    assert visit.page.request.get(f"{visit.home}{address}").json()["run_id"] in visit.page.url


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_word_of_the_header_breaks_at_a_usual_width(visit: Visit, site: Site, language: str) -> None:
    fresh = visit.fresh(locale=language, viewport={"width": 1280, "height": 800})
    fresh.go("/")
    broken = fresh.page.evaluate(
        "(() => { const found = []; const range = document.createRange();"
        " const texts = document.createTreeWalker(document.querySelector('.site-header'), NodeFilter.SHOW_TEXT);"
        " while (texts.nextNode()) { range.selectNodeContents(texts.currentNode);"
        " if (texts.currentNode.data.trim() && range.getClientRects().length > 1) found.push(texts.currentNode.data); }"
        " return found; })()"
    )
    assert broken == []
    fresh.page.context.close()
