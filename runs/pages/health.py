"""Whether the site is well: for load balancers and `make serve`."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.urls import path


def healthz(request: HttpRequest) -> JsonResponse:
    """200 where the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "unhealthy", "database": "not responding"}, status=503)
    return JsonResponse({"status": "healthy", "database": "responding"})


ROUTES = (path("healthz", healthz, name="healthz"),)
