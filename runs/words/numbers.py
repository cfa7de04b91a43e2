"""How numbers are written: three significant digits, grouped thousands, always a unit."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

NONE = "–"


def digits(value: float) -> str:
    """Three significant digits, in the reader's locale: 0.0152, 11.2, 1,130."""
    if not math.isfinite(value):
        return NONE
    exponent = int(f"{value:.2e}".split("e")[1])
    return _localised(round(value, 2 - exponent), decimals=max(2 - exponent, 0))


def count(value: int) -> str:
    return _localised(value, decimals=0)


def size(hidden_layers: int, width: int) -> str:
    """A network's size, as `16×200`."""
    return f"{count(hidden_layers)}×{count(width)}"


def as_printed(value: float) -> str:
    """Two decimals, as the study printed its tables."""
    return _localised(value, decimals=2)


def seconds(value: float | None) -> str:
    return NONE if value is None else f"{digits(value)} s"


def times(value: float | None) -> str:
    return NONE if value is None else f"{digits(value)}×"


def times_short(value: float) -> str:
    """`1.5×`, `20×`: a tick's label."""
    return f"{_localised(value, decimals=0 if value == int(value) else 1)}×"


def milliseconds(value: float | None) -> str:
    """Of a call: `1.23 ms`. `value` is in seconds."""
    return NONE if value is None else f"{digits(1e3 * value)} ms"


def short(value: float) -> str:
    """A tick's label: no more digits than the value has, six at most: `1,000`, `0.5`."""
    written = f"{Decimal(f'{value:.6g}').normalize():f}"
    return _localised(value, decimals=len(written.partition(".")[2]))


def percent(value: float | None) -> str:
    return NONE if value is None else f"{digits(100 * value)} %"


def tie_band(rope: float) -> str:
    """How far a tie reaches to either side: `5 %`."""
    return f"{100 * rope:.2g} %"


def gib(value: int | None) -> str:
    return NONE if value is None else f"{digits(value / 2**30)} GiB"


def interval(low: float | None, high: float | None, unit: str = "s") -> str:
    """`0.694 to 0.706 s`; the dash where there are too few runs for an interval."""
    if low is None or high is None:
        return NONE
    return _("{low} to {high}").format(low=digits(low), high=with_unit(high, unit))


def with_unit(value: float | None, unit: str) -> str:
    """`1.31×`, `0.7 s`, `64.9 %`; the dash for none."""
    if value is None:
        return NONE
    return f"{digits(value)}×" if unit == "×" else f"{digits(value)} {unit}".rstrip()


def gflops_per_second(flops: int, seconds_: float | None) -> str:
    return f"{digits(flops / seconds_ / 1e9)} GFLOP/s" if seconds_ else NONE


def _localised(value: float, *, decimals: int) -> str:
    return _written(value, decimals, get_language() or "")


@lru_cache(maxsize=50_000)
def _written(value: float, decimals: int, language: str) -> str:
    """Kept: a page writes hundreds of numbers, most of them often, and each takes a while."""
    return formats.number_format(value, decimal_pos=decimals, use_l10n=True, force_grouping=True)
