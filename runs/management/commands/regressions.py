"""Look for what changed, list what got slower, send alarms, acknowledge."""

from __future__ import annotations

import argparse
import json
import textwrap
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from runs.bench.options import FOUND_SLOWER, least_ratio, seconds_of
from runs.errors import RunsError
from runs.models import Change
from runs.selectors.changes import look, machines_to_look_at, open_regressions
from runs.services.alarms import send_by_apprise, send_waiting, sink_of
from runs.services.changes import acknowledge, keep_changes
from runs.words.changes import address_of, between_words, interval_words, much_words, subject_words, sure_words

EXAMPLES = """
examples:
  python manage.py regressions                          look, and list what got slower and stands
  python manage.py regressions --fail-on slower         exit with 3 where nobody has acknowledged one
  python manage.py regressions --fail-on slower:10%     where one is 10 % slower at least
  python manage.py regressions --since 30d --engine torch --json
  python manage.py regressions --acknowledge 7 --reason "The new allocator; worth it."
  python manage.py regressions --alarm                  and tell BENCHSITE_ALARMS, once for each change

To look every hour, as a line for crontab:
  0 * * * *  cd /path/to/benchsite && .venv/bin/python manage.py regressions --alarm

Exit codes: 0 done, 1 something failed, 2 a wrong option, 3 regressions that nobody has acknowledged.
"""


def days(text: str) -> timedelta:
    """'30d', or a time as 90m and 2h."""
    if text.endswith("d") and text[:-1].isascii() and text[:-1].isdigit():
        return timedelta(days=min(int(text[:-1]), 36_500))
    return timedelta(seconds=seconds_of(text))


class Command(BaseCommand):
    help = "Look for what changed over time and between releases, and list what got slower."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.update(epilog=textwrap.dedent(EXAMPLES), formatter_class=argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=days, metavar="TIME", help="list those that began since then: 30d, 12h")
        parser.add_argument("--engine", default="", metavar="SLUG", help="list those of one engine")
        parser.add_argument("--json", action="store_true", help="list as JSON")
        parser.add_argument(
            "--fail-on", type=least_ratio, metavar="slower[:5%]", help="exit with 3 where one is not acknowledged"
        )
        parser.add_argument("--alarm", action="store_true", help="send what is new to BENCHSITE_ALARMS")
        parser.add_argument("--no-look", action="store_true", help="list what was found before; look for nothing")
        parser.add_argument("--acknowledge", type=int, metavar="NUMBER", help="one that you know of")
        parser.add_argument("--reason", default="", help="why it stands, with --acknowledge")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except RunsError as error:
            raise CommandError(str(error)) from None

    def _handle(self, options: dict[str, Any]) -> None:
        if options["acknowledge"] is not None:
            change = acknowledge(change_id=options["acknowledge"], reason=options["reason"])
            self.stdout.write(f"Acknowledged: {subject_words(change)}, {much_words(change.ratio)}.")
            return
        if not options["no_look"]:
            self._look()
        if options["alarm"]:
            self._send()
        since = timezone.now() - options["since"] if options["since"] else None
        found = open_regressions(engine=options["engine"], since=since)
        self.stdout.write(json.dumps([as_json(each) for each in found], indent=2) if options["json"] else _lines(found))
        if options["fail_on"] and any(each.ratio >= options["fail_on"] for each in found):
            raise CommandError("There are regressions that nobody has acknowledged.", returncode=FOUND_SLOWER)

    def _look(self) -> None:
        sinks = [sink_of(address) for address in settings.ALARMS]
        for machine in machines_to_look_at():
            report = keep_changes(machine, *look(machine), sinks=sinks)
            for change in report.seen:
                self.stderr.write(f"New: {subject_words(change)}, {much_words(change.ratio)}.")
            for change in report.gone:
                self.stderr.write(f"Gone: {subject_words(change)}, {much_words(change.ratio)}.")

    def _send(self) -> None:
        if not settings.ALARMS:
            raise RunsError(
                "No sinks are set. Name some in BENCHSITE_ALARMS, separated by spaces, as Apprise addresses: "
                "mailto://…, json://…, slack://…"
            )
        sent = send_waiting(settings.ALARMS, partial(send_by_apprise, site=settings.SITE_URL))
        if sent.sent or sent.failed or sent.waiting:
            self.stderr.write(f"Alarms: {sent.sent} sent, {sent.waiting} waiting.")
        for error in sorted(set(sent.failed)):
            self.stderr.write(f"An alarm waits, and is tried again later: {error}")


def as_json(change: Change) -> dict[str, Any]:
    return {
        "number": change.pk,
        "kind": change.kind,
        "subject": subject_words(change),
        "machine": change.machine.name,
        "engine": change.engine,
        "track": change.track,
        "device": change.device,
        "threads": change.threads,
        "before_release": change.before_release,
        "after_release": change.after_release,
        "before_at": change.before_at.isoformat(),
        "after_at": change.after_at.isoformat(),
        "ratio": change.ratio,
        "low": change.low,
        "high": change.high,
        "p": change.p,
        "series": change.series,
        "changed": change.changed,
        "found_at": change.found_at.isoformat(),
        "page": f"{settings.SITE_URL}{address_of(change)}",
    }


def _lines(found: list[Change]) -> str:
    if not found:
        return "Nothing got slower that stands and is not acknowledged."
    return "\n".join(line for change in found for line in _lines_of(change))


def _lines_of(change: Change) -> list[str]:
    return [
        f"{change.pk}  {subject_words(change)} on {change.machine.name}: {much_words(change.ratio)} "
        f"({interval_words(change)}), {between_words(change)}.",
        f"   {sure_words(change)}",
    ]
