"""Alarms: once for each event of a change to each sink, through sinks that refuse, hang and recover, over loopback."""

from __future__ import annotations

import io
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from runs.models import Alarm, Change
from runs.services.alarms import LONGEST_WAIT, send_waiting, sink_of
from tests.runs.labs import Lab

pytestmark = pytest.mark.django_db(transaction=True)


class Webhook:
    """A server on loopback that takes messages, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.asked = 0
        self.refuses = False
        self.hangs_seconds = 0.0
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if webhook.hangs_seconds:
                    time.sleep(webhook.hangs_seconds)
                    return
                if not webhook.refuses:
                    webhook.taken.append(json.loads(body))
                self.send_response(503 if webhook.refuses else 200)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"json://127.0.0.1:{self.server.server_address[1]}/"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Letterbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs."""

    def handle(self) -> None:
        mail: MailServer = self.server.mail  # type: ignore[attr-defined]
        self.say("220 here")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"QUIT":
                return self.say("221 bye")
            if word == b"DATA":
                self.say("354 go on")
                mail.taken.append(self.message())
            self.say("450 not now" if word == b"RCPT" and mail.refuses else "250 well")
        return None

    def message(self) -> str:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.decode())
        return "".join(lines)

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class MailServer:
    """A mail server on loopback; while it `refuses`, it does so to every recipient."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.refuses = False
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Letterbox)
        self.server.mail = self  # type: ignore[attr-defined]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        port = self.server.server_address[1]
        self.address = f"mailto://127.0.0.1:{port}?from=bench@example.org&to=lab@example.org&mode=insecure"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.stop()


@pytest.fixture
def slower(tmp_path: Path) -> Lab:
    """A lab whose new release is 30 % slower."""
    lab = Lab(tmp_path)
    lab.day(1, {"jax": 0.3, "torch": 0.4}, releases={"jax": ["0.9", "0.10"]}, factors={"0.10": 1.3})
    lab.store()
    return lab


def regressions(*options: str) -> str:
    err = io.StringIO()
    call_command("regressions", *options, stdout=io.StringIO(), stderr=err)
    return err.getvalue()


def in_a_while(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    now = timezone.now()
    monkeypatch.setattr("runs.services.alarms.timezone.now", lambda: now + timedelta(hours=hours))


def test_one_change_is_one_message_however_often_one_looks(slower: Lab, webhook: Webhook, settings: Any) -> None:
    settings.ALARMS = [webhook.address]
    settings.SITE_URL = "https://bench.example.org"
    for _ in range(3):
        regressions("--alarm")
    (message,) = webhook.taken
    assert message["title"].startswith("JAX · MLP 8×100 · CPU, 1 thread: ")
    for part in ("0.10 against 0.9, in the same blocks", "https://bench.example.org/history/?machine=", "runbench"):
        assert part in message["message"]
    assert "--versions jax=0.9,0.10" in message["message"]
    assert "jax 0.9 → 0.10" in message["message"]


def test_it_is_told_of_once_more_when_it_is_gone(slower: Lab, webhook: Webhook, settings: Any) -> None:
    settings.ALARMS = [webhook.address]
    regressions("--alarm")
    slower.day(2, {"jax": 0.3, "torch": 0.4}, releases={"jax": ["0.9", "0.10"]})
    slower.store()
    for _ in range(2):
        regressions("--alarm")
    assert [message["title"].split(":")[0] for message in webhook.taken] == ["JAX · MLP 8×100 · CPU, 1 thread", "Gone"]
    assert Change.objects.get().gone_at is not None


def test_what_comes_back_is_told_of_again(slower: Lab, webhook: Webhook, settings: Any) -> None:
    settings.ALARMS = [webhook.address]
    regressions("--alarm")
    for day, factor in ((2, 1.0), (3, 1.3)):
        slower.day(day, {"jax": 0.3}, releases={"jax": ["0.9", "0.10"]}, factors={"0.10": factor})
        slower.store()
        regressions("--alarm")
    assert len(webhook.taken) == 3
    assert Change.objects.get().episode == 2


def test_a_sink_that_fails_is_tried_again_later_and_the_others_hear_nothing_twice(
    slower: Lab, webhook: Webhook, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Webhook()
    settings.ALARMS = [webhook.address, other.address]
    webhook.refuses = True
    said = regressions("--alarm")
    assert "1 sent, 1 waiting" in said
    assert "tried again later" in said
    regressions("--alarm")
    assert webhook.asked == 1, "not before its time"
    webhook.refuses = False
    in_a_while(monkeypatch, 1)
    regressions("--alarm")
    assert (len(webhook.taken), len(other.taken)) == (1, 1)
    other.stop()


def test_a_sink_that_is_not_there_loses_nothing(slower: Lab, settings: Any) -> None:
    webhook = Webhook()
    webhook.stop()
    settings.ALARMS = [webhook.address]
    assert "1 waiting" in regressions("--alarm")
    alarm = Alarm.objects.get()
    assert (alarm.attempts, alarm.sent_at, alarm.error) == (1, None, "The sink did not take it.")


def test_a_sink_that_hangs_is_given_up_and_tried_again(
    slower: Lab, webhook: Webhook, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALARMS = [f"{webhook.address}?rto=0.5&cto=0.5"]
    webhook.hangs_seconds = 2.0
    assert "1 waiting" in regressions("--alarm")
    webhook.hangs_seconds = 0.0
    in_a_while(monkeypatch, 1)
    assert "1 sent, 0 waiting" in regressions("--alarm")
    assert len(webhook.taken) == 1


def test_a_mail_server_that_refuses_gets_its_mail_later(
    slower: Lab, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = MailServer()
    settings.ALARMS = [mail.address]
    mail.refuses = True
    assert "1 waiting" in regressions("--alarm")
    mail.refuses = False
    in_a_while(monkeypatch, 1)
    assert "1 sent, 0 waiting" in regressions("--alarm")
    (letter,) = mail.taken
    assert "To: lab@example.org" in letter
    mail.stop()


def test_the_wait_doubles_up_to_a_limit(slower: Lab, settings: Any) -> None:
    settings.ALARMS = ["json://nowhere/"]
    regressions()
    waits = []
    for _ in range(12):
        at = Alarm.objects.get().next_at
        send_waiting(settings.ALARMS, lambda address, change, event: "no", now=at)
        waits.append(Alarm.objects.get().next_at - at)
    assert waits == sorted(waits)
    assert waits[1] == 2 * waits[0]
    assert waits[-1] == LONGEST_WAIT


def test_a_crash_between_the_sink_and_our_note_sends_again_rather_than_never(slower: Lab, settings: Any) -> None:
    settings.ALARMS = ["json://somewhere/"]
    regressions()
    heard: list[str] = []

    def dies(address: str, change: Change, event: str) -> str:
        heard.append(event)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_waiting(settings.ALARMS, dies)

    def takes(address: str, change: Change, event: str) -> str:
        heard.append(event)
        return ""

    assert send_waiting(settings.ALARMS, takes).sent == 1
    assert heard == ["seen", "seen"]


def test_the_sink_s_password_is_not_in_the_database(slower: Lab, settings: Any) -> None:
    settings.ALARMS = ["json://user:secret@nowhere/"]
    regressions()
    assert Alarm.objects.get().sink == sink_of(settings.ALARMS[0])
    assert "secret" not in str(Alarm.objects.values().get())


def test_without_sinks_the_command_says_what_to_set(slower: Lab) -> None:
    with pytest.raises(CommandError, match="BENCHSITE_ALARMS"):
        regressions("--alarm")


def test_what_apprise_does_not_understand_is_said(slower: Lab, settings: Any) -> None:
    settings.ALARMS = ["nonsense"]
    assert "does not understand" in regressions("--alarm")
