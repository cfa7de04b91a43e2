"""The site's own pages: how we measure, how to add a machine, health, and what went wrong."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from runs.pages.parts.rendering import render_page
from runs.pages.parts.study_tables import study_tables
from runs.study.published import published
from runs.upload.access import is_in_the_open

# ---------------------------------------------------------------- the rest


def method(request: HttpRequest) -> HttpResponse:
    return render_page(request, "method", "method", study=published().study, study_tables=study_tables())


def upload_help(request: HttpRequest) -> HttpResponse:
    address = f"{request.scheme}://{request.get_host()}"
    return render_page(request, "upload_help", "method", address=address, in_the_open=is_in_the_open(address))


def healthz(request: HttpRequest) -> JsonResponse:
    """200 where the database answers, else 503: for load balancers and `make serve`."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "unhealthy", "database": "does not answer"}, status=503)
    return JsonResponse({"status": "healthy", "database": "answers"})


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Without a context processor: what broke the page must not break this one."""
    return render(request, "500.html", status=500)
