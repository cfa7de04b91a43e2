"""The vocabulary in which claims are declared: each judgement spells out the questions that it asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from engines.contract import Network
from runs.study.claims.measured import Place, engine_title, where
from runs.study.claims.questions import QUORUM_WORDS, Grid, Judgement, Pair, Question
from runs.study.claims.regions import NOT_BEATEN, SLOWER, Region

Along = Literal["width", "hidden_layers"]
Engines = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Versus(Judgement):
    """One engine's time over that of another or of several, network by network."""

    engine: str
    than: Engines

    @property
    def quantity(self) -> str:
        others = ", ".join(map(engine_title, self.than))
        return f"time of {engine_title(self.engine)} over {others}, {where(self.on.device, 1)}"

    def questions(self) -> Iterator[Question]:
        for other in self.than:
            for network in self.on.networks:
                pair = Pair(self.on.place(other, network), self.on.place(self.engine, network))
                words = f"{engine_title(self.engine)} over {engine_title(other)}, {network}, {pair.candidate.where}"
                yield Question(words, (pair,), self.region)


@dataclass(frozen=True, kw_only=True)
class VersusOverall(Judgement):
    """An engine's time over another's, as a geometric mean over the networks of each situation.

    `engines` has one for each situation: for `on` and for those of `also_on`.
    """

    engines: Engines
    than: str
    also_on: tuple[Grid, ...]

    @property
    def quantity(self) -> str:
        engines = _titles(tuple(dict.fromkeys(self.engines)))
        return f"time of {engines} over {engine_title(self.than)}, geometric mean of each situation"

    @property
    def words(self) -> str:
        situations = "; ".join(
            f"{engine_title(engine)}, {grid}, {where(grid.device, 1)}" for engine, grid in self._situations
        )
        return f"{self.quantity} ({situations}); {self.region}{QUORUM_WORDS[self.quorum]}"

    @property
    def _situations(self) -> list[tuple[str, Grid]]:
        return list(zip(self.engines, (self.on, *self.also_on), strict=True))

    def questions(self) -> Iterator[Question]:
        for engine, grid in self._situations:
            pairs = tuple(Pair(grid.place(self.than, each), grid.place(engine, each)) for each in grid.networks)
            words = f"{engine_title(engine)} over {engine_title(self.than)}, {grid}, {where(grid.device, 1)}"
            yield Question(words, pairs, self.region)


@dataclass(frozen=True, kw_only=True)
class GapGrows(Judgement):
    """One engine's time over another's at the largest width, over the same at the smallest."""

    engine: str
    than: str

    @property
    def quantity(self) -> str:
        narrow, wide = _ends(self.on.widths)
        titles = f"{engine_title(self.engine)} over {engine_title(self.than)}"
        return f"time of {titles} at width {wide:,} over that at {narrow}, {where(self.on.device, 1)}"

    def questions(self) -> Iterator[Question]:
        for layers in self.on.layers:
            small, large = (Network(self.on.network_type, layers, width) for width in _ends(self.on.widths))
            after = Pair(self.on.place(self.than, large), self.on.place(self.engine, large))
            before = Pair(self.on.place(self.engine, small), self.on.place(self.than, small))
            words = f"{engine_title(self.engine)} over {engine_title(self.than)}, {large} over {small}"
            yield Question(words, (after, before), self.region, exponent=2)


@dataclass(frozen=True, kw_only=True)
class AlongWidth(Judgement):
    """The time at each width over that at the smallest."""

    engines: Engines

    @property
    def quantity(self) -> str:
        return f"time over that at width {self.on.widths[0]}, {_titles(self.engines)}, {where(self.on.device, 1)}"

    def questions(self) -> Iterator[Question]:
        narrowest, *wider = self.on.widths
        for engine in self.engines:
            for layers in self.on.layers:
                for width in wider:
                    small, large = (Network(self.on.network_type, layers, each) for each in (narrowest, width))
                    pair = Pair(self.on.place(engine, small), self.on.place(engine, large))
                    words = f"{engine_title(engine)}, {large} over {small}, {pair.candidate.where}"
                    yield Question(words, (pair,), self.region)


@dataclass(frozen=True, kw_only=True)
class ShallowOverDeep(Judgement):
    """The time with the fewest layers over that with the most."""

    engine: str

    @property
    def quantity(self) -> str:
        return f"time of the shallow over the deep network, {engine_title(self.engine)}, {where(self.on.device, 1)}"

    def questions(self) -> Iterator[Question]:
        for width in self.on.widths:
            shallow, deep = (Network(self.on.network_type, layers, width) for layers in _ends(self.on.layers))
            pair = Pair(self.on.place(self.engine, deep), self.on.place(self.engine, shallow))
            words = f"{engine_title(self.engine)}, {shallow} over {deep}, {pair.candidate.where}"
            yield Question(words, (pair,), self.region)


# ---------------------------------------------------------------- GPU and CPU


@dataclass(frozen=True, kw_only=True)
class GpuSpeedUp(Judgement):
    """Time on one CPU thread over time on the GPU."""

    engines: Engines

    @property
    def quantity(self) -> str:
        return f"GPU/CPU speed-up (one CPU thread), {_titles(self.engines)}"

    def questions(self) -> Iterator[Question]:
        for engine in self.engines:
            for network in self.on.networks:
                words = f"GPU/CPU speed-up, {engine_title(engine)}, {network}"
                yield Question(words, (_gpu_speed_up(engine, network),), self.region)


@dataclass(frozen=True, kw_only=True)
class GpuSpeedUpGrows(Judgement):
    """The GPU/CPU speed-up over that of the next smaller network. `overall`: a geometric mean for each engine."""

    engines: Engines
    along: Along
    overall: bool = False

    @property
    def quantity(self) -> str:
        mean = ", geometric mean of each engine" if self.overall else ""
        step = "width" if self.along == "width" else "number of layers"
        return f"GPU/CPU speed-up over that of the next smaller {step}, {_titles(self.engines)}{mean}"

    def questions(self) -> Iterator[Question]:
        steps = list(_steps(self.on, self.along))
        for engine in self.engines:
            title = engine_title(engine)
            pairs = [_growth(engine, small, large) for small, large in steps]
            if self.overall:
                words = f"GPU/CPU speed-up's growth with {self.along.replace('_', ' ')}, {title}, mean over widths"
                yield Question(words, tuple(pair for growth in pairs for pair in growth), self.region, exponent=2)
                continue
            for (small, large), growth in zip(steps, pairs, strict=True):
                words = f"GPU/CPU speed-up, {title}, {large} over {small}"
                yield Question(words, growth, self.region, exponent=2)


def _gpu_speed_up(engine: str, network: Network) -> Pair:
    return Pair(Place(engine, network, "gpu"), Place(engine, network, "cpu"))


def _growth(engine: str, small: Network, large: Network) -> tuple[Pair, Pair]:
    """Large times (1 / small) is the square of their geometric mean: hence the exponent 2 of these questions."""
    before = _gpu_speed_up(engine, small)
    return _gpu_speed_up(engine, large), Pair(before.candidate, before.baseline)


def _steps(grid: Grid, along: Along) -> Iterator[tuple[Network, Network]]:
    if along == "width":
        for layers in grid.layers:
            for before, after in pairwise(grid.widths):
                yield Network(grid.network_type, layers, before), Network(grid.network_type, layers, after)
        return
    for width in grid.widths:
        for before, after in pairwise(grid.layers):
            yield Network(grid.network_type, before, width), Network(grid.network_type, after, width)


# ---------------------------------------------------------------- threads


@dataclass(frozen=True, kw_only=True)
class ThreadSpeedUp(Judgement):
    """Time on one thread over time on several. `overall`: one geometric mean over the networks for each count."""

    engines: Engines
    counts: tuple[int, ...]
    overall: bool = False

    @property
    def quantity(self) -> str:
        mean = ", geometric mean over the networks" if self.overall else ""
        counts = ", ".join(map(str, self.counts))
        return f"speed-up of {counts} CPU threads over one, {_titles(self.engines)}{mean}"

    def questions(self) -> Iterator[Question]:
        groups = [self.on.networks] if self.overall else [(network,) for network in self.on.networks]
        for engine in self.engines:
            for networks in groups:
                for count in self.counts:
                    pairs = tuple(_threads(self.on, engine, network, count, 1) for network in networks)
                    what = str(self.on) if self.overall else str(networks[0])
                    words = f"speed-up of {count} threads over 1, {engine_title(engine)}, {what}"
                    yield Question(words, pairs, self.region)


@dataclass(frozen=True, kw_only=True)
class EfficiencyFalls(Judgement):
    """The speed-up of each thread count over the next smaller one: less than the threads grow by."""

    engines: Engines
    counts: tuple[int, ...]
    """The smallest first."""

    @property
    def quantity(self) -> str:
        counts = ", ".join(map(str, self.counts))
        return f"efficiency of {counts} CPU threads over that of the next smaller count, {_titles(self.engines)}"

    def questions(self) -> Iterator[Question]:
        for engine in self.engines:
            for network in self.on.networks:
                for few, many in pairwise(self.counts):
                    pair = _threads(self.on, engine, network, many, few)
                    even = many / few
                    region = Region(self.region.words, high=self.region.high * even)
                    yield Question(
                        f"speed-up of {many} threads over {few}, {engine_title(engine)}, {network}", (pair,), region
                    )


@dataclass(frozen=True, kw_only=True)
class FastestThreads(Judgement):
    """The time at each count of `others` over that at `peak`: the farthest count is slower, no other one faster."""

    engines: Engines
    peak: int
    others: tuple[int, ...]
    """The farthest from the peak first."""

    @property
    def quantity(self) -> str:
        others = ", ".join(map(str, self.others))
        return f"time on {others} CPU threads over that on {self.peak}, {_titles(self.engines)}"

    @property
    def words(self) -> str:
        return f"{self.quantity}, {self.on}; {self.others[0]}: {self.region}; the others: {NOT_BEATEN}"

    def questions(self) -> Iterator[Question]:
        for engine in self.engines:
            for network in self.on.networks:
                for count in self.others:
                    pair = _threads(self.on, engine, network, self.peak, count)
                    region = self.region if count == self.others[0] else NOT_BEATEN
                    words = f"{count} threads over {self.peak}, {engine_title(engine)}, {network}"
                    yield Question(words, (pair,), region)


def falls_until(on: Grid, *, engines: Engines, peak: int, fewer: tuple[int, ...]) -> FastestThreads:
    return FastestThreads(on, SLOWER, engines=engines, peak=peak, others=tuple(sorted(fewer)))


def rises_after(on: Grid, *, engines: Engines, peak: int, more: tuple[int, ...]) -> FastestThreads:
    return FastestThreads(on, SLOWER, engines=engines, peak=peak, others=tuple(sorted(more, reverse=True)))


def _threads(on: Grid, engine: str, network: Network, baseline: int, candidate: int) -> Pair:
    return Pair(on.place(engine, network, baseline), on.place(engine, network, candidate))


def _titles(engines: Engines) -> str:
    return "all four engines" if len(engines) == 4 else ", ".join(map(engine_title, engines))


def _ends(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[-1]
