"""So many calls a minute for each token and, without one, for each address. 0 is no limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from runs.models import ApiToken

if TYPE_CHECKING:
    from rest_framework.views import APIView

WINDOW_SECONDS = 60


class CallsPerMinute(BaseThrottle):
    """Counts in windows of a minute; where the cache is one process's own, so is the count."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        who, limit = self._caller(request)
        if not limit:
            return True
        now = time.time()
        self._wait = WINDOW_SECONDS - now % WINDOW_SECONDS
        key = f"calls:{who}:{int(now // WINDOW_SECONDS)}"
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return self._counted(key) <= limit

    def _counted(self, key: str) -> int:
        try:
            return cache.incr(key)
        except ValueError:  # thrown out between the two lines: begin again
            cache.set(key, 1, timeout=2 * WINDOW_SECONDS)
            return 1

    def _caller(self, request: Request) -> tuple[str, int]:
        if isinstance(request.auth, ApiToken):
            return f"token-{request.auth.pk}", settings.BENCHSITE_CALLS_PER_TOKEN
        return f"address-{self.get_ident(request)}", settings.BENCHSITE_CALLS_PER_ADDRESS

    def wait(self) -> Any:
        return self._wait
