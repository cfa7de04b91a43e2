"""The outbox: each message is queued with the change that it tells of, and stays until its sink has taken it.

What is sent twice is what a crash left between the sink's yes and our noting it: rather twice than never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import apprise
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from runs import viewing
from runs.models import Alarm, Change
from runs.words.changes import body_of, title_of

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
Send = Callable[[str, Change, str], str]
"""(a sink's address, the change, the event) -> why it was not taken; empty if it was."""


def sink_of(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


def queue(change: Change, event: str, sinks: Iterable[str]) -> None:
    """One for each sink. What was never told of as seen is not told of as gone."""
    for sink in sinks:
        told = Alarm.objects.filter(change=change, episode=change.episode, event="seen", sink=sink).exists()
        if event == "seen" or told:
            Alarm.objects.get_or_create(
                change=change, episode=change.episode, event=event, sink=sink, defaults={"next_at": timezone.now()}
            )


@dataclass(frozen=True)
class Sent:
    sent: int
    failed: tuple[str, ...]
    waiting: int


@viewing.seen_by(None)
def send_waiting(addresses: Sequence[str], send: Send, *, now: datetime | None = None) -> Sent:
    """Try whatever is due, the oldest first; what a sink refuses is tried again later, and later each time.

    Each message is a transaction of its own, so that two senders never send one.
    """
    by_sink = {sink_of(address): address for address in addresses}
    at = now or timezone.now()
    due = Alarm.objects.filter(sent_at__isnull=True, next_at__lte=at, sink__in=by_sink).values_list("pk", flat=True)
    outcomes = [_try(pk, by_sink, send, at) for pk in list(due)]
    waiting = Alarm.objects.filter(sent_at__isnull=True, sink__in=by_sink).count()
    return Sent(outcomes.count(""), tuple(each for each in outcomes if each), waiting)


def send_by_apprise(address: str, change: Change, event: str, *, site: str) -> str:
    """Over whatever the address names: e-mail, a webhook, a chat. Why it was not taken; empty if it was.

    Apprise logs why, and answers no more than yes or no.
    """
    sender = apprise.Apprise()
    if not sender.add(address):
        return "Apprise does not understand this address."
    taken = sender.notify(title=title_of(change, event), body=body_of(change, event, site=site))
    return "" if taken else "The sink did not take it."


@transaction.atomic
def _try(pk: int, by_sink: dict[str, str], send: Send, at: datetime) -> str | None:
    """Why it was not taken; empty if it was, None where somebody else has it."""
    waiting = Alarm.objects.select_for_update(of=("self",), skip_locked=True).select_related("change")
    alarm = waiting.filter(pk=pk, sent_at__isnull=True).first()
    if alarm is None:
        return None
    error = send(by_sink[alarm.sink], alarm.change, alarm.event)[:300]
    if error:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2**alarm.attempts)
        Alarm.objects.filter(pk=pk).update(attempts=F("attempts") + 1, error=error, next_at=at + wait)
    else:
        Alarm.objects.filter(pk=pk).update(attempts=F("attempts") + 1, error="", sent_at=at)
    return error
