"""Documents from outside into dataclasses, or one clear error: which field, which value, what is allowed."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any, TypedDict, TypeVar

from annotated_types import Ge, Gt, Le, MaxLen
from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T")
Word = Annotated[str, MaxLen(200), StringConstraints(pattern=r"^[^\x00]*$")]
"""What a query may name."""
Key = Annotated[int, Ge(1), Le(2**53)]
Number = Annotated[int, Ge(1), Le(2**31 - 1)]


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


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def adapter(document_type: type[T]) -> TypeAdapter[T]:
    """Made once for each type: building it costs far more than using it."""
    if document_type not in _adapters:
        _adapters[document_type] = TypeAdapter(document_type)
    return _adapters[document_type]


def from_json(document_type: type[T], text: str | bytes, *, strict: bool = False) -> T:
    """Raises DocumentError. `strict` takes no text for a number and no true for 1."""
    try:
        return adapter(document_type).validate_json(text, strict=strict)
    except ValidationError as error:
        raise DocumentError(_problems(error, document_type)) from None


def from_python(document_type: type[T], document: Any) -> T:
    """Raises DocumentError."""
    try:
        return adapter(document_type).validate_python(document)
    except ValidationError as error:
        raise DocumentError(_problems(error, document_type)) from None


def _problems(error: ValidationError, document_type: type[Any]) -> list[FieldProblem]:
    """Every problem but those that only follow from another (a list that is short since its items were refused)."""
    every = error.errors(include_url=False)
    causes = [details for details in every if details["type"] != "too_short" or not details["input"]] or every
    return [
        {
            "field": ".".join(str(part) for part in details["loc"]) or "document",
            "value": "missing" if details["type"] == "missing" else _shorten(details["input"]),
            "allowed": _allowed(details, document_type),
        }
        for details in causes
    ]


def _allowed(details: ErrorDetails, document_type: type[Any]) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "unexpected_keyword_argument":
        names = sorted(_fields(_type_at(details["loc"][:-1], document_type)))
        return f"no such field; known fields: {', '.join(names)}"
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        return _range(_type_at(details["loc"], document_type)) or str(details["msg"])
    if kind == "literal_error":
        return f"{context['expected']}"
    message = details["msg"].removeprefix("Input should be ").removeprefix("Field ")
    return message[0].lower() + message[1:]


def _type_at(location: tuple[int | str, ...], annotation: Any) -> Any:
    """The annotation of the field or item at `location`."""
    for step in location:
        fields = _fields(annotation)
        annotation = fields.get(step) if isinstance(step, str) else _item(annotation)
    return annotation


def _fields(annotation: Any) -> dict[str, Any]:
    """Field name -> annotation, of the first dataclass found in an annotation such as `tuple[Bench, ...] | None`."""
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        hints = typing.get_type_hints(annotation, include_extras=True)
        return {field.name: hints[field.name] for field in dataclasses.fields(annotation)}
    return next((found for part in typing.get_args(annotation) if (found := _fields(part))), {})


def _item(annotation: Any) -> Any:
    """The annotation of the items of a (perhaps annotated, perhaps optional) tuple."""
    if typing.get_origin(annotation) is tuple:
        return typing.get_args(annotation)[0]
    return next((found for part in typing.get_args(annotation) if (found := _item(part))), None)


def _range(annotation: Any) -> str:
    """'1 to 65536', from the bounds that an annotation bears."""
    low = high = ""
    for bound in getattr(annotation, "__metadata__", ()):
        low = f"{bound.ge}" if isinstance(bound, Ge) else f"over {bound.gt}" if isinstance(bound, Gt) else low
        high = f"{bound.le}" if isinstance(bound, Le) else high
    if low and high:
        return f"{low} to {high}"
    return next((found for part in typing.get_args(annotation)[:1] if (found := _range(part))), "")


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
