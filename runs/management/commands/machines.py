from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from engines import machine
from runs.errors import RunsError
from runs.models import Machine
from runs.services import curation

Rows = Sequence[tuple[str, str]]


class Command(BaseCommand):
    help = "Show what this machine is; rename, merge and price machines in the database."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
        detect = actions.add_parser("detect", help="show what this machine is and how it is doing")
        detect.add_argument("--json", action="store_true", help="as JSON")
        detect.set_defaults(action=self.detect)
        rename = actions.add_parser("rename", help="give a machine of the database another name")
        rename.add_argument("name")
        rename.add_argument("new_name")
        rename.set_defaults(action=self.rename)
        price = actions.add_parser("price", help="say what an hour of a machine costs, for the costs that pages show")
        price.add_argument("name")
        price.add_argument("price", help="0.35; none forgets it")
        price.add_argument("currency", nargs="?", default="EUR", help="as EUR, USD (default: EUR)")
        price.set_defaults(action=self.price)
        merge = actions.add_parser("merge", help="two names of one machine become one")
        merge.add_argument("name", help="the name that goes")
        merge.add_argument("into", help="the name that stays")
        merge.set_defaults(action=self.merge)

    def handle(self, *args: Any, **options: Any) -> None:
        options["action"](**options)

    def detect(self, **options: Any) -> None:
        hardware, state = machine.detect(), machine.readings()
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(hardware, state), indent=2))
            return
        rows = [*machine.labelled(hardware), ("fingerprint", machine.fingerprint(hardware))]
        self._show("This machine", rows)
        self._show("Just now", machine.labelled_readings(state))
        withheld = [*hardware.withheld, *machine.withheld_readings(state)]
        self._show("Withheld by the operating system", [("", ", ".join(withheld) or "nothing")])

    def rename(self, **options: Any) -> None:
        with _told():
            row = curation.rename_machine(machine=_named(options["name"]), name=options["new_name"])
        self.stdout.write(f"{options['name']} is now {row.name}.")

    def price(self, **options: Any) -> None:
        wished = "" if options["price"] == "none" else options["price"]
        with _told():
            row = curation.set_price(machine=_named(options["name"]), price=wished, currency=options["currency"])
        words = f"costs {row.hourly_price} {row.currency} an hour" if row.hourly_price else "has no price"
        self.stdout.write(f"{row.name} {words}.")

    def merge(self, **options: Any) -> None:
        with _told():
            row = curation.merge_machines(machine=_named(options["name"]), into=_named(options["into"]))
        self.stdout.write(f"{options['name']} is now part of {row.name}.")

    def _show(self, title: str, rows: Rows) -> None:
        text = _as_table(title, rows) if self.stdout.isatty() else _as_lines(title, rows)
        self.stdout.write(f"{text.rstrip()}\n\n")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RunsError as error:
        raise CommandError(error.message) from None


def _named(name: str) -> Machine:
    try:
        return Machine.objects.get(name=name)
    except Machine.DoesNotExist:
        known = ", ".join(Machine.objects.values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no machine {name!r}. Known: {known}.") from None


def _as_json(hardware: machine.Hardware, state: machine.Readings) -> dict[str, Any]:
    return {
        "fingerprint": machine.fingerprint(hardware),
        "hardware": asdict(hardware),
        "readings": asdict(state),
        "readings_withheld": machine.withheld_readings(state),
    }


def _as_table(title: str, rows: Rows) -> str:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(label, text)
    console = Console(markup=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _as_lines(title: str, rows: Rows) -> str:
    width = max(len(label) for label, _ in rows)
    lines = (f"  {label.ljust(width)}  {text}" if label else f"  {text}" for label, text in rows)
    return "\n".join([title, *lines])
