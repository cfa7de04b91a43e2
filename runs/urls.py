from __future__ import annotations

from django.urls import URLPattern, path
from django.views.i18n import set_language

from runs import chart_views, claim_views, record_views, speed_up_pages, study_views, views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("explore/", views.explore, name="explore"),
    path("speed-ups/", speed_up_pages.speed_up_page, name="speed-ups"),
    path("recommendation/", views.recommendation, name="recommendation"),
    path("figures/", study_views.figure_list, name="figures"),
    path("figures/<slug:number>/", study_views.figure, name="figure"),
    path("threads/", study_views.threads, name="threads"),
    path("claims/", claim_views.claim_list, name="claims"),
    path("claims/<slug:claim_id>/", claim_views.claim, name="claim"),
    path("compare/", study_views.compare, name="compare"),
    path("search/", record_views.search, name="search"),
    path("add-your-machine/", views.upload_help, name="upload-help"),
    path("runs/", record_views.runs, name="runs"),
    path("runs/<uuid:run_id>/", record_views.run, name="run"),
    path("runs/<uuid:run_id>/exclusion/", record_views.exclusion, name="exclusion"),
    path("experiments/", record_views.experiments, name="experiments"),
    path("experiments/<slug:slug>/progress.json", record_views.progress, name="progress"),
    path("experiments/<slug:slug>/", record_views.experiment, name="experiment"),
    path("machines/", record_views.machines, name="machines"),
    path("machines/<int:pk>/", record_views.machine, name="machine"),
    path("environments/", record_views.environments, name="environments"),
    path("environments/<int:pk>/", record_views.environment, name="environment"),
    path("engines/", record_views.engines, name="engines"),
    path("engines/<slug:slug>/", record_views.engine, name="engine"),
    path("engines/<slug:slug>/notes.txt", record_views.engine_docs, name="engine-docs"),
    path("method/", views.method, name="method"),
    path("charts/<slug:slug>.json", chart_views.chart, name="chart"),
    path("tables/<slug:slug>.<slug:form>", chart_views.table, name="table"),
    path("language/", set_language, name="language"),
    path("healthz", views.healthz, name="healthz"),
]
