from __future__ import annotations

from django.urls import URLPattern, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from runs.api import change_views, finding_views, record_views, root, run_views

app_name = "api"
_V1 = "v1/"
urlpatterns: list[URLPattern] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema", template_name="api/docs.html"), name="docs"
    ),
    path(_V1, root.Root.as_view(), name="root"),
    path(f"{_V1}experiments/", record_views.Experiments.as_view(), name="experiments"),
    path(f"{_V1}experiments/<slug:slug>/", record_views.OneExperiment.as_view(), name="experiment"),
    path(f"{_V1}machines/", record_views.Machines.as_view(), name="machines"),
    path(f"{_V1}machines/<int:pk>/", record_views.OneMachine.as_view(), name="machine"),
    path(f"{_V1}machines/<int:pk>/merge/", record_views.Merge.as_view(), name="merge"),
    path(f"{_V1}environments/", record_views.Environments.as_view(), name="environments"),
    path(f"{_V1}environments/<int:pk>/", record_views.OneEnvironment.as_view(), name="environment"),
    path(f"{_V1}workloads/", record_views.Workloads.as_view(), name="workloads"),
    path(f"{_V1}engines/", record_views.Engines.as_view(), name="engines"),
    path(f"{_V1}runs/", run_views.Runs.as_view(), name="runs"),
    path(f"{_V1}runs/<uuid:run_id>/", run_views.OneRun.as_view(), name="run"),
    path(f"{_V1}exclusions/", run_views.Exclusions.as_view(), name="exclusions"),
    path(f"{_V1}exclusions/<uuid:run_id>/restore/", run_views.OneExclusion.as_view(), name="restore"),
    path(f"{_V1}acts/", run_views.Acts.as_view(), name="acts"),
    path(f"{_V1}summaries/", record_views.Summaries.as_view(), name="summaries"),
    path(f"{_V1}comparisons/", finding_views.Comparisons.as_view(), name="comparisons"),
    path(f"{_V1}speed-ups/", finding_views.SpeedUps.as_view(), name="speed-ups"),
    path(f"{_V1}scaling/", finding_views.Scaling.as_view(), name="scaling"),
    path(f"{_V1}replication/", finding_views.Replication.as_view(), name="replication"),
    path(f"{_V1}hardware/", finding_views.Hardware.as_view(), name="hardware"),
    path(f"{_V1}data-sets/", finding_views.DataSets.as_view(), name="data-sets"),
    path(f"{_V1}inference/", finding_views.Inference.as_view(), name="inference"),
    path(f"{_V1}recommendation/", finding_views.Recommendation.as_view(), name="recommendation"),
    path(f"{_V1}your-case/", finding_views.YourCase.as_view(), name="your-case"),
    path(f"{_V1}claims/", finding_views.Claims.as_view(), name="claims"),
    path(f"{_V1}history/", change_views.History.as_view(), name="history"),
    path(f"{_V1}changes/", change_views.Changes.as_view(), name="changes"),
    path(f"{_V1}changes/<int:pk>/acknowledgement/", change_views.Acknowledgement.as_view(), name="acknowledgement"),
    path(f"{_V1}charts/", finding_views.Charts.as_view(), name="charts"),
    path(f"{_V1}charts/<slug:slug>/", finding_views.OneChart.as_view(), name="chart"),
    re_path(r"^", root.Nothing.as_view(), name="nothing"),
]
