from __future__ import annotations

from django.urls import URLPattern, path

from runs import chart_views, record_views, views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("explore/", views.explore, name="explore"),
    path("speed-ups/", views.speed_up_page, name="speed-ups"),
    path("recommendation/", views.recommendation, name="recommendation"),
    path("runs/", record_views.runs, name="runs"),
    path("runs/<uuid:run_id>/", record_views.run, name="run"),
    path("experiments/", record_views.experiments, name="experiments"),
    path("experiments/<slug:slug>/", record_views.experiment, name="experiment"),
    path("machines/", record_views.machines, name="machines"),
    path("machines/<int:pk>/", record_views.machine, name="machine"),
    path("environments/", record_views.environments, name="environments"),
    path("environments/<int:pk>/", record_views.environment, name="environment"),
    path("engines/", record_views.engines, name="engines"),
    path("engines/<slug:slug>/", record_views.engine, name="engine"),
    path("method/", views.method, name="method"),
    path("charts/<slug:slug>.json", chart_views.chart, name="chart"),
    path("healthz", views.healthz, name="healthz"),
]
