"""Documents from outside into dataclasses, or one clear error: which field, which value, what is allowed."""

from __future__ import annotations

import dataclasses
import typing
from functools import cache
from typing import Any, TypedDict, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T")


class FieldProblem(TypedDict):
    field: str
    value: str
    allowed: str


class DocumentError(ValueError):
    """Carries every problem found, not only the first."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(_sentence(problem) for problem in problems))
        self.problems = problems


def _sentence(problem: FieldProblem) -> str:
    return f"{problem['field']} is {problem['value']}, allowed: {problem['allowed']}"


@cache
def adapter(document_type: type[T]) -> TypeAdapter[T]:
    """Made once for each type: building it costs far more than using it."""
    return TypeAdapter(document_type)


def from_json(document_type: type[T], text: str | bytes) -> T:
    """Raises DocumentError."""
    try:
        return adapter(document_type).validate_json(text)
    except ValidationError as error:
        raise DocumentError(_problems(error, document_type)) from None


def from_python(document_type: type[T], document: Any) -> T:
    """Raises DocumentError."""
    try:
        return adapter(document_type).validate_python(document)
    except ValidationError as error:
        raise DocumentError(_problems(error, document_type)) from None


def _problems(error: ValidationError, document_type: type[Any]) -> list[FieldProblem]:
    return [
        {
            "field": ".".join(str(part) for part in details["loc"]) or "document",
            "value": _shorten(details["input"]),
            "allowed": _allowed(details, document_type),
        }
        for details in error.errors(include_url=False)
    ]


def _allowed(details: ErrorDetails, document_type: type[Any]) -> str:
    if details["type"] == "unexpected_keyword_argument":
        return "no such field; known fields: " + ", ".join(_fields_around(details["loc"], document_type))
    message = details["msg"]
    return message[0].lower() + message[1:]


def _fields_around(location: tuple[int | str, ...], document_type: Any) -> list[str]:
    """The names of the fields beside the one at `location`."""
    hints = _field_types(document_type)
    for step in location[:-1]:
        if isinstance(step, str) and step in hints:
            hints = _field_types(hints[step])
    return sorted(hints)


def _field_types(annotation: Any) -> dict[str, Any]:
    """Field name -> type, of the first dataclass found in an annotation such as `tuple[Bench, ...] | None`."""
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return typing.get_type_hints(annotation)
    return next((found for part in typing.get_args(annotation) if (found := _field_types(part))), {})


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
