"""What the pages about the study, the exports and the live look do in a real browser."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.urls import reverse

from runs.models import Coverage, Machine, Run
from tests.browser.conftest import Visit
from tests.runs.site_rows import Site, make_workload

pytestmark = pytest.mark.browser

CHART = "Chart.getChart(document.querySelector('canvas'))"
FIGURE = "document.querySelector('figure[data-chart]')"


def at_bench_1(name: str, *args: str, query: str = "") -> str:
    return f"{reverse(name, args=args)}?machine={Machine.objects.get(name='bench-1').pk}{query}"


def test_a_figure_is_drawn_in_the_studys_nomenclature(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("figure", "4-6"))
    looks = visit.page.evaluate(
        f"{CHART}.data.datasets.map(set => [set.label, set.pointStyle, set.borderDash.length > 0, set.filled])"
    )
    assert looks == [
        ["Keras · Theano · 8 layers", "circle", True, False],
        ["Keras · Theano · 16 layers", "circle", True, True],
        ["Keras · TensorFlow · 8 layers", "rect", True, False],
        ["Keras · TensorFlow · 16 layers", "rect", True, True],
    ]
    assert visit.page.evaluate(f"{CHART}.options.scales.y.type") == "logarithmic"


def test_next_and_all_engines_lead_on(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("figure", "4-5"))
    visit.page.get_by_role("link", name="All engines").click()
    visit.until(f"{CHART}?.data.datasets.length === 8")
    visit.page.get_by_role("link", name="4.6 →").click()
    visit.page.wait_for_url("**/figures/4-6/*engines=all*")


def test_the_csv_the_canvas_and_the_address_say_the_same_numbers(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("explore", query="&network=mlp"))
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    drawn = visit.page.evaluate(f"{CHART}.data.datasets.flatMap(set => set.data.map(at => at.y))")
    assert sorted(float(row["seconds"]) for row in rows) == pytest.approx(sorted(drawn))
    assert len(rows) == 32


def test_the_exported_svg_shows_every_series(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("explore", query="&network=mlp"))
    text = visit.page.evaluate(f"window.chartAs.svg({FIGURE}).then(blob => blob.text())")
    root = ElementTree.fromstring(text)
    drawn = [element for element in root.iter() if element.tag.endswith("path") and element.get("stroke-dasharray")]
    assert root.tag.endswith("svg")
    assert text.lower().count("#205493") > 4
    assert text.lower().count("#c07000") > 4
    assert len(drawn) >= 4
    assert {element.text for element in root.iter() if element.tag.endswith("text")} >= {"25", "200", "Time per epoch"}
    assert 'font-size="12px"' in text
    assert visit.trouble == []


def test_an_exported_picture_says_what_it_shows_of_what_and_where_it_comes_from(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("explore", query="&network=mlp"))
    visit.page.locator(".legend-item").first.click()
    labels = [each.inner_text() for each in visit.page.locator(".legend-item").all()]
    text = visit.page.evaluate(f"window.chartAs.svg({FIGURE}).then(blob => blob.text())")
    said = {element.text for element in ElementTree.fromstring(text).iter() if element.tag.endswith("text")}
    note = visit.page.locator("figcaption > span").first.inner_text()
    assert said >= {"Time per epoch", note, visit.page.url, *labels[1:]}
    assert labels[0] not in said
    (source,) = [each for each in said if each and each.startswith(f"{site.experiment.name} · bench-1 · 20")]
    assert source == " ".join(source.split())


def test_the_exported_png_opens_on_a_ground_of_its_own(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("explore", query="&network=mlp"))
    found = visit.page.evaluate(
        f"window.chartAs.png({FIGURE}).then(async blob => {{ const image = await createImageBitmap(blob);"
        " const canvas = new OffscreenCanvas(image.width, image.height); const ctx = canvas.getContext('2d');"
        " ctx.drawImage(image, 0, 0); const { data } = ctx.getImageData(0, 0, image.width, image.height);"
        " let blue = 0; for (let at = 0; at < data.length; at += 4)"
        " if ([32, 84, 147].every((hue, part) => Math.abs(data[at + part] - hue) < 12)) blue += 1;"
        " return [image.width, [...data.slice(0, 4)], blue]; })"
    )
    assert found[0] == 1920
    assert found[1] == [255, 255, 255, 255]
    assert found[2] > 500


def test_zooming_in_can_be_undone(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("explore", query="&network=mlp"))
    before = visit.page.evaluate(f"[{CHART}.scales.x.min, {CHART}.scales.x.max]")
    box = visit.page.locator("canvas").bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + 300, box["y"] + 60)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + 520, box["y"] + 260, steps=4)
    visit.page.mouse.up()
    visit.until(f"{CHART}.scales.x.max < {before[1]}")
    visit.page.get_by_role("button", name="Reset zoom").click()
    assert visit.page.evaluate(f"[{CHART}.scales.x.min, {CHART}.scales.x.max]") == before


def test_many_series_become_small_charts_with_one_scale(visit: Visit, whole_site: Site) -> None:
    threads = "".join(f"&threads={count}" for count in (1, 2, 4, 8, 16))
    visit.go(at_bench_1("explore", query=f"&network=mlp{threads}"))
    charts = "[...document.querySelectorAll('canvas')].map(canvas => Chart.getChart(canvas))"
    counts = visit.page.evaluate(f"{charts}.map(chart => chart.data.datasets.length)")
    assert len(counts) > 1
    assert sum(counts) == 16
    scales = visit.page.evaluate(f"{charts}.map(chart => [chart.scales.y.min, chart.scales.y.max].join())")
    assert len(set(scales)) == 1


def test_select_all_takes_every_choice(visit: Visit, whole_site: Site) -> None:
    visit.go(at_bench_1("explore", query="&network=mlp"))
    visit.page.get_by_role("link", name="All of CPU threads").click()
    visit.until("document.querySelectorAll('input[name=threads]:checked').length === 5")


def test_new_results_are_offered_and_the_page_stays(visit: Visit, site: Site) -> None:
    visit.go(reverse("experiment", args=[site.experiment.slug]))
    visit.page.wait_for_timeout(2500)
    button = visit.page.get_by_role("link", name="New results: show them")
    assert not button.is_visible()
    visit.page.evaluate("document.querySelector('[data-live]').dataset.runs = '1'")
    visit.page.reload()
    site.cell("tensorflow", make_workload("mlp", 2, 25), seconds=1)
    visit.until("!document.querySelector('[data-live-fresh]').hidden")
    assert button.is_visible()


# ---------------------------------------------------------------- three clicks from the home page


def test_the_framework_for_a_cnn_on_a_cpu_and_its_evidence(visit: Visit, site: Site) -> None:
    later = Run.objects.latest("finished_at").finished_at + timedelta(minutes=1)
    Coverage.objects.filter(machine=site.machine).update(newest_run_at=later)
    visit.go(reverse("home"))
    card = visit.page.locator("section.answer", has_text="CNN on the CPU")
    assert "TensorFlow" in card.locator("h2").inner_text()
    card.get_by_role("link", name="Evidence").click()
    visit.page.wait_for_url("**/recommendation/**#cnn_cpu")


def test_the_run_with_the_largest_time(visit: Visit, site: Site) -> None:
    visit.go(reverse("home"))
    visit.page.get_by_role("navigation", name="Main").get_by_role("link", name="Data", exact=True).click()
    visit.page.get_by_role("link", name="Largest time first").click()
    visit.page.wait_for_url("**sort=-seconds**")
    visit.page.locator("tbody th a").first.click()
    visit.page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    slowest = Run.objects.filter(seconds__isnull=False).order_by("-seconds")[0]
    assert visit.page.url.endswith(slowest.get_absolute_url())


def test_the_speed_up_table_and_how_to_upload(visit: Visit, site: Site) -> None:
    visit.go(reverse("home"))
    visit.page.get_by_role("link", name="All speed-ups, with their intervals").click()
    assert visit.page.get_by_text("Table 4.7").first.is_visible()
    visit.go(reverse("home"))
    visit.page.get_by_role("link", name="How to upload").click()
    assert "uploadruns" in visit.page.locator("main").inner_text()


def test_the_language_is_switched_and_kept(visit: Visit, site: Site) -> None:
    visit.go(at_bench_1("explore"))
    visit.page.get_by_role("button", name="Español").click()
    visit.page.wait_for_load_state()
    assert visit.page.get_by_role("heading", name="Explorar").is_visible()
    assert "machine=" in visit.page.url
    visit.go(reverse("claims"))
    assert visit.page.get_by_role("heading", name="¿Sigue siendo cierto el estudio de 2017?").is_visible()
