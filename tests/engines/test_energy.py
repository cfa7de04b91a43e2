"""Energy by the hardware's counters: planted counters give back the watts that were planted, or nothing at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import gpus
from engines.machine.energy import PLACE, Meter, Zone, counters, idle_watts, why_withheld, zones
from engines.run_record import Energy
from engines.timing import Policy
from tests.engines.test_host import run


def plant(root: Path, name: str = "package-0", *, joules: float = 0.0, turn: float = 262_143.328850) -> Path:
    """One zone of powercap's; its folder's name tells where it stands in the tree."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "name").write_text(f"{name}\n")
    (root / "max_energy_range_uj").write_text(f"{round(turn * 1e6)}\n")
    (root / "energy_uj").write_text(f"{round(joules * 1e6)}\n")
    return root


class Planted:
    """A counter of known watts, read by a clock of its own."""

    name = "planted"

    def __init__(self, watts: float, turn: float, start: float) -> None:
        self.watts, self.turn, self.start, self.now = watts, turn, start, 0.0

    @property
    def range_joules(self) -> float:
        return self.turn

    def read(self) -> float:
        return (self.start + self.watts * self.now) % self.turn


@given(
    watts=st.floats(1, 900),
    turn=st.floats(60_000, 300_000),
    start=st.floats(0, 1),
    steps=st.lists(st.floats(0.01, 29), min_size=1, max_size=60),
)
def test_known_watts_come_back_however_often_the_counter_begins_again(
    watts: float, turn: float, start: float, steps: Sequence[float]
) -> None:
    counter = Planted(watts, turn, start * turn)
    meter = Meter([counter], clock=lambda: counter.now)
    meter.start()
    for step in steps:
        counter.now += step
        meter.read()
    used = meter.energy()
    assert used
    assert used.joules / used.seconds == pytest.approx(watts, rel=0.01)


def test_a_counter_that_may_have_turned_over_unseen_gives_nothing() -> None:
    counter = Planted(100, 60_000, 0)
    meter = Meter([counter], clock=lambda: counter.now)
    meter.start()
    counter.now += 3_600
    meter.read()
    assert meter.energy() is None


def test_packages_and_their_memory_count_once_and_no_part_of_a_package(tmp_path: Path) -> None:
    plant(tmp_path / "intel-rapl:0")
    plant(tmp_path / "intel-rapl:1", "package-1")
    plant(tmp_path / "intel-rapl:2", "psys")
    plant(tmp_path / "intel-rapl:0:0", "core")
    plant(tmp_path / "intel-rapl:0:1", "dram")
    plant(tmp_path / "intel-rapl-mmio:0")
    assert [zone.name for zone in zones(tmp_path)] == ["package-0", "package-1", "dram"]
    assert why_withheld(tmp_path) == ""


def test_without_counters_or_the_right_to_read_them_it_is_withheld_and_says_why(tmp_path: Path) -> None:
    assert "offers no counters" in why_withheld(tmp_path)
    folder = plant(tmp_path / "intel-rapl:0")
    (folder / "energy_uj").unlink()  # as closed as it is to others than root, for root as well
    assert "closed to this user" in why_withheld(tmp_path)
    assert counters("cpu", place=tmp_path) == []


def test_a_counter_that_closes_in_the_middle_gives_nothing(tmp_path: Path) -> None:
    folder = plant(tmp_path / "intel-rapl:0")
    meter = Meter([Zone("package-0", folder)])
    meter.start()
    (folder / "energy_uj").unlink()
    meter.read()
    assert meter.energy() is None


def test_a_gpu_that_nobody_meters_makes_the_whole_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path / "intel-rapl:0")
    monkeypatch.setattr(gpus, "energy_joules", lambda index: None)
    assert counters("gpu", place=tmp_path) == []
    monkeypatch.setattr(gpus, "energy_joules", lambda index: 7.0)
    assert [counter.name for counter in counters("gpu", 1, place=tmp_path)] == ["package-0", "GPU 1"]


@contextmanager
def burning(folder: Path, watts: float) -> Iterator[None]:
    """The zone's counter runs as the clock does."""
    stop, begun, draft = threading.Event(), time.perf_counter(), folder / "draft"

    def burn() -> None:
        while not stop.wait(0.002):
            draft.write_text(f"{round(watts * (time.perf_counter() - begun) * 1e6)}\n")
            draft.replace(folder / "energy_uj")

    thread = threading.Thread(target=burn)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
def test_a_worker_meters_its_steady_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plant(tmp_path / "powercap" / "intel-rapl:0")
    monkeypatch.setenv(PLACE, str(tmp_path / "powercap"))
    with burning(folder, 50.0):
        assert idle_watts("cpu", seconds=0.5) == pytest.approx(50, rel=0.3)
        policy = Policy(warmup_epochs=1, steady_epochs=3, min_steady_seconds=1.0)
        outcome = run(tmp_path, "train", policy=policy)
    used = Energy(**outcome.result["training"]["energy"])
    assert used.source == "package-0"
    assert used.seconds >= sum(epoch["wall_seconds"] for epoch in outcome.result["training"]["epochs"][1:])
    assert used.joules / used.seconds == pytest.approx(50, rel=0.3)
    assert used.watts is None, "what idle takes, the host adds"


@pytest.mark.slow
def test_a_worker_without_counters_says_nothing_of_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLACE, str(tmp_path / "nothing"))
    assert run(tmp_path, "train").result["training"]["energy"] is None
