"""Replicas that have trained together hold the same numbers, bit for bit: else they are no replicas."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.errors import EngineError
from engines.replicas.ranks import Ranks

if TYPE_CHECKING:
    from engines.contract import Array, Weights


def digest(weights: Sequence[Array]) -> str:
    found = hashlib.sha256()
    for array in weights:
        found.update(array.tobytes())
    return found.hexdigest()


def check_shards(values: Iterable[Any]) -> None:
    """Of JAX's arrays, each of which has a shard for each replica. Raises EngineError."""
    by_replica = zip(*([np.asarray(shard.data) for shard in value.addressable_shards] for value in values), strict=True)
    check_equal([digest(list(own)) for own in by_replica])


def check_equal(digests: Iterable[str]) -> None:
    """Raises EngineError naming the replicas that differ from the first."""
    first, *others = digests
    differing = [str(number) for number, each in enumerate(others, 2) if each != first]
    if differing:
        raise EngineError(f"The weights of replica {', '.join(differing)} are not those of replica 1.")


def same_in_all(ranks: Ranks, own: Weights) -> Weights:
    """This rank's weights, once they are known to be every rank's. Raises EngineError."""
    check_equal(ranks.gather(digest(own)))
    return own
