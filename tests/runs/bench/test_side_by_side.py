"""Releases compared for a pull request: what is paired with what, and what is left out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from engines.run_record import Environment, RunRecord
from runs.bench import side_by_side
from runs.errors import RunsError
from tests.records import make_cell, make_record

RELEASES = {"jax": ("0.9.2", "")}
CELL = make_cell("jax")


def runs_of(release: str, seconds: float, *, blocks: range = range(5), **changes: Any) -> list[RunRecord]:
    version = release or "0.10.2"
    name = f"jax@{release}" if release else "jax"
    environment = Environment(name, f"{version}{'0' * 27}", "locked", packages={"jax": version})
    made = {"cell": CELL, "environment": environment, "cell_key": version * 3, **changes}
    return [make_record(epoch_seconds=seconds * (1 + 0.002 * block), block=block, **made) for block in blocks]


def test_a_slower_release_is_called_so_with_its_interval() -> None:
    (pair,) = side_by_side.pairs([*runs_of("0.9.2", 1.0), *runs_of("", 1.2)], RELEASES)
    assert (pair.before, pair.after, pair.verdict, pair.is_slower) == ("0.9.2", "0.10.2", "slower", True)
    assert pair.ratio.paired
    text = side_by_side.markdown([pair])
    assert "| JAX | mlp:8x25 | CPU, 1 thread | 0.9.2: 1 s | 0.10.2: 1.2 s | 1.200 | " in text
    assert "**slower**" in text


def test_a_faster_and_an_equal_release_fail_nothing() -> None:
    for seconds, verdict in ((0.8, "faster"), (1.0, "tie")):
        (pair,) = side_by_side.pairs([*runs_of("0.9.2", 1.0), *runs_of("", seconds)], RELEASES)
        assert (pair.verdict, pair.is_slower) == (verdict, False)


def test_the_least_size_is_the_reader_s() -> None:
    records = [*runs_of("0.9.2", 1.0), *runs_of("", 1.04)]
    assert not side_by_side.pairs(records, RELEASES, rope=0.05)[0].is_slower
    assert side_by_side.pairs(records, RELEASES, rope=0.01)[0].is_slower


def test_only_cells_with_both_releases_are_paired_and_older_software_of_one_is_left_out() -> None:
    tuned = dataclasses.replace(CELL, track="tuned")
    records = [
        *runs_of("0.9.2", 9.0, cell_key="an older environment of this release"),
        *runs_of("0.9.2", 1.0),
        *runs_of("", 1.2),
        *runs_of("", 1.0, cell=tuned),
        *runs_of("", 0.1, status="crashed", blocks=range(9, 12)),
    ]
    (pair,) = side_by_side.pairs(records, RELEASES)
    assert pair.cell.track == "idiomatic"
    assert pair.before_seconds == pytest.approx(1.004, rel=1e-3)


def test_blocks_of_two_sittings_are_not_the_same_though_their_numbers_are() -> None:
    yesterday = [
        dataclasses.replace(record, placement=dataclasses.replace(record.placement, session="yesterday"))
        for record in runs_of("0.9.2", 1.0)
    ]
    assert side_by_side.pairs([*yesterday, *runs_of("", 1.2)], RELEASES) == []


def test_nothing_to_compare_is_said() -> None:
    assert side_by_side.pairs([], RELEASES) == []
    assert side_by_side.markdown([]).startswith("No cell has times in two releases of the same blocks.")


def test_it_is_written_as_the_file_s_name_says(tmp_path: Path) -> None:
    found = side_by_side.pairs([*runs_of("0.9.2", 1.0), *runs_of("", 1.2)], RELEASES)
    side_by_side.write(tmp_path / "a.json", found, rope=0.05)
    side_by_side.write(tmp_path / "a.md", found, rope=0.05)
    (row,) = json.loads((tmp_path / "a.json").read_text())
    assert (row["engine"], row["after"], row["is_slower"]) == ("jax", "0.10.2", True)
    assert (tmp_path / "a.md").read_text().startswith("| Engine |")
    with pytest.raises(RunsError, match="cannot be written"):
        side_by_side.write(tmp_path / "none" / "a.md", found, rope=0.05)
