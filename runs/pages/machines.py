"""Machines: hardware beside the study's, state, and others with the same processor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from runs.charts import build
from runs.charts.build import Chart, Point, Series
from runs.charts.specs import SPECS
from runs.charts.style import RAMP, Chip, ramp_style
from runs.findings.alike import alike
from runs.findings.cells import CellRow
from runs.models import Machine
from runs.pages.parts.cells import row_style
from runs.pages.parts.lists import (
    counts,
    keys,
    listed,
    number,
    number_columns,
    ordered,
    render_list,
    runs_table,
    when,
    whole,
)
from runs.pages.parts.rendering import chart_url, render_page, tab
from runs.selectors import coverage
from runs.selectors.cells import cells_with_processor
from runs.selectors.coverage import Extent
from runs.selectors.machines import Health, health_of, noise_of
from runs.selectors.runs import (
    latest_runs,
)
from runs.study.published import published
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import threads_words
from runs.words.engines import engine_title
from runs.words.facts import fact_word, in_words
from runs.words.networks import network_name
from runs.words.reasons import reason_in_words

SECTION = tab("machines", gettext_noop("Machines"))


_MOST_ROWS = 20


def machine_asked_for(pk: str) -> Machine:
    """Raises Http404 for what is no machine's number."""
    found = Machine.objects.filter(pk=int(pk)).first() if pk.isascii() and pk.isdigit() and len(pk) < 10 else None
    if found is None:
        raise Http404("There is no such machine.")
    return found


# ---------------------------------------------------------------- hardware, in the form of the study's tables


def hardware_tables(hardware: Mapping[str, Any]) -> list[Table]:
    """Processor, memory and system; then the GPU. The study's machine stands beside."""
    then = published().machines
    return [_beside(_("Processor and system"), _processor(hardware), _study_cpu(then["cpu"])), _gpu_table(hardware)]


def _processor(hardware: Mapping[str, Any]) -> dict[str, str]:
    facts = hardware.get("facts") or {}
    return {
        _("Processor"): str(hardware.get("cpu") or numbers.NONE),
        _("Sockets"): str(hardware.get("sockets") or numbers.NONE),
        _("Cores"): str(hardware.get("cores") or numbers.NONE),
        _("Threads"): str(hardware.get("threads") or numbers.NONE),
        _("Memory"): numbers.gib(hardware.get("memory_bytes")),
        _("System"): str(hardware.get("system") or numbers.NONE),
        **in_words({name: value for name, value in facts.items() if not _is_of_gpu(str(name))}),
    }


def _study_cpu(cpu: Mapping[str, Any]) -> dict[str, str]:
    return {
        _("Processor"): str(cpu["cpu"]),
        _("Sockets"): "1",
        _("Cores"): str(cpu["cores"]),
        _("Threads"): str(cpu["threads"]),
        **in_words(
            {
                "architecture": cpu["architecture"],
                "CPU frequency": f"{cpu['frequency_mhz']} MHz",
                "L1 cache": cpu["l1_cache"],
                "L2 cache": cpu["l2_cache"],
                "L3 cache": cpu["l3_cache"],
            }
        ),
    }


def _gpu_table(hardware: Mapping[str, Any]) -> Table:
    gpu = published().machines["gpu"]
    facts = hardware.get("facts") or {}
    own = {_("GPU"): ", ".join(map(str, hardware.get("gpus") or [])) or _("none found")}
    own |= in_words({name: value for name, value in facts.items() if _is_of_gpu(str(name))})
    then = {
        _("GPU"): str(gpu["gpu"]),
        _("Cores of the GPU"): numbers.count(gpu["cuda_cores"]),
        fact_word("GPU 0 memory"): f"{numbers.count(gpu['memory_mb'])} MB",
        _("Memory bandwidth"): f"{numbers.count(gpu['memory_bandwidth_gb_s'])} GB/s",
        fact_word("GPU 0 power limit"): f"{gpu['power_w']} W",
    }
    return _beside(_("GPU"), own, then)


def _is_of_gpu(name: str) -> bool:
    return name.startswith(("GPU", "NVIDIA", "CUDA"))


def _beside(caption: str, own: Mapping[str, str], then: Mapping[str, str]) -> Table:
    columns = [Column(_("What")), Column(_("This machine"), wraps=True), Column(_("The study's, 2017"), wraps=True)]
    rows = [
        [TableCell(name), TableCell(own.get(name, numbers.NONE)), TableCell(then.get(name, numbers.NONE))]
        for name in {**own, **then}
    ]
    return Table(caption, columns, rows)


# ---------------------------------------------------------------- its state


@dataclass(frozen=True)
class Stability:
    """How steady the machine was over its newest runs; `noise` is its measured A/A ratio minus 1."""

    health: Sequence[Health]
    noise: float | None

    @property
    def unstable(self) -> int:
        return sum(bool(each.unstable) for each in self.health)

    @property
    def unstable_words(self) -> str:
        if not self.health:
            return numbers.NONE
        share = numbers.percent(self.unstable / len(self.health))
        return _("{share} of its newest {n} runs").format(share=share, n=numbers.count(len(self.health)))

    @property
    def noise_words(self) -> str:
        return numbers.percent(self.noise) if self.noise is not None else _("not measured")

    @property
    def reasons(self) -> list[str]:
        return list(dict.fromkeys(reason_in_words(reason) for each in self.health for reason in each.unstable))[:5]

    @property
    def chart(self) -> Chart:
        counts = sorted({each.threads for each in self.health if each.gflops})
        series = [self._series(count, at) for at, count in enumerate(counts[: len(RAMP)])]
        return Chart(SPECS["stability"], series, "linear", from_zero=False)

    def _series(self, threads: int, at: int) -> Series:
        points = [
            Point(place, each.gflops)
            for place, each in enumerate(self.health, 1)
            if each.gflops and each.threads == threads
        ]
        return Series(threads_words(threads), ramp_style(at, filled=True), points, radius=2.5, joined=False)


def stability_of(machine: Machine, noise: float | None = None) -> Stability:
    return Stability(health_of(machine), noise)


# ---------------------------------------------------------------- all submissions for its processor


@dataclass(frozen=True)
class Peer:
    """One engine on one workload, over the machines with this processor."""

    row: CellRow
    seconds: Mapping[str, float]
    """Machine -> time per epoch."""


def peers_table(machine: Machine) -> Table | None:
    """None where no other machine with this processor has results."""
    found = [peer for peer in _peers(machine) if len(peer.seconds) > 1]
    if not found:
        return None
    found.sort(key=lambda peer: (-len(peer.seconds), -peer.row.flops))
    columns = [
        Column(_("Engine")),
        Column(_("Network")),
        Column(_("Machines"), is_number=True),
        Column(_("This machine"), is_number=True),
        Column(_("Fastest"), is_number=True),
        Column(_("Median"), is_number=True),
        Column(_("Slowest"), is_number=True),
        Column(_("Its place")),
    ]
    caption = _("All machines with this processor")
    return Table(caption, columns, [_peer_row(peer, machine.name) for peer in found[:_MOST_ROWS]])


def _peers(machine: Machine) -> list[Peer]:
    rows = cells_with_processor(str(machine.hardware.get("cpu") or ""))
    groups = alike([row for row in rows if row.estimate], but="machine")
    return [_peer(group) for group in groups if any(row.machine_id == machine.pk for row in group)]


def _peer(rows: Sequence[CellRow]) -> Peer:
    newest = sorted(rows, key=lambda row: row.newest_run_at)
    return Peer(newest[-1], {row.machine: row.estimate.seconds for row in newest if row.estimate})


def _peer_row(peer: Peer, machine: str) -> list[TableCell]:
    times = sorted(peer.seconds.values())
    place = times.index(peer.seconds[machine]) + 1
    words = _("{place} of {all}").format(place=numbers.count(place), all=numbers.count(len(times)))
    network = network_name(peer.row.network_type, peer.row.hidden_layers, peer.row.width, peer.row.options)
    return [
        TableCell(engine_title(peer.row.engine), style=row_style(peer.row)),
        TableCell(network, title=peer.row.data_label),
        TableCell(numbers.count(len(times))),
        *(TableCell(numbers.seconds(value)) for value in (peer.seconds[machine], times[0], median(times), times[-1])),
        TableCell(chip=Chip(words, "good" if place == 1 else "none")),
    ]


def machines(request: HttpRequest) -> HttpResponse:
    orders = {"name": "name", "cpu": "hardware__cpu", "cores": "hardware__cores", "memory": "hardware__memory_bytes"}
    page = listed(request, ordered(Machine.objects.all(), request, orders, ("name", "hardware__cpu")))
    table = machines_table(list(page), coverage.extents("machine", keys(page)))
    return render_list(request, SECTION, page, table)


def machine(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Machine, pk=pk)
    state = stability_of(found, noise_of(found))
    query = urlencode({"machine": found.pk})
    return render_page(
        request,
        "machine",
        SECTION,
        machine=found,
        price="" if found.hourly_price is None else f"{numbers.digits(float(found.hourly_price))} {found.currency}",
        tables=hardware_tables(found.hardware),
        state=state,
        chart=state.chart,
        chart_url=chart_url("stability", query),
        summary=build.summary(state.chart),
        peers=peers_table(found),
        latest=runs_table(latest_runs(machine=found), _("Its newest runs"), without="Machine"),
    )


def machines_table(machines: Sequence[Machine], extents: Mapping[int, Extent]) -> Table:
    columns = [Column(_("Machine"), sort="name"), Column(_("Processor"), sort="cpu")]
    columns += [Column(_("Cores"), is_number=True, sort="cores"), Column(_("Memory"), is_number=True, sort="memory")]
    columns += [Column(_("GPU"))]
    columns += [*number_columns(_("Cells"), _("Experiments")), Column(_("Newest run"))]
    return Table(_("Machines"), columns, [_machine_row(machine, extents[machine.pk]) for machine in machines])


def _machine_row(machine: Machine, extent: Extent) -> list[TableCell]:
    hardware = machine.hardware
    return [
        TableCell(machine.name, url=reverse("machine", args=[machine.pk])),
        TableCell(str(hardware.get("cpu") or numbers.NONE)),
        TableCell(number(hardware.get("cores"))),
        TableCell(numbers.gib(whole(hardware.get("memory_bytes")))),
        TableCell(", ".join(map(str, hardware.get("gpus") or [])) or _("none found")),
        *counts(extent, "cells", "experiments"),
        TableCell(when(extent.newest_run_at)),
    ]


def stability_chart(query: QueryDict) -> Chart:
    return stability_of(machine_asked_for(query.get("machine", ""))).chart


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("machines/", machines, name="machines"),
    path("machines/<int:pk>/", machine, name="machine"),
)
CHARTS = {"stability": stability_chart}
