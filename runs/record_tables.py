"""Tables of what is stored: runs, experiments, machines, environments, engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from engines.registry import ENGINES
from runs.charts.style import Chip, style_for
from runs.models import Environment, Experiment, Machine, Run
from runs.pages.parts.cells import status_chip
from runs.selectors.cells import environment_label
from runs.selectors.coverage import Extent
from runs.selectors.runs import Gated
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import data_name
from runs.words.engines import engine_title
from runs.words.reasons import reason_in_words


def when(moment: datetime | None) -> str:
    return date_format(moment, "j M Y, H:i") if moment else numbers.NONE


def _numbers(*titles: str) -> list[Column]:
    return [Column(title, is_number=True) for title in titles]


def runs_table(runs: Sequence[Run], caption: str = "", *, without: str = "") -> Table:
    """`without` names a column that would say the same in every row."""
    columns = [Column(_("Run")), Column(_("Network")), Column(_("Data")), Column(_("Samples"), is_number=True)]
    columns += [Column(_("On"))]
    columns += [Column(_("Time per epoch"), is_number=True, sort="seconds"), Column(_("Status"))]
    columns += [Column(_("Experiment")), Column(_("Machine")), Column(_("Finished"), sort="finished")]
    kept = [index for index, column in enumerate(columns) if column.title != without]
    rows = [_run_row(run) for run in runs]
    return Table(
        caption or _("Runs, the newest first"),
        [columns[index] for index in kept],
        [[row[index] for index in kept] for row in rows],
    )


def _run_row(run: Run) -> list[TableCell]:
    workload = run.workload
    style = style_for(
        run.engine, network_type=workload.network_type, hidden_layers=workload.hidden_layers, track=run.track
    )
    size = numbers.size(workload.hidden_layers, workload.width)
    return [
        TableCell(run.engine_title, url=run.get_absolute_url(), style=style),
        TableCell(f"{workload.network_type.upper()} {size}"),
        TableCell(data_name(workload.dataset, is_synthetic=workload.is_synthetic)),
        TableCell(numbers.count(workload.train_samples)),
        TableCell(on_words(run.device, run.threads)),
        TableCell(numbers.seconds(run.epoch_seconds)),
        TableCell(chip=status_chip(run.status), title=reason_in_words(run.reason)[:300]),
        TableCell(run.experiment.name, url=reverse("experiment", args=[run.experiment.slug])),
        TableCell(run.machine.name, url=reverse("machine", args=[run.machine.pk])),
        TableCell(when(run.finished_at)),
    ]


def on_words(device: str, threads: int) -> str:
    words = ngettext("{device}, {n} thread", "{device}, {n} threads", threads)
    return words.format(device=device.upper(), n=numbers.count(threads))


def experiments_table(experiments: Sequence[Experiment], extents: Mapping[int, Extent]) -> Table:
    columns = [Column(_("Experiment"), sort="name"), Column(_("Suite"), sort="suite"), Column(_("Preset"))]
    columns += [*_numbers(_("Cells"), _("Engines"), _("Machines")), Column(_("Newest run"))]
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
    return Table(_("Experiments, the newest first"), columns, rows)


def machines_table(machines: Sequence[Machine], extents: Mapping[int, Extent]) -> Table:
    columns = [Column(_("Machine"), sort="name"), Column(_("Processor"), sort="cpu")]
    columns += [Column(_("Cores"), is_number=True, sort="cores"), Column(_("Memory"), is_number=True, sort="memory")]
    columns += [Column(_("GPU"))]
    columns += [*_numbers(_("Cells"), _("Experiments")), Column(_("Newest run"))]
    return Table(_("Machines"), columns, [_machine_row(machine, extents[machine.pk]) for machine in machines])


def _machine_row(machine: Machine, extent: Extent) -> list[TableCell]:
    hardware = machine.hardware
    return [
        TableCell(machine.name, url=reverse("machine", args=[machine.pk])),
        TableCell(str(hardware.get("cpu") or numbers.NONE)),
        TableCell(number(hardware.get("cores"))),
        TableCell(numbers.gib(whole(hardware.get("memory_bytes")))),
        TableCell(", ".join(map(str, hardware.get("gpus") or [])) or _("none seen")),
        *_counts(extent, "cells", "experiments"),
        TableCell(when(extent.newest_run_at)),
    ]


def environments_table(environments: Sequence[Environment], extents: Mapping[int, Extent]) -> Table:
    columns = [
        Column(_("Environment"), sort="name"),
        Column(_("Python"), sort="python"),
        Column(_("Made by"), sort="origin"),
        *_numbers(_("Packages")),
    ]
    columns += [*_numbers(_("Engines"), _("Cells")), Column(_("Newest run"))]
    return Table(
        _("Environments: the exact software of runs"),
        columns,
        [_environment_row(environment, extents[environment.pk]) for environment in environments],
    )


def _environment_row(environment: Environment, extent: Extent) -> list[TableCell]:
    return [
        TableCell(str(environment), url=reverse("environment", args=[environment.pk])),
        TableCell(environment.python or numbers.NONE),
        TableCell(_(ORIGIN_WORDS.get(environment.origin, environment.origin))),
        TableCell(numbers.count(len(environment.packages))),
        *_counts(extent, "engines", "cells"),
        TableCell(when(extent.newest_run_at)),
    ]


ORIGIN_WORDS = {
    "locked": gettext_noop("our lock file"),
    "chosen": gettext_noop("an interpreter that the user named"),
    "missing": gettext_noop("not installed"),
}


def engines_table(rows: Sequence[tuple[str, Extent]]) -> Table:
    columns = [
        Column(_("Engine"), sort="name"),
        Column(_("Short")),
        *_numbers(_("Cells"), _("Machines"), _("Experiments")),
    ]
    columns += [Column(_("Newest run"))]
    return Table(_("Engines"), columns, [_engine_row(slug, extent) for slug, extent in rows])


def _engine_row(slug: str, extent: Extent) -> list[TableCell]:
    info = ENGINES.get(slug)
    return [
        TableCell(engine_title(slug), url=reverse("engine", args=[slug]) if info else "", style=style_for(slug)),
        TableCell(info.abbreviation if info else numbers.NONE),
        *_counts(extent, "cells", "machines", "experiments"),
        TableCell(when(extent.newest_run_at) if extent.newest_run_at else _("not run yet")),
    ]


def _counts(extent: Extent, *names: str) -> list[TableCell]:
    return [TableCell(numbers.count(getattr(extent, name))) for name in names]


def facts_table(caption: str, facts: Mapping[str, Any], titles: tuple[str, str] | None = None) -> Table:
    """Two columns: a name and what it is."""
    titles = titles or (_("What"), _("Value"))
    rows = [[TableCell(str(name)), TableCell(str(value))] for name, value in facts.items()]
    return Table(caption, [Column(titles[0]), Column(titles[1], wraps=True)], rows, hides_head=True)


def number(value: Any) -> str:
    found = whole(value)
    return numbers.NONE if found is None else numbers.count(found)


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


# ---------------------------------------------------------------- an engine's proof and tracks


def gates_table(slug: str, gated: Sequence[Gated]) -> Table:
    """The equivalence verdict of each version, as the newest run in each environment bears it."""
    columns = [Column(_("Version")), Column(_("Track")), Column(_("Same work as the reference")), Column(_("Code"))]
    columns += [Column(_("Checked")), Column(_("Largest difference"), wraps=True)]
    return Table(_("Does it do the same work?"), columns, [_gate_row(slug, each) for each in gated])


_EQUIVALENCE_TONES = {gettext_noop("passed"): "good", gettext_noop("failed"): "bad", gettext_noop("unverified"): "warn"}


def _gate_row(slug: str, each: Gated) -> list[TableCell]:
    record = each.run.record
    verdict = record.get("equivalence") or "unverified"
    code = record.get("code") or {}
    gate = record.get("gate") or {}
    return [
        TableCell(environment_label(each.environment, slug), url=reverse("environment", args=[each.environment.pk])),
        TableCell(_(each.run.track)),
        TableCell(chip=Chip(_(verdict), _EQUIVALENCE_TONES.get(verdict, "warn"))),
        TableCell(str(code.get("engine_sha256") or code.get("commit") or numbers.NONE)[:12]),
        TableCell(when(each.run.finished_at)),
        TableCell("; ".join(f"{name}: {value}" for name, value in list(gate.items())[:3]) or numbers.NONE),
    ]


def tracks_table(tracks: Mapping[str, Mapping[str, Any]]) -> Table:
    """What each track sets, setting by setting; those that differ first."""
    settings = {track: (record.get("training") or {}).get("settings") or {} for track, record in tracks.items()}
    names = list(dict.fromkeys(name for own in settings.values() for name in own))
    names.sort(key=lambda name: len({own.get(name) for own in settings.values()}) < 2)
    columns = [Column(_("Setting")), *(Column(_(track), wraps=True) for track in settings)]
    rows = [
        [TableCell(name), *(TableCell(str(own.get(name, numbers.NONE))) for own in settings.values())] for name in names
    ]
    return Table(_("What its tracks set"), columns, rows)
