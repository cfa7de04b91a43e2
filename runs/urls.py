from __future__ import annotations

from django.urls import URLPattern, path
from django.views.i18n import set_language

from runs.pages import files, speed_ups
from runs.pages.about import healthz, method, upload_help
from runs.pages.claims import claim, claim_list
from runs.pages.compare import compare
from runs.pages.engines import engine, engine_docs, engines
from runs.pages.environments import environment, environments
from runs.pages.experiments import experiment, experiments, progress
from runs.pages.explore import explore
from runs.pages.figures import figure, figure_list
from runs.pages.home import home
from runs.pages.machines import machine, machines
from runs.pages.recommendation import recommendation
from runs.pages.run import exclusion, run
from runs.pages.runs import runs
from runs.pages.search import search
from runs.pages.threads import threads

urlpatterns: list[URLPattern] = [
    path("", home, name="home"),
    path("explore/", explore, name="explore"),
    path("speed-ups/", speed_ups.speed_up_page, name="speed-ups"),
    path("recommendation/", recommendation, name="recommendation"),
    path("figures/", figure_list, name="figures"),
    path("figures/<slug:number>/", figure, name="figure"),
    path("threads/", threads, name="threads"),
    path("claims/", claim_list, name="claims"),
    path("claims/<slug:claim_id>/", claim, name="claim"),
    path("compare/", compare, name="compare"),
    path("search/", search, name="search"),
    path("add-your-machine/", upload_help, name="upload-help"),
    path("runs/", runs, name="runs"),
    path("runs/<uuid:run_id>/", run, name="run"),
    path("runs/<uuid:run_id>/exclusion/", exclusion, name="exclusion"),
    path("experiments/", experiments, name="experiments"),
    path("experiments/<slug:slug>/progress.json", progress, name="progress"),
    path("experiments/<slug:slug>/", experiment, name="experiment"),
    path("machines/", machines, name="machines"),
    path("machines/<int:pk>/", machine, name="machine"),
    path("environments/", environments, name="environments"),
    path("environments/<int:pk>/", environment, name="environment"),
    path("engines/", engines, name="engines"),
    path("engines/<slug:slug>/", engine, name="engine"),
    path("engines/<slug:slug>/notes.txt", engine_docs, name="engine-docs"),
    path("method/", method, name="method"),
    path("charts/<slug:slug>.json", files.chart, name="chart"),
    path("tables/<slug:slug>.<slug:form>", files.table, name="table"),
    path("language/", set_language, name="language"),
    path("healthz", healthz, name="healthz"),
]
