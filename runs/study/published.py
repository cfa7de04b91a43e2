"""What the study of 2017 published, read from `published.toml` and checked when first asked for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Gt, MinLen
from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator

from engines.contract import Device, NetworkType

PUBLISHED_FILE = Path(__file__).with_name("published.toml")
Positive = Annotated[float, Gt(0)]


class _Declared(BaseModel):
    """An unknown key is refused, so that a slip of the pen does not pass for a fact left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Study(_Declared):
    year: int
    title: str
    metric: str
    epochs_per_run: int
    total_executions: int
    libraries: Mapping[str, str]


class SpeedUpTable(_Declared):
    """Rows are named by abbreviation and hidden layers (`th8`); one value for each width."""

    table: str
    widths: tuple[int, ...]
    rows: Mapping[str, tuple[Positive, ...]]

    @model_validator(mode="after")
    def _one_value_per_width(self) -> SpeedUpTable:
        uneven = [name for name, values in self.rows.items() if len(values) != len(self.widths)]
        if uneven:
            raise ValueError(f"Rows {', '.join(uneven)} of Table {self.table} do not have one value for each width.")
        return self


class Recommendation(_Declared):
    network_type: NetworkType
    device: Device
    engines: Annotated[tuple[str, ...], MinLen(1)]


class Figure(_Declared):
    network_type: NetworkType
    device: Device
    engines: tuple[str, ...]
    log_y: bool = False
    by: Literal["width", "threads"] = "width"
    layers: tuple[int, ...] = ()


class ThreadScaling(_Declared):
    threads: int
    speedup: Positive
    efficiency: Positive
    wider_than: int
    """It is said of networks with more neurons per layer than that."""


class Claim(_Declared):
    id: str
    statement: str
    published_tables_agree: Literal["yes", "partly"] = "yes"


class Published(_Declared):
    study: Study
    abbreviations: Mapping[str, str]
    nomenclature: Mapping[str, Mapping[str, str | int]]
    machines: Mapping[str, Mapping[str, Any]]
    speed_ups: Mapping[NetworkType, SpeedUpTable]
    thread_scaling: Mapping[NetworkType, ThreadScaling]
    recommendations: tuple[Recommendation, ...]
    figures: Mapping[str, Figure]
    libraries_then: Mapping[str, Mapping[str, str | bool]]
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _engines_are_known(self) -> Published:
        named = [engine for row in self.recommendations for engine in row.engines]
        named += [engine for figure in self.figures.values() for engine in figure.engines]
        named += [_split(row)[0] for table in self.speed_ups.values() for row in table.rows]
        unknown = sorted({engine for engine in named if engine not in self.abbreviations})
        if unknown:
            raise ValueError(f"Unknown engines {', '.join(unknown)}; known: {', '.join(self.abbreviations)}.")
        return self

    @model_validator(mode="after")
    def _claims_are_distinct(self) -> Published:
        if len({claim.id for claim in self.claims}) != len(self.claims):
            raise ValueError("Two claims have the same id.")
        return self


@dataclass(frozen=True)
class SpeedUp:
    """One value of Tables 4.7 and 4.8; `engine` is a slug."""

    network_type: NetworkType
    engine: str
    hidden_layers: int
    width: int
    speed_up: float


def parse(text: str) -> Published:
    """Raises pydantic's ValidationError (a ValueError), naming what is wrong and where."""
    return TypeAdapter(Published).validate_python(tomllib.loads(text))


@cache
def published() -> Published:
    return parse(PUBLISHED_FILE.read_text(encoding="utf-8"))


def speed_ups(study: Published) -> list[SpeedUp]:
    return [
        SpeedUp(network_type, study.abbreviations[abbreviation], layers, width, value)
        for network_type, table in study.speed_ups.items()
        for row, values in table.rows.items()
        for abbreviation, layers in [_split(row)]
        for width, value in zip(table.widths, values, strict=True)
    ]


def recommended_slugs(study: Published, recommendation: Recommendation) -> list[str]:
    return [study.abbreviations[engine] for engine in recommendation.engines]


def _split(row: str) -> tuple[str, int]:
    """`kth16` -> ("kth", 16)."""
    abbreviation = row.rstrip("0123456789")
    return abbreviation, int(row[len(abbreviation) :])
