"""What all views share: who looks, what may be asked, and how lists are answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from runs import viewing
from runs.api import paging, queries, rendering
from runs.api.documents import PageOf
from runs.errors import RunsError
from runs.models import ApiToken

STREAM_CHUNK = 1000


class View(APIView):
    """Reads what the caller may see; `query` is the parameters, checked against `query_model`."""

    query_model: ClassVar[type[queries.Query]] = queries.Query
    write_query_model: ClassVar[type[queries.Query]] = queries.Query
    query: Any

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        viewing.look_as(request.user)
        model = self.query_model if request.method in ("GET", "HEAD") else self.write_query_model
        self.query = queries.asked(model, request.query_params)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Whatever form was asked for: what is no stream is JSON, errors above all."""
        request.accepted_renderer = rendering.JSONRenderer()
        request.accepted_media_type = rendering.JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


class ListView(View):
    """Pages of `rows()` by cursor."""

    query_model = queries.PageQuery

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def translated(self, rows: Sequence[Any]) -> list[BaseModel]:
        raise NotImplementedError

    def order(self) -> paging.Order:
        return paging.ORDERS["-received"]

    def get(self, request: Request) -> Response:
        page = paging.page(self.rows(), self.order(), limit=self.query.limit, cursor=self.query.cursor)
        return Response(PageOf[Any](results=self.translated(page.rows), next=self._address(request, page.next)))

    def _address(self, request: Request, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        parameters = request.query_params.copy()
        parameters["cursor"] = cursor
        return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")


class StreamingListView(ListView):
    """The same, and all of it at once as CSV or JSON lines."""

    renderer_classes = (rendering.JSONRenderer, rendering.JSONLinesRenderer, rendering.CSVRenderer)
    document: ClassVar[Callable[[Any], BaseModel]]
    columns: ClassVar[Sequence[str]]

    def translated(self, rows: Sequence[Any]) -> list[BaseModel]:
        return [type(self).document(row) for row in rows]

    def get(self, request: Request) -> Response | StreamingHttpResponse:  # type: ignore[override]
        form = self.query.format or request.accepted_renderer.format
        if form == "json":
            return super().get(request)
        rows = self.rows().order_by(*self.order().fields).iterator(chunk_size=STREAM_CHUNK)
        documents = map(type(self).document, rows)
        if form == "csv":
            return rendering.csv_lines(documents, self.columns)
        return rendering.json_lines(documents)


def columns_of(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The columns of a document as a table; parts become `part.field`."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        part = next((each for each in _types(field.annotation) if issubclass(each, BaseModel)), None)
        found += columns_of(part, f"{prefix}{name}.") if part else [f"{prefix}{name}"]
    return found


def _types(annotation: Any) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [each for each in getattr(annotation, "__args__", ()) if isinstance(each, type)]


def token_of(request: Request) -> ApiToken:
    """The token that a write comes with: the permissions have seen to it that there is one."""
    token = request.auth
    assert isinstance(token, ApiToken)
    return token


def body_of(request: Request, **fields: type) -> dict[str, Any]:
    """A JSON object with just these fields, of these types. Raises RunsError."""
    data = request.data
    allowed = ", ".join(f"{name} ({kind.__name__})" for name, kind in fields.items())
    if not isinstance(data, dict):
        raise RunsError("Send a JSON object.", {"allowed": allowed})
    for name, value in data.items():
        if name not in fields or type(value) is not fields[name]:
            problem = {"field": str(name)[:80], "value": repr(value)[:80], "allowed": allowed}
            raise RunsError(f"{problem['field']} does not fit, allowed: {allowed}.", {"problems": [problem]})
    return data


def needed(data: dict[str, Any], name: str) -> Any:
    if name not in data:
        problem = {"field": name, "value": "missing", "allowed": "a value"}
        raise RunsError(f"{name} is missing.", {"problems": [problem]})
    return data[name]
