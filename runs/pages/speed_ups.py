"""GPU/CPU speed-ups in the form of the study's Tables 4.7 and 4.8: published, and measured beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engines.contract import NetworkType
from engines.networks import ARCHITECTURES, of_type
from engines.registry import ENGINES
from runs.charts.style import Chip, style_for
from runs.findings.alike import HELD_NAMES, Place, held_values, place
from runs.findings.cells import CellRow
from runs.findings.choices import Select, selects
from runs.findings.run_details import RunDetails
from runs.findings.speed_ups import CHOICES, Hosts, Key, Measured, PublishedValue, RowKey, SpeedUps, measured_speed_ups
from runs.findings.tracks import Payoff
from runs.models import PublishedSpeedUp
from runs.pages.parts.rendering import Section, render_page, table_url
from runs.pages.parts.selects import gpu_machine_select
from runs.selectors.cells import cells_of
from runs.selectors.run_details import run_details
from runs.selectors.scopes import Scope, asked_scope, with_both_devices
from runs.selectors.study import published_speed_ups
from runs.stats import Ratio
from runs.study.published import published
from runs.tables.table import Column, Table, TableCell, heat
from runs.words import numbers
from runs.words.engines import engine_title
from runs.words.networks import depth_words, network_name, network_plural, network_title, width_words

SECTION = Section("speed-ups", gettext_noop("Speed-ups"), "speed-ups")


def speed_up_table(found: SpeedUps, published: Sequence[PublishedValue]) -> Table:
    """Engines and depths down, widths across: the chosen ones, with the published values beside."""
    network_type, measured = found.network_type, found.chosen
    by_key: dict[Key, float] = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in published}
    keys = list({**by_key, **dict.fromkeys(measured)})
    widths = sorted({width for _, _, width in keys})
    rows = dict.fromkeys((engine, layers) for engine, layers, _ in keys)
    columns = [Column(f"{network_title(network_type)}, {width_words(network_type)}")]
    columns += [Column(numbers.count(width), is_number=True) for width in widths]
    return Table(
        _caption(network_type),
        columns,
        [_row(network_type, row, widths, by_key, measured) for row in rows],
        note=_note(found),
    )


def _caption(network_type: str) -> str:
    """With the number of the study's table, where it has one."""
    then = {str(each): table.table for each, table in published().speed_ups.items()}
    if network_type not in then:
        words = _("{networks}: time on one CPU thread over time on the GPU")
        return words.format(networks=network_plural(network_type))
    return _("Table {number}: time on one CPU thread over time on the GPU").format(number=then[network_type])


def _row(
    network_type: str,
    row: RowKey,
    widths: Sequence[int],
    published: Mapping[Key, float],
    measured: Mapping[Key, Measured],
) -> list[TableCell]:
    engine, layers = row
    header = TableCell(
        row_label(engine, layers),
        style=style_for(engine, network_type=network_type, hidden_layers=layers),
        title=f"{engine_title(engine)}, {depth_words(network_type, layers)}",
    )
    return [header] + [_value(published.get((*row, width)), measured.get((*row, width))) for width in widths]


def row_label(engine: str, layers: int) -> str:
    """As the study names its rows: `ktf 16`."""
    info = ENGINES.get(engine)
    return f"{info.abbreviation if info else engine} {layers}"


def _value(published: float | None, measured: Measured | None) -> TableCell:
    """The measured value first where there is one, the published one small beside it."""
    if measured:
        ratio = measured.ratio
        # xgettext:no-python-format
        words = _("95 % interval {interval}; {data}").format(
            interval=numbers.interval(ratio.low, ratio.high, "×"), data=measured.conditions
        )
        small = numbers.as_printed(published) if published else ""
        return TableCell(
            numbers.times(ratio.value), small=small, small_title=_("Published"), heat=heat(ratio.value), title=words
        )
    if published is None:
        return TableCell(numbers.NONE, title=_("Not run."))
    return TableCell(f"{numbers.as_printed(published)}×", heat=heat(published))


def measured_table(found: SpeedUps, published: Sequence[PublishedValue]) -> Table:
    """One row for each measured speed-up, with its interval, all that both sides share, and the published value."""
    by_key = {(value.engine, value.hidden_layers, value.width): value.speed_up for value in published}
    columns = [
        Column(_("Engine"), exports=("engine", *HELD_NAMES, "cpu_environment")),
        Column(_("Network"), exports=("network", "hidden_layers", "width")),
        Column(_("Measured"), is_number=True, exports=("speed_up",)),
        # xgettext:no-python-format
        Column(_("95 % interval"), is_number=True, exports=("low", "high")),
        Column(_("Published"), is_number=True, exports=("published",)),
        Column(_("Data"), exports=("data_label",)),
        Column(_("Training"), exports=("training",)),
        Column(_("Track"), exports=("track",)),
        Column(_("Release"), exports=("release",)),
        Column(_("Machines"), exports=("cpu_host", "gpu_host")),
    ]
    rows = [_measured_row(found.network_type, each, by_key.get(each.key)) for each in found.pairs]
    return Table(_("Measured speed-ups: {network}").format(network=network_title(found.network_type)), columns, rows)


def _measured_row(network_type: str, value: Measured, published: float | None) -> list[TableCell]:
    engine, layers, width = value.key
    row, ratio = value.after, value.ratio
    style = style_for(engine, network_type=network_type, hidden_layers=layers, track=row.track)
    return [
        TableCell(engine_title(engine), style=style, values=(engine, *held_values(row), value.before.environment)),
        TableCell(numbers.size(layers, width), values=(network_type, layers, width)),
        TableCell(numbers.times(ratio.value), heat=heat(ratio.value), values=(ratio.value,)),
        TableCell(numbers.interval(ratio.low, ratio.high, "×"), title=_why(ratio), values=(ratio.low, ratio.high)),
        TableCell(f"{numbers.as_printed(published)}×" if published else numbers.NONE, values=(published,)),
        TableCell(row.data_label, title=row.data_sha256),
        TableCell(row.training),
        TableCell(_(row.track), values=(row.track,)),
        TableCell(row.release),
        _hosts_cell(value.hosts),
    ]


def _hosts_cell(hosts: Hosts) -> TableCell:
    if not hosts.are_two:
        return TableCell(hosts.cpu, values=(hosts.cpu, hosts.gpu))
    return TableCell(chip=Chip(_("two machines"), "warn"), title=str(hosts), values=(hosts.cpu, hosts.gpu))


def _why(ratio: Ratio) -> str:
    return "" if ratio.low is not None else _("An interval needs three runs on each side.")


def _note(found: SpeedUps) -> str:
    if not found.chosen:
        return _(
            "Published in 2017: TITAN Black against one thread of an Opteron 6168. Nothing measured on a GPU here yet."
        )
    hosts = " · ".join(dict.fromkeys(str(each.hosts) for each in found.chosen.values()))
    words = _("Measured here: {conditions}; {hosts}. The study's published value is shown next to it, or alone.")
    return words.format(conditions=found.conditions, hosts=hosts)


# ---------------------------------------------------------------- when it pays off


def break_even_table(measured: Iterable[Measured], figures: Mapping[Place, Sequence[RunDetails]]) -> Table:
    """For the pairs on one host whose records tell how long they took to start."""
    columns = [
        Column(_("Engine")),
        Column(_("Network")),
        Column(_("Start on the CPU"), is_number=True),
        Column(_("Start on the GPU"), is_number=True),
        Column(_("Pays off after"), is_number=True),
    ]
    found = [(each, _payoff(each, figures)) for each in measured if not each.hosts.are_two]
    rows = [_payoff_row(each.after, payoff) for each, payoff in found if payoff]
    return Table(_("When a GPU pays off"), columns, rows)


def _payoff(each: Measured, figures: Mapping[Place, Sequence[RunDetails]]) -> Payoff | None:
    cpu, gpu = figures.get(place(each.before)), figures.get(place(each.after))
    if not cpu or not gpu or not each.before.estimate or not each.after.estimate:
        return None
    cpu_start, gpu_start = (median(run.start_seconds + run.warm_up_seconds for run in side) for side in (cpu, gpu))
    return Payoff(cpu_start, gpu_start, each.before.estimate.seconds, each.after.estimate.seconds)


def _payoff_row(row: CellRow, payoff: Payoff) -> list[TableCell]:
    style = style_for(row.engine, network_type=row.network_type, hidden_layers=row.hidden_layers)
    return [
        TableCell(engine_title(row.engine), style=style),
        TableCell(network_name(row.network_type, row.hidden_layers, row.width, row.options)),
        TableCell(numbers.seconds(payoff.start), values=(payoff.start,)),
        TableCell(numbers.seconds(payoff.other_start), values=(payoff.other_start,)),
        TableCell(payoff.words, values=(payoff.epochs,)),
    ]


@dataclass(frozen=True)
class FoundSpeedUps:
    """`scope` names the machine of each device."""

    scope: Scope
    by_network: Mapping[NetworkType, SpeedUps]

    @property
    def pairs(self) -> list[Measured]:
        return [each for found in self.by_network.values() for each in found.pairs]

    @property
    def differing(self) -> list[str]:
        return [words for found in self.by_network.values() for words in found.differing]

    @cached_property
    def _published(self) -> Mapping[NetworkType, list[PublishedSpeedUp]]:
        return published_speed_ups()

    @cached_property
    def heat_tables(self) -> list[Table]:
        values = self._published
        return [speed_up_table(found, values[network]) for network, found in self.by_network.items()]

    @cached_property
    def measured_tables(self) -> list[Table]:
        values = self._published
        return [measured_table(found, values[network]) for network, found in self.by_network.items()]


def found_speed_ups(scope: Scope, query: QueryDict, cells: Sequence[CellRow] | None = None) -> FoundSpeedUps:
    """`cells` are the scope's, where they are at hand; read again only if another machine has a device's times."""
    both = with_both_devices(scope)
    rows = cells_of(both) if cells is None or both is not scope else cells
    wished = {facet.name: query.getlist(facet.name) for facet in CHOICES}
    made = {network: measured_speed_ups(rows, network, wished) for network in ARCHITECTURES}
    shown = {network: each for network, each in made.items() if each.pairs or of_type(network).is_studied}
    return FoundSpeedUps(both, shown)


def speed_up_page(request: HttpRequest) -> HttpResponse:
    found = found_speed_ups(asked_scope(request.GET), request.GET)
    figures = run_details(found.scope, [row for each in found.pairs for row in (each.before, each.after)])
    query = request.GET.urlencode()
    return render_page(
        request,
        "speed_ups",
        SECTION,
        scope=found.scope,
        selects=_selects(found, request.GET),
        found=found,
        heat_tables=found.heat_tables,
        measured_tables=[table for table in found.measured_tables if table.rows],
        break_even=break_even_table(found.pairs, figures),
        machines_then=published().machines,
        csv_url=table_url("speed-ups", "csv", query),
        table_json_url=table_url("speed-ups", "json", query),
        is_synthetic=any(each.after.is_synthetic for each in found.pairs),
    )


def _selects(found: FoundSpeedUps, query: QueryDict) -> list[Select]:
    asked = {name: query.getlist(name) for name in query}
    return [
        *gpu_machine_select(found.scope),
        *selects([(network, each.facets) for network, each in found.by_network.items()], asked),
    ]


def speed_up_export(query: QueryDict) -> Table:
    """Both networks' measured speed-ups."""
    made = found_speed_ups(asked_scope(query), query).measured_tables
    return replace(made[0], rows=[row for table in made for row in table.rows])


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (path("speed-ups/", speed_up_page, name="speed-ups"),)
TABLES = {"speed-ups": speed_up_export}
