"""The study's words, each as the region in which a measured ratio must lie. `docs/claims.md` says why these numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from runs.stats import EQUIVALENCE


@dataclass(frozen=True)
class Region:
    """Ratios from `low` to `high`, and the word for them."""

    words: str
    low: float = 0.0
    high: float = inf

    def beyond(self, rope: float) -> Region:
        """The region of a machine whose noise is `rope`: no edge is nearer to 1 than the noise reaches."""
        return replace(self, low=_beyond(self.low, rope), high=_beyond(self.high, rope))

    def __str__(self) -> str:
        if self.high == inf:
            return f"{self.words}: over {self.low:.3g}×"
        if self.low == 0:
            return f"{self.words}: under {self.high:.3g}×"
        return f"{self.words}: {self.low:.3g}× to {self.high:.3g}×"


def _beyond(edge: float, rope: float) -> float:
    return max(edge, 1 + rope) if edge > 1 else min(edge, 1 / (1 + rope))


_MATTERS = 1 + EQUIVALENCE

# Of one time over another.
FASTER = Region("faster", high=1 / _MATTERS)
SLOWER = Region("slower", low=_MATTERS)
ALIKE = Region("alike", 1 / 1.1, 1.1)
AS_FAST = Region("as fast", high=1.1)
SLIGHTLY_APART = Region("a slight difference", 1 / 1.2, 1.2)
HARDLY_CHANGED = Region("hardly changed", 1 / 1.25, 1.25)
HARDLY_RAISED = Region("hardly raised", high=1.25)
UP_TO_TWICE_AS_FAST = Region("up to 2 times faster", low=1 / 2.5)
ABOUT_TWICE_AS_FAST = Region("about 2 times faster", 1 / 2.5, 1 / 1.5)
NEARLY_TWICE_AS_LONG = Region("nearly 2 times slower", 1.6, 2.2)

# Of speed-ups: the time before over the time after.
GAIN = Region("a gain", low=_MATTERS)
CLEAR_GAIN = Region("a clear gain", low=1.5)
NO_GAIN_WORTH_NOTING = Region("no gain worth noting", high=1.25)
NO_GREAT_GAIN = Region("no great gain", high=2.0)
LOSS = Region("a loss", high=1 / _MATTERS)
NOT_BEATEN = Region("not beaten", low=1 / _MATTERS)

# Of a speed-up over another, or of an efficiency.
LESS = Region("less", high=1 / _MATTERS)
MORE = Region("more", low=_MATTERS)
FAR_MORE = Region("far more", low=2.0)
