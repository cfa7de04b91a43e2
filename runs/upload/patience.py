"""When to try again, and with how many records. Pure but for the dice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from runs.upload.errors import Trouble

MAX_RECORDS, MAX_BYTES = 1000, 16 * 2**20
"""What a server takes at once, after decompression."""
LONE_TRIES = 3
"""So often a record alone may make the server fail before the others go on without it."""


@dataclass
class Backoff:
    """Doubling pauses, each drawn from its upper half, so that machines that failed together do not return together."""

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    dice: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def pause(self, asked_seconds: float | None = None) -> float:
        """The next pause; at least what the server asked for, and a little more than all others who were asked."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2.0 ** min(self.failures, 30))
        self.failures += 1
        drawn = ceiling * self.dice.uniform(0.5, 1.0)
        return drawn if asked_seconds is None else max(drawn, asked_seconds + self.dice.uniform(0.0, 1.0))

    def succeed(self) -> None:
        self.failures = 0


@dataclass
class BatchSize:
    """How many records to send at once: fewer after what fewer may mend, more again when it goes well."""

    most: int = MAX_RECORDS
    now: int = 0
    tries_alone: int = 0

    def __post_init__(self) -> None:
        self.now = self.most

    def succeed(self) -> None:
        self.now = min(self.most, self.now * 2)
        self.tries_alone = 0

    def fail(self, trouble: Trouble, records: int) -> bool:
        """After a batch of so many: whether the server will not have this one record, alone as it is."""
        if records == 1:
            return self._fail_alone(trouble)
        if trouble == "too large":
            self.most = max(1, records // 2)
        if trouble in ("too large", "slow", "failing"):
            self.now = max(1, records // 2)
        return False

    def _fail_alone(self, trouble: Trouble) -> bool:
        if trouble == "failing":
            self.tries_alone += 1
        given_up = trouble == "too large" or self.tries_alone >= LONE_TRIES
        if given_up:
            self.tries_alone = 0
        return given_up
