"""What a read may be asked, declared once: checked, and described in the schema, from the same models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Le
from django.http import QueryDict
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from engines.contract import Device, NetworkType
from runs.errors import RunsError
from runs.findings.facets import FACETS
from runs.findings.your_case import LIMITS
from runs.selectors.runs import RUN_FILTERS
from runs.validation import Key, Word

Q = TypeVar("Q", bound=BaseModel)


class QueryError(RunsError):
    """A query parameter that does not fit."""


class Query(BaseModel):
    """An unknown parameter is refused: a slip of the pen must not answer another question."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal["json"] | None = None


class PageQuery(Query):
    limit: Annotated[int, Ge(1), Le(1000)] = 50
    """How many at most."""
    cursor: Word | None = None
    """`next` or `previous` of another page holds it."""


class TableQuery(PageQuery):
    format: Literal["json", "csv", "jsonl"] | None = None  # type: ignore[assignment]


def _filters(*, of_runs: bool) -> dict[str, Any]:
    return {
        name: (each.type | None, Field(None, description=each.about or None))
        for name, each in RUN_FILTERS.items()
        if of_runs or not each.is_of_runs
    }


CellQuery = create_model("CellQuery", __base__=TableQuery, **_filters(of_runs=False))
"""By the filters that the page of runs has as well."""
FilteredRuns = create_model("FilteredRuns", __base__=TableQuery, **_filters(of_runs=True))


class RunQuery(FilteredRuns):  # type: ignore[misc,valid-type]
    excluded: bool | None = None
    ordering: Literal["-finished_at", "finished_at", "-received", "received"] = "-finished_at"


class ScopeQuery(Query):
    """One experiment on one machine; the newest and its latest if none is named."""

    experiment: Word | None = None
    machine: Key | None = None
    gpu_machine: Key | None = None
    """Take the GPU's times from this machine of the experiment, as the study had two."""


class ChoiceQuery(ScopeQuery):
    """What else to hold equal. Each of several answers takes the first value that it has."""

    data: tuple[Word, ...] = ()
    batch: tuple[Word, ...] = ()
    track: tuple[Word, ...] = ()


class AnswerQuery(ChoiceQuery):
    threads: tuple[Word, ...] = ()


class NetworkQuery(ScopeQuery):
    """Which network, as `mlp-8x100`, and what to hold equal: the first value given; the richest if none is."""

    network: tuple[Word, ...] = ()
    device: tuple[Word, ...] = ()
    threads: tuple[Word, ...] = ()
    track: tuple[Word, ...] = ()


class HardwareQuery(ScopeQuery):
    """Which network, and what to hold equal; of all the experiment's machines, whichever is named."""

    network: tuple[Word, ...] = ()
    data: tuple[Word, ...] = ()
    batch: tuple[Word, ...] = ()


class CaseQuery(Query):
    """A network as its reader has it, and what to hold equal where there is a choice."""

    network: NetworkType
    layers: Annotated[int, Ge(LIMITS["layers"][0]), Le(LIMITS["layers"][1])]
    width: Annotated[int, Ge(LIMITS["width"][0]), Le(LIMITS["width"][1])]
    device: Device = "cpu"
    data: tuple[Word, ...] = ()
    batch: tuple[Word, ...] = ()
    threads: tuple[Word, ...] = ()
    track: tuple[Word, ...] = ()
    options: tuple[Word, ...] = ()


class DataQuery(NetworkQuery):
    batch: tuple[Word, ...] = ()


class InferenceQuery(NetworkQuery):
    """Of both tracks, if none is given."""

    data: tuple[Word, ...] = ()


class HistoryQuery(Query):
    """Which machine, engine and workload, by its key; the newest if none is named."""

    machine: Key | None = None
    engine: Word | None = None
    workload: Key | None = None


class ChangeQuery(PageQuery):
    machine: Key | None = None
    engine: Word | None = None
    open: bool = False
    """Those alone that stand and that nobody has acknowledged."""


_FACETS: dict[str, Any] = {facet.name: (tuple[Word, ...], ()) for facet in FACETS}


class PageTwinQuery(ScopeQuery):
    """The parameters of the page that shows the same; its address can be copied."""

    model_config = ConfigDict(extra="ignore", frozen=True)


ComparisonQuery = create_model("ComparisonQuery", __base__=PageTwinQuery, **_FACETS)


class ChartQuery(ComparisonQuery):  # type: ignore[misc,valid-type]
    run: Word | None = None
    """The run's id, for charts of one run."""


class UploadQuery(Query):
    atomic: bool = False
    """Store all or nothing."""
    accept_hardware: bool = False
    """It is the same machine, though its hardware changed."""


def asked(model: type[Q], parameters: QueryDict) -> Q:
    """Raises QueryError with each parameter that does not fit."""
    several = {name for name, field in model.model_fields.items() if field.default == ()}
    values: dict[str, Any] = {
        name: parameters.getlist(name) if name in several else parameters.get(name) for name in parameters
    }
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [_problem(dict(details), model) for details in error.errors(include_url=False)]
        words = "; ".join(f"{each['field']} is {each['value']}, allowed: {each['allowed']}" for each in problems)
        raise QueryError(f"The query does not fit: {words}.", {"problems": problems}) from None


def _problem(details: dict[str, Any], model: type[BaseModel]) -> dict[str, str]:
    if details["type"] == "extra_forbidden":
        allowed = f"no such parameter; known: {', '.join(model.model_fields)}"
    else:
        allowed = str(details["msg"]).removeprefix("Input should be ")
    field = ".".join(str(part) for part in details["loc"])
    return {"field": field, "value": repr(details["input"])[:80], "allowed": allowed}
