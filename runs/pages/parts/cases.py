"""The form that asks for a reader's case, and the address of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from engines.contract import Device
from engines.networks import ARCHITECTURES
from runs.findings.choices import Select
from runs.findings.your_case import Asked, Size
from runs.words.networks import network_title

_FIRST = Size("mlp", 8, 100)
"""What a form begins with where nothing is asked and nothing was measured."""


@dataclass(frozen=True)
class CaseForm:
    """`machines` and `choices` are offered where there is something to choose."""

    asked: Asked
    query: QueryDict = field(default_factory=QueryDict)
    machines: Sequence[tuple[str, str]] = ()
    machine: str = ""
    choices: Sequence[Select] = ()

    @property
    def size(self) -> Size:
        return self.asked.size or _FIRST

    @property
    def layers(self) -> str:
        """As it was typed, be it wrong."""
        return self.query.get("layers") or str(self.size.hidden_layers)

    @property
    def width(self) -> str:
        return self.query.get("width") or str(self.size.width)

    @property
    def families(self) -> list[tuple[str, str]]:
        return [(str(each), network_title(each)) for each in ARCHITECTURES]


def parameters_of(size: Size) -> dict[str, str]:
    return {"network": size.network_type, "layers": str(size.hidden_layers), "width": str(size.width)}


def address_of_case(size: Size, device: Device = "cpu") -> str:
    return f"{reverse('your-case')}?{urlencode({**parameters_of(size), 'device': device})}"
