"""Run records as text: complete or refused, and the one number that each gives."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import as_json
from engines.run_record import RunRecord, Status
from runs.errors import RecordError
from runs.models.stored_form import PartTexts, stored_form
from runs.records.run_records import aware_time, parse_record, timed_seconds
from tests.records import make_cell, make_record, make_training

STATUSES = typing.get_args(Status)


def changed(**values: Any) -> str:
    return json.dumps({**json.loads(as_json(make_record())), **values})


@pytest.mark.parametrize("status", STATUSES)
def test_a_record_of_every_status_is_read_as_it_was_written(status: Status) -> None:
    record = make_record(status=status)
    assert parse_record(as_json(record)) == record


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"run_id": "x" * 36}, "run_id is 'xxx"),
        ({"started_at": "2026-11-24T08:00:00"}, "started_at is '2026-11-24T08:00:00'"),
        ({"finished_at": "yesterday at half past nine"}, "finished_at is 'yesterday"),
        (
            {"training": None},
            "status is 'finished' and the task 'train': a finished run of the task 'train', and no other, has the "
            "part 'training'.",
        ),
        (
            {"status": "crashed"},
            "status is 'crashed' and the task 'train': a finished run of the task 'train', and no other, has the "
            "part 'training'.",
        ),
        ({"schema_version": 3}, "schema_version is 3, allowed: 1 to 2"),
    ],
)
def test_what_contradicts_itself_is_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(changed(**values))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", [" ", "\t \n", "\u200b\u200e", "\u202e"])
def test_a_name_that_nobody_can_see_is_refused(name: str) -> None:
    record = make_record()
    for part, field in (("machine", "name"), ("placement", "experiment")):
        values = json.loads(as_json(record))[part] | {field: name}
        with pytest.raises(RecordError, match=f"{part}.{field} is .*a name needs a character that can be seen"):
            parse_record(changed(**{part: values}))


def test_a_finished_run_without_a_steady_epoch_is_refused() -> None:
    training = dataclasses.replace(make_training(make_cell(), 1.0, epochs=2), warmup_epochs=2)
    with pytest.raises(RecordError, match="no epoch after the warm-up"):
        parse_record(as_json(dataclasses.replace(make_record(), training=training)))


def test_an_error_carries_every_problem_for_programs() -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(changed(status="fine", reason=7))
    assert {problem["field"] for problem in caught.value.extra["problems"]} == {"status", "reason"}


@given(st.data())
def test_a_torn_record_is_never_read(data: st.DataObject) -> None:
    text = as_json(make_record())
    length = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(RecordError):
        parse_record(text[:length])


def test_times_keep_their_offset() -> None:
    assert aware_time("2026-11-24T09:00:00+01:00") == aware_time("2026-11-24T08:00:00+00:00")


def test_equal_records_have_equal_hashes_and_others_do_not() -> None:
    record = make_record()
    same, other = parse_record(as_json(record)), dataclasses.replace(record, reason="other")
    first, second, third = (stored_form(each, PartTexts()).sha256 for each in (record, same, other))
    assert first == second != third


def with_walls(walls: list[float], warmup_epochs: int) -> RunRecord:
    training = make_training(make_cell(), 1.0, epochs=len(walls), warmup_epochs=warmup_epochs)
    epochs = tuple(
        dataclasses.replace(epoch, wall_seconds=wall) for epoch, wall in zip(training.epochs, walls, strict=True)
    )
    return dataclasses.replace(make_record(), training=dataclasses.replace(training, epochs=epochs))


def test_a_run_s_number_is_the_median_of_its_steady_epochs() -> None:
    record = with_walls([90.0, 80.0, 1.0, 3.0, 2.0], warmup_epochs=2)
    assert timed_seconds(record) == 2.0


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "finished"])
def test_a_run_that_did_not_finish_has_no_number(status: Status) -> None:
    record = make_record(status=status)
    assert timed_seconds(record) is None
