from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("runs.api.urls")),
    path("", include("runs.urls")),
]
handler404 = "runs.pages.about.page_not_found"
handler500 = "runs.pages.about.server_error"
