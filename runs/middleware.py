"""Who looks, and whether visitors may look at all."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware
from django.urls import reverse

from runs import viewing

GetResponse = Callable[[HttpRequest], HttpResponseBase]
OPEN_TO_ALL = ("/accounts/", "/admin/", "/api/", "/healthz", f"/{settings.STATIC_URL.lstrip('/')}")
"""Addresses that ask for a sign-in themselves, or need none."""


class ViewingMiddleware:
    """While a request is answered, what is private to others is not there; without public read, nothing is."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.BENCHSITE_PUBLIC_READ and not self._may_look(request):
            return redirect_to_login(request.get_full_path(), reverse("sign-in"))
        with viewing.seen_by(request.user):
            return self.get_response(request)

    def _may_look(self, request: HttpRequest) -> bool:
        return request.path.startswith(OPEN_TO_ALL) or request.user.is_authenticated


class ApiConditionalGetMiddleware(ConditionalGetMiddleware):
    """ETag and If-None-Match for the API; pages hold a fresh CSRF token each time and would never match."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not request.path.startswith("/api/"):
            return response
        return super().process_response(request, response)
