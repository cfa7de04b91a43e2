"""Where to begin, and what is not there."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from runs.api.base import View
from runs.api.documents import Document
from runs.api.schema import described

LISTS = (
    "experiments",
    "machines",
    "environments",
    "workloads",
    "engines",
    "runs",
    "exclusions",
    "acts",
    "summaries",
    "comparisons",
    "speed-ups",
    "scaling",
    "replication",
    "recommendation",
    "claims",
    "hardware",
    "data-sets",
    "inference",
    "history",
    "changes",
    "charts",
    "schema",
    "docs",
)


class Index(Document):
    addresses: dict[str, str]


@described(Index)
class Root(View):
    """Every list, by its address."""

    def get(self, request: Request) -> Response:
        addresses = {name: request.build_absolute_uri(reverse(f"api:{name}")) for name in LISTS}
        return Response(Index(addresses=addresses))


@extend_schema(exclude=True)
class Nothing(APIView):
    """Addresses that no other view has, whatever the method."""

    throttle_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404(f"There is nothing at {request.path[:100]}. Addresses end in a slash; /api/v1/ lists them.")
