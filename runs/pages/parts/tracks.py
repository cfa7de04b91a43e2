"""What an engine's tuned track is worth: compiling and steady epochs of both tracks side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from django.conf import settings
from django.utils.translation import gettext as _

from engines.registry import ENGINES
from runs.findings.alike import Place, place
from runs.findings.cells import CellRow
from runs.findings.run_details import RunDetails
from runs.findings.tracks import Payoff, pairs
from runs.models import Run
from runs.pages.parts.cells import row_style
from runs.selectors.cells import cells_of
from runs.selectors.run_details import run_details
from runs.selectors.scopes import Scope
from runs.tables.table import Column, Table, TableCell
from runs.words import numbers
from runs.words.cells import on_words
from runs.words.engines import engine_place, engine_title
from runs.words.networks import network_name


def payoff_table(scope: Scope, rows: Iterable[CellRow]) -> Table:
    """No row where no cell of these has both tracks; then no record is read."""
    found = pairs(rows)
    figures = run_details(scope, [row for pair in found for row in pair]) if found else {}
    columns = [Column(_("Engine")), Column(_("Network")), Column(_("Training")), Column(_("On"))]
    columns += [
        Column(title, is_number=True)
        for title in (
            _("Compiling, idiomatic"),
            _("Compiling, tuned"),
            _("Epoch, idiomatic"),
            _("Epoch, tuned"),
            _("Tuned pays off after"),
        )
    ]
    made = [row for pair in found if (row := _payoff_row(*pair, figures))]
    note = _(
        "Compiling: the median of the runs, with what a first epoch takes beyond a usual one, since some compile "
        "within it. Tuned pays off after the difference of both compiling times over that of both epochs; never where "
        "the tuned epoch is no faster."
    )
    return Table(_("What the tuned track costs and gains"), columns, made, note=note)


def _payoff_row(
    idiomatic: CellRow, tuned: CellRow, figures: Mapping[Place, Sequence[RunDetails]]
) -> list[TableCell] | None:
    before, after = figures.get(place(idiomatic)), figures.get(place(tuned))
    if not before or not after or not idiomatic.estimate or not tuned.estimate:
        return None
    start, tuned_start = (median(map(_compiling_seconds, side)) for side in (before, after))
    payoff = Payoff(start, tuned_start, idiomatic.estimate.seconds, tuned.estimate.seconds)
    return [
        TableCell(engine_title(idiomatic.engine), style=row_style(idiomatic)),
        TableCell(network_name(idiomatic.network_type, idiomatic.hidden_layers, idiomatic.width, idiomatic.options)),
        TableCell(idiomatic.training),
        TableCell(on_words(idiomatic.device, idiomatic.threads)),
        *(TableCell(numbers.seconds(seconds), values=(seconds,)) for seconds in (payoff.start, payoff.other_start)),
        *(TableCell(numbers.seconds(seconds), values=(seconds,)) for seconds in (payoff.epoch, payoff.other_epoch)),
        TableCell(payoff.words, values=(payoff.epochs,)),
    ]


def _compiling_seconds(run: RunDetails) -> float:
    return run.compile_seconds + run.warm_up_seconds


def payoffs_of_engine(slug: str, tracks: Mapping[str, Run]) -> Table:
    """Where the newest run of its tuned track stands: that experiment, on that machine."""
    newest = tracks.get("tuned")
    scope = Scope(newest.experiment, newest.machine, (), ()) if newest else Scope(None, None, (), ())
    return payoff_table(scope, [row for row in cells_of(scope) if row.engine == slug])


# ---------------------------------------------------------------- how it is done


def docs_of(slug: str) -> Path | None:
    """The file that says how an engine is implemented; none for an engine of another package."""
    path = Path(settings.BASE_DIR) / "docs" / "engines" / f"{slug}.md"
    return path if slug in ENGINES and path.is_file() else None


def documented(slugs: Iterable[str]) -> list[tuple[str, str]]:
    """Slug and title of those that have such a file, each once."""
    return [(slug, engine_title(slug)) for slug in sorted(set(slugs), key=engine_place) if docs_of(slug)]
