"""Every error of the API in one shape: `{"message": …, "extra": {…}}`."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from runs.errors import ConflictError, ForbiddenError, NotFoundError, RunsError

logger = logging.getLogger(__name__)
_STATUSES: dict[type[RunsError], int] = {
    ConflictError: status.HTTP_409_CONFLICT,
    ForbiddenError: status.HTTP_403_FORBIDDEN,
    NotFoundError: status.HTTP_404_NOT_FOUND,
}
BUSY_SECONDS = 5


class TooLargeError(RunsError):
    """A body beyond the limits of an upload."""


class RefusedBatchError(RunsError):
    """An upload of all or none, of which one record was refused."""


_STATUSES[TooLargeError] = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
_STATUSES[RefusedBatchError] = status.HTTP_422_UNPROCESSABLE_ENTITY


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """Never None: what nobody foresaw is logged, and answered without a word of what broke."""
    if isinstance(error, RunsError):
        set_rollback()
        code = next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), status.HTTP_400_BAD_REQUEST)
        return Response(_body(error.message, error.extra), status=code)
    if isinstance(error, (exceptions.APIException, Http404, PermissionDenied)):
        return _translated(error, context)
    logger.exception("An API call failed: %s", context.get("view").__class__.__name__, exc_info=error)
    if isinstance(error, DatabaseError):
        body = _body("The database is not responding. Try again in a moment.")
        return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE, headers={"Retry-After": str(BUSY_SECONDS)})
    return Response(_body("Something went wrong here. It is logged."), status=status.HTTP_500_INTERNAL_SERVER_ERROR)


def _translated(error: exceptions.APIException | Http404 | PermissionDenied, context: dict[str, Any]) -> Response:
    response = exception_handler(error, context)
    assert response is not None, "REST framework translates all of these"
    extra: dict[str, Any] = {}
    if isinstance(error, exceptions.MethodNotAllowed):
        extra["allowed"] = response.headers.get("Allow", "") or context["view"].allowed_methods
    if "Retry-After" in response.headers:
        extra["wait_seconds"] = int(response.headers["Retry-After"])
    response.data = _body(_message(error, response.data), extra)
    return response


def _message(error: Exception, data: Any) -> str:
    if isinstance(error, Http404):
        return str(error) or "There is nothing at this address."
    return str(data["detail"]) if isinstance(data, dict) and "detail" in data else str(data)


def _body(message: str, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"message": message, "extra": extra or {}}
