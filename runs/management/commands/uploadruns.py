"""Send what the spool holds to another machine's Benchsite."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs.bench.options import seconds_of
from runs.errors import RunsError, SpoolError
from runs.records.spool import all_spools
from runs.upload.access import Server, find_token, server_at
from runs.upload.client import Client
from runs.upload.display import Screen, clock_remark, in_words, remarks, total
from runs.upload.errors import UnreachableError
from runs.upload.package import Package, pack
from runs.upload.patience import MAX_RECORDS
from runs.upload.sending import PATIENCE_SECONDS, Sender

EXAMPLES = """
examples:
  python manage.py uploadruns https://bench.example.org
  python manage.py uploadruns https://bench.example.org --dry-run      what would be sent
  python manage.py uploadruns https://bench.example.org --experiment "Lab, November"
  python manage.py uploadruns http://127.0.0.1:8000 --spool /media/stick/spool

The token comes from --token-file, else from BENCHSITE_TOKEN, else from var/token. If it is interrupted, the same
command resumes; nothing is stored twice.
Exit codes: 0 everything is on the server, 1 something has to be fixed first, 2 a wrong option, 3 the server refused
runs, 4 the server could not take all of it in time, 130 stopped by Ctrl-C.
"""
REFUSED, UNREACHABLE, STOPPED = 3, 4, 130


def batch_size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_RECORDS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_RECORDS}")
    return int(text)


class Command(BaseCommand):
    help = "Upload the spool's runs to another Benchsite: each is stored there once, whatever fails on the way."
    requires_system_checks = ()  # neither pages nor a database are needed

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=textwrap.dedent(EXAMPLES), formatter_class=argparse.RawDescriptionHelpFormatter)
        kwargs.update(allow_abbrev=False)  # --token SECRET is no --token-file
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL", help="the other Benchsite: https://bench.example.org")
        parser.add_argument(
            "--token-file", type=Path, metavar="FILE", help="a file with nothing but the token, mode 600"
        )
        parser.add_argument("--experiment", default="", metavar="NAME", help="only the runs of this experiment")
        parser.add_argument("--spool", type=Path, metavar="PATH", help="another spool folder, or one file of it")
        parser.add_argument("--batch", type=batch_size, default=MAX_RECORDS, metavar="N", help="runs sent at once")
        parser.add_argument(
            "--patience",
            type=seconds_of,
            default=PATIENCE_SECONDS,
            metavar="TIME",
            help="how long a server may keep failing before this gives up: 90s, 15m (the default), 2h",
        )
        parser.add_argument("--retry-refused", action="store_true", help="offer previously refused runs once more")
        parser.add_argument("--accept-hardware", action="store_true", help="same machine, though its hardware changed")
        parser.add_argument("--insecure", action="store_true", help="allow http:// to another machine")
        parser.add_argument("--dry-run", action="store_true", help="say what would be sent; send and write nothing")
        parser.add_argument("--json", action="store_true", help="print the count as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except UnreachableError as error:
            raise CommandError(f"{error} The same command continues.", returncode=UNREACHABLE) from None
        except RunsError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. The same command continues.", returncode=STOPPED) from None

    def _handle(self, options: dict[str, Any]) -> None:
        server = server_at(options["url"], insecure=options["insecure"])
        packages = [
            pack(path, server, experiment=options["experiment"], retry_refused=options["retry_refused"])
            for path in _spools(options["spool"] or settings.SPOOL_DIR)
        ]
        if options["dry_run"]:
            self._print_plan(server, packages, as_json=options["json"])
            return
        try:
            if any(package.waiting for package in packages):
                self._send(server, packages, options)
        finally:
            self._print_end(server, packages, as_json=options["json"])
        if total(packages).refused:
            raise CommandError("The server refused runs, for the reasons above.", returncode=REFUSED)
        if any(package.set_aside for package in packages):
            raise UnreachableError("The server failed over some runs.")

    def _send(self, server: Server, packages: list[Package], options: dict[str, Any]) -> None:
        token = find_token(options["token_file"], os.environ, settings.VAR_DIR, self.stderr.write)
        for package in packages:
            package.notes.prepare()
        stream = sys.stderr if options["json"] else sys.stdout
        with (
            Client(server, token, accept_hardware=options["accept_hardware"]) as client,
            Screen(stream, packages) as screen,
        ):
            sender = Sender(client, screen, options["patience"], options["batch"])
            try:
                for package in packages:
                    sender.send(package)
            finally:
                if remark := clock_remark(client.seconds_ahead):
                    self.stderr.write(remark)

    def _print_plan(self, server: Server, packages: list[Package], *, as_json: bool) -> None:
        waiting = sum(len(package.waiting) for package in packages)
        if as_json:
            self.stdout.write(json.dumps({"server": server.address, "to_send": waiting}))
            return
        for package in packages:
            self.stdout.write(
                f"{package.spool.name}: {len(package.waiting):,} to send, {package.confirmed_before:,} confirmed."
            )
        for remark in remarks(packages):
            self.stdout.write(remark)
        self.stdout.write(f"{waiting:,} runs would be sent to {server.address}. Nothing was sent.")

    def _print_end(self, server: Server, packages: list[Package], *, as_json: bool) -> None:
        count, before = total(packages), sum(package.confirmed_before for package in packages)
        if as_json:
            refusals = [
                {"run_id": run_id, "code": refusal.code, "reason": refusal.reason}
                for package in packages
                for run_id, refusal in package.refusals.items()
            ]
            document = {"server": server.address, **vars(count), "confirmed_before": before, "refusals": refusals}
            self.stdout.write(json.dumps(document))
            return
        for remark in remarks(packages):
            self.stdout.write(remark)
        earlier = f"; {before:,} were confirmed earlier" if before else ""
        self.stdout.write(f"{server.address}: {in_words(count)}{earlier}.")


def _spools(path: Path) -> list[Path]:
    """A folder's spools, or the file itself. Raises SpoolError."""
    if path.is_file():
        return [path]
    if path.is_dir() or path == settings.SPOOL_DIR:
        return [spool.path for spool in all_spools(path)]
    raise SpoolError(f"There is no spool at {path}: name a folder such as var/spool, or a file in it.")
