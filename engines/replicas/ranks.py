"""What the processes of one training tell each other beside gradients: times, losses, and that they are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from engines.errors import EngineError

T = TypeVar("T")


class Ranks:
    """This process among those of a training. Rank 0 has a connection to each other one, these have one to it."""

    def __init__(
        self, rank: int = 0, connections: Sequence[Connection[Any, Any]] = (), addresses: Sequence[str] = ("",)
    ) -> None:
        """`addresses` has one for each rank, for a framework that has its ranks listen: 127.0.0.1:40001."""
        self.rank, self.addresses = rank, tuple(addresses)
        self._connections = connections

    @property
    def count(self) -> int:
        return len(self.addresses)

    def gather(self, value: T) -> list[T]:
        """Each rank's value, in their order. It returns when all have come here, so that it is a barrier, too."""
        try:
            return self._collect(value) if self.rank == 0 else self._hand_in(value)
        except (EOFError, OSError):
            raise EngineError("The process of another replica ended.") from None

    def _collect(self, value: T) -> list[T]:
        found = [value, *(connection.recv() for connection in self._connections)]
        for connection in self._connections:
            connection.send(found)
        return found

    def _hand_in(self, value: T) -> list[T]:
        (connection,) = self._connections
        connection.send(value)
        found: list[T] = connection.recv()
        return found

    def sums(self, values: Sequence[float]) -> list[float]:
        """Over the ranks, place by place."""
        return [math.fsum(parts) for parts in zip(*self.gather(values), strict=True)]


_current = Ranks()


def join(ranks: Ranks) -> None:
    """For the rest of this process."""
    global _current
    _current = ranks


def current() -> Ranks:
    """Those that this process is one of: itself alone, if nobody said otherwise."""
    return _current
