"""A worker's channel for tests in its own process: it keeps what the worker tells."""

from __future__ import annotations

from engines.protocol import Channel, Event


class Listener(Channel):
    def __init__(self) -> None:
        self.events: list[Event] = []

    def send(self, event: Event) -> None:
        self.events.append(event)
