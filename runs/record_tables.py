"""Tables of what is stored: runs, experiments, machines, environments, engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format

from engines.registry import ENGINES
from runs import formats
from runs.cells import engine_title
from runs.charts.style import style_for
from runs.models import Environment, Experiment, Machine, Run
from runs.selectors import Extent
from runs.tables import Column, Table, TableCell, status_chip

_TIME = Column("Time per epoch", is_number=True)


def when(moment: datetime | None) -> str:
    return date_format(moment, "j M Y, H:i") if moment else formats.NONE


def _numbers(*titles: str) -> list[Column]:
    return [Column(title, is_number=True) for title in titles]


def runs_table(runs: Sequence[Run], caption: str = "Runs, the newest first", *, without: str = "") -> Table:
    """`without` names a column that would say the same in every row."""
    columns = [Column("Run"), Column("Network"), Column("Data"), Column("On"), _TIME, Column("Status")]
    columns += [Column("Experiment"), Column("Machine"), Column("Finished")]
    kept = [index for index, column in enumerate(columns) if column.title != without]
    rows = [_run_row(run) for run in runs]
    return Table(caption, [columns[index] for index in kept], [[row[index] for index in kept] for row in rows])


def _run_row(run: Run) -> list[TableCell]:
    workload = run.workload
    style = style_for(
        run.engine, network_type=workload.network_type, hidden_layers=workload.hidden_layers, track=run.track
    )
    size = formats.size(workload.hidden_layers, workload.width)
    return [
        TableCell(run.engine_title, url=run.get_absolute_url(), style=style),
        TableCell(f"{workload.network_type.upper()} {size}"),
        TableCell(workload.data_label),
        TableCell(on_words(run.device, run.threads)),
        TableCell(formats.seconds(run.epoch_seconds)),
        TableCell(chip=status_chip(run.status), title=run.reason[:300]),
        TableCell(run.experiment.name, url=reverse("experiment", args=[run.experiment.slug])),
        TableCell(run.machine.name, url=reverse("machine", args=[run.machine.pk])),
        TableCell(when(run.finished_at)),
    ]


def on_words(device: str, threads: int) -> str:
    return f"{device.upper()}, {formats.count(threads)} thread{'s' if threads != 1 else ''}"


def experiments_table(experiments: Sequence[Experiment], extents: Mapping[int, Extent]) -> Table:
    columns = [Column("Experiment"), Column("Suite"), Column("Preset")]
    columns += [*_numbers("Cells", "Engines", "Machines"), Column("Newest run")]
    rows = [
        [
            TableCell(experiment.name, url=reverse("experiment", args=[experiment.slug])),
            TableCell(experiment.suite),
            TableCell(experiment.preset),
            *_counts(extents[experiment.pk], "cells", "engines", "machines"),
            TableCell(when(extents[experiment.pk].newest_run_at)),
        ]
        for experiment in experiments
    ]
    return Table("Experiments, the newest first", columns, rows)


def machines_table(machines: Sequence[Machine], extents: Mapping[int, Extent]) -> Table:
    columns = [Column("Machine"), Column("Processor"), *_numbers("Cores", "Memory"), Column("GPU")]
    columns += [*_numbers("Cells", "Experiments"), Column("Newest run")]
    return Table("Machines", columns, [_machine_row(machine, extents[machine.pk]) for machine in machines])


def _machine_row(machine: Machine, extent: Extent) -> list[TableCell]:
    hardware = machine.hardware
    return [
        TableCell(machine.name, url=reverse("machine", args=[machine.pk])),
        TableCell(str(hardware.get("cpu") or formats.NONE)),
        TableCell(number(hardware.get("cores"))),
        TableCell(formats.gib(whole(hardware.get("memory_bytes")))),
        TableCell(", ".join(map(str, hardware.get("gpus") or [])) or "none seen"),
        *_counts(extent, "cells", "experiments"),
        TableCell(when(extent.newest_run_at)),
    ]


def environments_table(environments: Sequence[Environment], extents: Mapping[int, Extent]) -> Table:
    columns = [Column("Environment"), Column("Python"), Column("Made by"), *_numbers("Packages")]
    columns += [*_numbers("Engines", "Cells"), Column("Newest run")]
    return Table(
        "Environments: the exact software of runs",
        columns,
        [_environment_row(environment, extents[environment.pk]) for environment in environments],
    )


def _environment_row(environment: Environment, extent: Extent) -> list[TableCell]:
    return [
        TableCell(str(environment), url=reverse("environment", args=[environment.pk])),
        TableCell(environment.python or formats.NONE),
        TableCell(ORIGIN_WORDS.get(environment.origin, environment.origin)),
        TableCell(formats.count(len(environment.packages))),
        *_counts(extent, "engines", "cells"),
        TableCell(when(extent.newest_run_at)),
    ]


ORIGIN_WORDS = {
    "locked": "our lock file",
    "chosen": "an interpreter that the user named",
    "missing": "not installed",
}


def engines_table(rows: Sequence[tuple[str, Extent]]) -> Table:
    columns = [Column("Engine"), Column("Short"), *_numbers("Cells", "Machines", "Experiments"), Column("Newest run")]
    return Table("Engines", columns, [_engine_row(slug, extent) for slug, extent in rows])


def _engine_row(slug: str, extent: Extent) -> list[TableCell]:
    info = ENGINES.get(slug)
    return [
        TableCell(engine_title(slug), url=reverse("engine", args=[slug]) if info else "", style=style_for(slug)),
        TableCell(info.abbreviation if info else formats.NONE),
        *_counts(extent, "cells", "machines", "experiments"),
        TableCell(when(extent.newest_run_at) if extent.newest_run_at else "not run yet"),
    ]


def _counts(extent: Extent, *names: str) -> list[TableCell]:
    return [TableCell(formats.count(getattr(extent, name))) for name in names]


def facts_table(caption: str, facts: Mapping[str, Any], titles: tuple[str, str] = ("What", "Value")) -> Table:
    """Two columns: a name and what it is."""
    rows = [[TableCell(str(name)), TableCell(str(value))] for name, value in facts.items()]
    return Table(caption, [Column(titles[0]), Column(titles[1], wraps=True)], rows, hides_head=True)


def number(value: Any) -> str:
    found = whole(value)
    return formats.NONE if found is None else formats.count(found)


def whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# ---------------------------------------------------------------- hits of a search


def machine_hits(machines: Sequence[Machine]) -> list[TableCell]:
    return [
        TableCell(found.name, url=reverse("machine", args=[found.pk]), title=str(found.hardware.get("cpu") or ""))
        for found in machines
    ]


def experiment_hits(experiments: Sequence[Experiment]) -> list[TableCell]:
    return [
        TableCell(found.name, url=reverse("experiment", args=[found.slug]), title=found.suite) for found in experiments
    ]


def run_hits(runs: Sequence[Run]) -> list[TableCell]:
    return [
        TableCell(str(found.run_id), url=found.get_absolute_url(), title=f"{found.engine_title}, {found.workload}")
        for found in runs
    ]
