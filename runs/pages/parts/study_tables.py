"""What the study used, whole: its libraries (Table 2.1) and its two machines (Tables 4.1 to 4.5). No ORM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.study.published import published
from runs.tables.table import Column, Table, TableCell

_TITLES: Mapping[str, str] = {
    "creator": gettext_noop("made by"),
    "written_in": gettext_noop("written in"),
    "interface": gettext_noop("interfaces"),
    "openmp": gettext_noop("OpenMP"),
    "cuda": gettext_noop("CUDA"),
    "convolutions": gettext_noop("convolutional networks"),
    "platforms": gettext_noop("platforms"),
    "gpu": gettext_noop("GPU"),
    "cuda_cores": gettext_noop("CUDA cores"),
    "clock_mhz": gettext_noop("clock, MHz"),
    "texture_fill_rate_gtexels": gettext_noop("texture fill rate, gigatexels/s"),
    "memory_clock_gbps": gettext_noop("memory clock, Gbit/s"),
    "memory_mb": gettext_noop("memory, MB"),
    "memory_interface": gettext_noop("memory interface"),
    "memory_bandwidth_gb_s": gettext_noop("memory bandwidth, GB/s"),
    "max_temperature_c": gettext_noop("highest temperature, °C"),
    "power_w": gettext_noop("power, W"),
    "minimum_system_power_w": gettext_noop("least power of the system, W"),
    "cpu": gettext_noop("CPU"),
    "family": gettext_noop("family"),
    "model_number": gettext_noop("model"),
    "frequency_mhz": gettext_noop("frequency, MHz"),
    "bus_mhz": gettext_noop("bus, MHz"),
    "introduced": gettext_noop("introduced"),
    "microarchitecture": gettext_noop("microarchitecture"),
    "architecture": gettext_noop("architecture"),
    "byte_order": gettext_noop("byte order"),
    "l1_cache": gettext_noop("L1 cache"),
    "l2_cache": gettext_noop("L2 cache"),
    "l3_cache": gettext_noop("L3 cache"),
    "l1_latency_ns": gettext_noop("L1 latency, ns"),
    "cores": gettext_noop("cores"),
    "threads": gettext_noop("threads"),
    "max_processors": gettext_noop("processors in one system, at most"),
}


def study_tables() -> list[Table]:
    study = published()
    machines = study.machines
    return [
        _libraries(study.libraries_then),
        _machine(_("Tables 4.1 to 4.3: the study's GPU"), machines["gpu"]),
        _machine(_("Tables 4.4 and 4.5: the study's CPU"), machines["cpu"]),
    ]


def _libraries(libraries: Mapping[str, Mapping[str, Any]]) -> Table:
    names = list(next(iter(libraries.values())))
    columns = [Column(_("Library")), *(Column(_(_TITLES[name]), wraps=True) for name in names)]
    rows = [[TableCell(library.capitalize() if library != "tensorflow" else "TensorFlow")] for library in libraries]
    for row, facts in zip(rows, libraries.values(), strict=True):
        row += [TableCell(_words(facts[name])) for name in names]
    return Table(_("Table 2.1: the libraries in the study's day"), columns, rows)


def _machine(caption: str, facts: Mapping[str, Any]) -> Table:
    rows = [[TableCell(_(_TITLES[name])), TableCell(_words(value))] for name, value in facts.items()]
    return Table(caption, [Column(_("What")), Column(_("As printed"), wraps=True)], rows)


def _words(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return ", ".join(f"{_(str(name))} {number}" for name, number in value.items())
    return str(value)


CLOCKS = (gettext_noop("normal"), gettext_noop("boost"))
