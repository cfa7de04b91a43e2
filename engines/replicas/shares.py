"""How a batch is split over replicas."""

from __future__ import annotations

from itertools import pairwise


def shares(batch_size: int, replicas: int) -> tuple[slice, ...]:
    """Which places of a batch each replica takes: as many as any other, or one more. 100 over 3: 34, 33, 33."""
    least, more = divmod(batch_size, replicas)
    starts = [rank * least + min(rank, more) for rank in range(replicas + 1)]
    return tuple(slice(first, last) for first, last in pairwise(starts))


def is_even(batch_size: int, replicas: int) -> bool:
    return batch_size % replicas == 0
