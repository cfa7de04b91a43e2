from __future__ import annotations

import pytest
from pydantic import ValidationError

from runs.study import published as study
from runs.study.published import PUBLISHED_FILE, parse, published, speed_ups


def test_the_tables_have_as_many_values_as_the_study_printed() -> None:
    values = speed_ups(published())
    assert len([value for value in values if value.network_type == "mlp"]) == 32
    assert len([value for value in values if value.network_type == "cnn"]) == 40


def test_rows_are_named_by_slug_and_hidden_layers() -> None:
    assert study.SpeedUp("mlp", "keras-theano", 16, 200, 1139.80) in speed_ups(published())


def test_the_recommendation_is_that_of_table_5_1() -> None:
    advice = {
        (row.network_type, row.device): study.recommended_slugs(published(), row) for row in published().recommendations
    }
    assert advice["mlp", "cpu"] == ["tensorflow", "keras-theano"]
    assert advice["mlp", "gpu"] == ["tensorflow"]
    assert advice["cnn", "cpu"] == advice["cnn", "gpu"] == ["tensorflow", "keras-tensorflow"]


def test_there_are_twenty_figures_and_thirty_claims() -> None:
    assert len(published().figures) == 20
    assert len(published().claims) == 33


@pytest.mark.parametrize(
    ("printed", "slip", "complaint"),
    [
        ("total_executions", "total_runs", "total_runs"),
        ("th8 = [3.02, ", "th8 = [", "one value for each width"),
        ('network_type = "mlp"\ndevice', 'network_type = "rnn"\ndevice', "rnn"),
        ('engines = ["tf"]', 'engines = ["jx"]', "jx"),
        ('id = "threads-bring-little"', 'id = "tensorflow-suits-all"', "same id"),
        ("3.02, 4.45", "3.02, -4.45", "greater than 0"),
    ],
)
def test_a_slip_of_the_pen_is_refused_and_named(printed: str, slip: str, complaint: str) -> None:
    text = PUBLISHED_FILE.read_text()
    assert printed in text
    with pytest.raises(ValidationError, match=complaint):
        parse(text.replace(printed, slip, 1))
