"""The OpenAPI schema: made from the very models that check queries and shape answers, and from the run record's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from engines.run_record import RunRecord
from runs.api import documents, queries

T = TypeVar("T")
Schema = dict[str, Any]
_REF = "#/components/schemas/{model}"
_used: set[type[BaseModel]] = {documents.Error}


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "runs.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        return {"type": "http", "scheme": "bearer"}


def reference(model: type[BaseModel]) -> Schema:
    _used.add(model)
    return {"$ref": _REF.format(model=re.sub(r"[^\w.-]", "_", model.__name__))}


def described(
    answer: type[BaseModel],
    *,
    query: type[queries.Query] | None = None,
    writes: Mapping[str, str] | Schema | None = None,
    streams: bool = False,
    missing: bool = False,
    status: int = 200,
    errors: tuple[int, ...] = (),
) -> Callable[[T], T]:
    """Of a view class (its GET) or of one method: the answer, the errors and, for a write, the body's fields."""

    def decorate(target: Any) -> Any:
        model = query or _query_model(target)
        codes = [400, 401, 403, 406, 429, *errors, *([404] if missing else []), *([] if writes is None else [409, 415])]
        responses: dict[Any, Any] = {status: reference(answer)} if not streams else _streamed(answer)
        responses |= {code: reference(documents.Error) for code in sorted(set(codes))}
        name = target.__qualname__ if not isinstance(target, type) else f"{target.__qualname__}.get"
        extended = extend_schema(
            operation_id=name.replace(".", "_"),
            parameters=_parameters(model),
            responses=responses,
            request=None if writes is None else _request(writes),
        )
        if isinstance(target, type):
            return extend_schema_view(get=extended)(target)
        return extended(target)

    return decorate


def _query_model(target: object) -> type[queries.Query]:
    found: type[queries.Query] = getattr(target, "query_model", queries.Query)
    return found


def _streamed(answer: type[BaseModel]) -> dict[Any, Any]:
    return {
        (200, "application/json"): reference(answer),
        (200, "text/csv"): {"type": "string"},
        (200, "application/x-ndjson"): {"type": "string"},
    }


def _request(writes: Mapping[str, Any]) -> Schema:
    if any("/" in name for name in writes):
        return dict(writes)
    properties = {name: {"type": kind} for name, kind in writes.items()}
    return {"application/json": {"type": "object", "properties": properties, "additionalProperties": False}}


def _parameters(model: type[BaseModel]) -> list[OpenApiParameter]:
    found = model.model_json_schema()["properties"]
    return [_parameter(name, dict(schema)) for name, schema in found.items()]


def _parameter(name: str, schema: Schema) -> OpenApiParameter:
    several = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    shape = several[0] if several else {key: value for key, value in schema.items() if key not in ("title", "default")}
    return OpenApiParameter(name, shape, explode=True if shape.get("type") == "array" else None)


RECORDS: Schema = {
    "application/json": {
        "oneOf": [
            {"$ref": _REF.format(model="RunRecord")},
            {"type": "array", "items": {"$ref": _REF.format(model="RunRecord")}, "minItems": 1, "maxItems": 1000},
        ]
    },
    "application/x-ndjson": {"type": "string", "description": "One run record a line."},
}


class Generator(SchemaGenerator):
    """Once for each process: the schema is the same for everybody."""

    def get_schema(self, request: Any = None, public: bool = False) -> Schema:
        return _whole_schema()


@cache
def _whole_schema() -> Schema:
    whole: Schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return whole


def add_components(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A postprocessing hook: the models that answers and uploads refer to."""
    models = sorted(_used, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas |= definitions.get("$defs", {}) | _record_schemas()
    return result


def _record_schemas() -> Schema:
    """Under names of their own: a record's machine is not the machine that a list shows."""
    whole = TypeAdapter(RunRecord).json_schema(ref_template=_REF.format(model="RunRecord.{model}"))
    parts = whole.pop("$defs")
    return {"RunRecord": whole} | {f"RunRecord.{name}": part for name, part in parts.items()}
