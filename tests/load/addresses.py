"""Every page and every read of the API, with the rows of a seeded site in their addresses."""

from __future__ import annotations

from django.urls import reverse

from runs.models import Experiment, Run
from runs.pages.index import PLAIN

_API_LISTS = ("experiments", "machines", "environments", "workloads", "engines", "runs", "summaries", "exclusions")
_API_FINDINGS = ("comparisons", "speed-ups", "scaling", "recommendation", "claims", "charts", "acts")


def pages() -> dict[str, str]:
    """Name -> address. Rows from the middle of what is stored, lest all that is read be the newest."""
    run = _run()
    one_machine = f"experiment={run.experiment.slug}&machine={run.machine_id}"
    runs, explore = reverse("runs"), reverse("explore")
    return {
        **{name: reverse(name) for name in PLAIN},
        "home of an older experiment": f"{reverse('home')}?{one_machine}",
        "explore: panels": f"{explore}?network=mlp&device=cpu&panels=split&{one_machine}",
        "explore: accuracy": f"{explore}?y=accuracy&{one_machine}",
        "figure 4.5": reverse("figure", args=["4-5"]),
        "a claim": reverse("claim", args=["mlp-cpu-tf-beats-th"]),
        "search for a machine": f"{reverse('search')}?q=machine",
        "search for a run": f"{reverse('search')}?q={str(run.run_id)[:13]}",
        "runs, far back": f"{runs}?before={run.pk}",
        "runs of an experiment": f"{runs}?experiment={run.experiment.slug}",
        "runs of a machine": f"{runs}?machine={run.machine_id}",
        "runs of an engine": f"{runs}?engine=theano",
        "runs by status": f"{runs}?status=crashed",
        "runs by network": f"{runs}?network=cnn&layers=2&width=32",
        "runs by many filters": f"{runs}?engine=theano&device=cpu&network=mlp&threads=4&status=finished",
        "runs that match nothing": f"{runs}?status=unsupported",
        "runs, slowest first": f"{runs}?sort=-seconds",
        "run": run.get_absolute_url(),
        "experiment": reverse("experiment", args=[run.experiment.slug]),
        "progress": reverse("progress", args=[run.experiment.slug]),
        "machine": reverse("machine", args=[run.machine_id]),
        "environment": reverse("environment", args=[run.environment_id]),
        "engine": reverse("engine", args=["keras-theano"]),
        "chart": reverse("chart", args=["time-per-epoch"]),
        "table": reverse("table", args=["comparison", "csv"]),
    }


def api_reads() -> dict[str, str]:
    run = _run()
    runs = reverse("api:runs")
    return {
        **{f"api {name}": reverse(f"api:{name}") for name in (*_API_LISTS, *_API_FINDINGS)},
        "api runs, 1,000 at once": f"{runs}?limit=1000",
        "api runs of an experiment": f"{runs}?experiment={run.experiment.slug}",
        "api runs by network": f"{runs}?network=cnn&layers=2&width=32",
        "api runs by status": f"{runs}?status=diverged",
        "api summaries of a machine": f"{reverse('api:summaries')}?machine={run.machine_id}",
        "api run": reverse("api:run", args=[run.run_id]),
        "api experiment": reverse("api:experiment", args=[run.experiment.slug]),
        "api machine": reverse("api:machine", args=[run.machine_id]),
        "api environment": reverse("api:environment", args=[run.environment_id]),
        "api chart": reverse("api:chart", args=["time-per-epoch"]),
    }


def _run() -> Run:
    experiments = list(Experiment.objects.filter(name__startswith="invented").order_by("pk"))
    middle = experiments[len(experiments) // 2]
    found = Run.objects.select_related("experiment").filter(experiment=middle, status="finished").order_by("pk").first()
    assert found is not None, "seeded experiments have runs that finished"
    return found
