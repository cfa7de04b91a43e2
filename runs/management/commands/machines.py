from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from engines import machine

Rows = Sequence[tuple[str, str]]


class Command(BaseCommand):
    help = "Tell what is known of the machines that measure."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
        detect = actions.add_parser("detect", help="show what this machine is and how it is doing")
        detect.add_argument("--json", action="store_true", help="as JSON")
        detect.set_defaults(action=self.detect)

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

    def _show(self, title: str, rows: Rows) -> None:
        text = _as_table(title, rows) if self.stdout.isatty() else _as_lines(title, rows)
        self.stdout.write(f"{text.rstrip()}\n\n")


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
