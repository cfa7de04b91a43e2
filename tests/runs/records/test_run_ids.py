from __future__ import annotations

import time
from uuid import RFC_4122, UUID

import pytest

from runs.records.run_ids import new_run_id


def test_ids_are_of_version_7_and_no_two_are_alike() -> None:
    made = [UUID(new_run_id()) for _ in range(1_000)]
    assert len(set(made)) == 1_000
    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}


def test_ids_sort_by_the_millisecond_they_were_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (0, 1, 1_000, time.time_ns() // 1_000_000, 2**47):
        monkeypatch.setattr(time, "time_ns", lambda now=milliseconds * 1_000_000: now)
        made.append(new_run_id())
        assert UUID(made[-1]).int >> 80 == milliseconds
    assert made == sorted(made)
