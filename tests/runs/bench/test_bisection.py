"""Finding the first release that differs, at known truth: with noise, gaps, and ends that are the same."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.bench.bisection import CannotMeasureError, bisect
from runs.stats import LogSamples


class Truth:
    """Releases of known speed, on a machine that drifts from block to block, and more from probe to probe."""

    def __init__(self, seconds: Mapping[str, float], *, broken: Sequence[str] = (), spread: float = 0.01) -> None:
        self.seconds, self.broken, self.spread = seconds, set(broken), spread
        self.measured: set[str] = set()

    def __call__(self, releases: Sequence[str], /, *, probe: int, blocks: int) -> Mapping[str, LogSamples]:
        for release in releases:
            if release in self.broken:
                raise CannotMeasureError(f"{release} cannot be installed")
        self.measured |= set(releases)
        drift = [random.Random(1000 * probe + block).gauss(0, 0.2) for block in range(blocks)]
        return {release: self._times(release, drift, probe) for release in releases}

    def _times(self, release: str, drift: Sequence[float], probe: int) -> LogSamples:
        chance = random.Random(f"{release} {probe}")
        values = [math.log(self.seconds[release]) + each + chance.gauss(0, self.spread) for each in drift]
        return LogSamples(tuple(values), tuple(range(len(drift))))


def named(count: int) -> list[str]:
    return [f"1.{number}" for number in range(count)]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.data())
def test_the_first_release_that_differs_is_found_in_few_steps(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    factor = data.draw(st.sampled_from([1.15, 0.8, 1.5]))
    releases = named(count)
    truth = Truth({release: factor if at >= first else 1.0 for at, release in enumerate(releases)})
    outcome = bisect(releases, truth)
    assert (outcome.last_before, outcome.first) == (releases[first - 1], releases[first])
    assert outcome.ratio is not None
    assert outcome.ratio.value == pytest.approx(factor, rel=0.03)
    assert len(truth.measured) <= math.ceil(math.log2(count)) + 2
    assert outcome.measured == len(truth.measured)


def test_ends_that_do_not_differ_end_it_at_once() -> None:
    truth = Truth(dict.fromkeys(named(20), 1.0))
    outcome = bisect(named(20), truth)
    assert (outcome.verdict, outcome.first, outcome.measured) == ("tie", "", 2)


def test_what_cannot_be_measured_is_skipped_and_said() -> None:
    truth = Truth({release: 1.3 if at >= 6 else 1.0 for at, release in enumerate(named(10))}, broken=["1.4", "1.5"])
    outcome = bisect(named(10), truth)
    assert (outcome.last_before, outcome.first, outcome.unknown) == ("1.3", "1.6", ("1.4", "1.5"))
    assert outcome.skipped["1.4"] == "1.4 cannot be installed"


def test_an_end_that_cannot_be_measured_is_an_error() -> None:
    with pytest.raises(CannotMeasureError, match=r"1\.0 cannot be installed"):
        bisect(named(5), Truth(dict.fromkeys(named(5), 1.0), broken=["1.0"]))


def test_a_middle_half_way_between_is_said_to_be_unsure() -> None:
    outcome = bisect(named(3), Truth({"1.0": 1.0, "1.1": math.sqrt(1.2), "1.2": 1.2}, spread=0.02))
    (probe,) = outcome.probes
    assert probe.blocks == 15
    assert probe.share == pytest.approx(0.5, abs=0.1)
    assert not probe.is_sure
