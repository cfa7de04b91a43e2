"""Reading pages, their charts and their tables, as a browser would ask for them."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.test import Client
from django.urls import reverse

from runs.models import Run
from runs.pages.index import CHARTS, PLAIN, TABLES


def text(client: Client, url: str, status: int = 200, **headers: Any) -> str:
    answer = client.get(url, **headers)
    assert answer.status_code == status, url
    return answer.content.decode()


def chart(client: Client, query: str = "") -> dict[str, Any]:
    sent: dict[str, Any] = client.get(reverse("chart", args=["time-per-epoch"]) + query).json()
    return sent


def csv_table(client: Client, slug: str, query: str = "") -> list[dict[str, str]]:
    answer = client.get(reverse("table", args=[slug, "csv"]) + query)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def every_page() -> list[str]:
    """Every page that the rows at hand have."""
    urls = [reverse(name) for name in PLAIN]
    urls += [reverse("figure", args=["4-5"]), reverse("figure", args=["4-9"]), reverse("figure", args=["4-20"])]
    urls += [reverse("claim", args=["mlp-cpu-tf-beats-th"])]
    urls += [reverse("search") + "?q=bench", reverse("machines") + "?q=bench&sort=-cores"]
    urls += [reverse("runs") + "?sort=-seconds", reverse("explore") + "?y=memory&x=flops"]
    urls += [reverse("engine", args=["theano"]), reverse("notes", args=["theano"])]
    if run := Run.objects.first():
        named = f"?run={run.run_id}&machine={run.machine.pk}&figure=4-5&claim=mlp-cpu-tf-beats-th"
        urls += [
            run.get_absolute_url(),
            reverse("experiment", args=[run.experiment.slug]),
            reverse("coverage", args=[run.experiment.slug]),
            reverse("your-case") + "?network=mlp&layers=2&width=25",
            reverse("machine", args=[run.machine.pk]),
            reverse("environment", args=[run.environment.pk]),
            *(reverse("chart", args=[slug]) + named for slug in CHARTS),
            *(reverse("table", args=[slug, form]) + named for slug in TABLES for form in ("csv", "json")),
            reverse("progress", args=[run.experiment.slug]),
        ]
    return urls
