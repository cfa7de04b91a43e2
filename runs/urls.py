from __future__ import annotations

from django.urls import URLPattern, path

from runs import chart_views, views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("explore/", views.explore, name="explore"),
    path("speed-ups/", views.speed_up_page, name="speed-ups"),
    path("recommendation/", views.recommendation, name="recommendation"),
    path("runs/", views.runs, name="runs"),
    path("runs/<uuid:run_id>/", views.run, name="run"),
    path("experiments/", views.experiments, name="experiments"),
    path("experiments/<slug:slug>/", views.experiment, name="experiment"),
    path("machines/", views.machines, name="machines"),
    path("machines/<int:pk>/", views.machine, name="machine"),
    path("environments/", views.environments, name="environments"),
    path("environments/<int:pk>/", views.environment, name="environment"),
    path("engines/", views.engines, name="engines"),
    path("engines/<slug:slug>/", views.engine, name="engine"),
    path("method/", views.method, name="method"),
    path("charts/<slug:slug>.json", chart_views.chart, name="chart"),
    path("healthz", views.healthz, name="healthz"),
]
