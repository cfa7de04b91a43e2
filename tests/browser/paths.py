"""Every page of a seeded site, by a name that a picture's file can bear."""

from __future__ import annotations

from django.urls import reverse

from runs.models import Machine, Run
from runs.pages.index import PLAIN


def all_paths() -> dict[str, str]:
    run = Run.objects.select_related("experiment").filter(engine="keras-tensorflow").order_by("pk")[0]
    profiled = Run.objects.filter(engine="tensorflow").order_by("pk")[0]
    gpu = f"machine={Machine.objects.get(name='study-gpu').pk}"
    machine = Machine.objects.get(name="bench-1").pk
    bench = f"machine={machine}"
    threads = "threads=1&threads=2&threads=4&threads=8"
    return {
        **{name: f"{reverse(name)}?{bench}" for name in (*PLAIN, "sign-in")},
        "home-gpu": f"{reverse('home')}?{gpu}",
        "speed-ups-gpu": f"{reverse('speed-ups')}?{gpu}",
        "explore-bands": f"{reverse('explore')}?{bench}&y=speed-up&intervals=bands&baseline=theano&scale=linear",
        "explore-panels": f"{reverse('explore')}?{bench}&network=mlp&{threads}&panels=split",
        "explore-empty": f"{reverse('explore')}?{bench}&engine=none",
        "figure": f"{reverse('figure', args=['4-5'])}?{bench}",
        "figure-threads": f"{reverse('figure', args=['4-9'])}?{bench}&look=study&engines=all",
        "claim": f"{reverse('claim', args=['mlp-cpu-tf-beats-th'])}?{bench}",
        "runs-slowest": f"{reverse('runs')}?sort=-seconds",
        "compare-profiles": f"{reverse('compare')}?a_machine={machine}&a_engine=tensorflow&b_engine=theano",
        "search-hits": f"{reverse('search')}?q=bench",
        "run": run.get_absolute_url(),
        "run-with-profile": profiled.get_absolute_url(),
        "experiment": reverse("experiment", args=[run.experiment.slug]),
        "coverage": f"{reverse('coverage', args=[run.experiment.slug])}?{bench}",
        "your-case-measured": f"{reverse('your-case')}?network=mlp&layers=8&width=100",
        "your-case-missing": f"{reverse('your-case')}?network=lstm&layers=3&width=17&device=gpu",
        "machine": reverse("machine", args=[run.machine_id]),
        "environment": reverse("environment", args=[run.environment_id]),
        "engine": reverse("engine", args=["keras-theano"]),
        "notes": reverse("notes", args=["theano"]),
        "engine-with-tracks": reverse("engine", args=["tensorflow"]),
    }
