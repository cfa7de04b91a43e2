"""Summaries are made again while the site goes on: piece by piece, each whole, and to be stopped at any time."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from runs.models import Coverage, Experiment, Summary
from runs.services import summaries
from runs.services.recording import record_runs
from tests.records import make_inference_record, make_record
from tests.runs.kept import kept_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def stored() -> list[tuple[Any, ...]]:
    record_runs(
        records=[
            make_record(engine, block=block, experiment=experiment)
            for engine in ("theano", "tensorflow")
            for experiment in ("one", "two")
            for block in range(2)
        ]
    )
    record_runs(records=[make_inference_record(experiment="two"), make_record("jax", status="crashed")])
    return kept_rows()


def rebuilt() -> str:
    out = io.StringIO()
    call_command("rebuildsummaries", stdout=out)
    return out.getvalue()


def test_whatever_was_spoilt_is_as_before_after_a_rebuild() -> None:
    before = stored()
    Summary.objects.filter(engine="theano").delete()
    Summary.objects.filter(engine="tensorflow").update(samples=[], status_counts={"finished": 99})
    Coverage.objects.update(runs=7, cells=3)
    assert rebuilt() == "6 summaries rebuilt.\n"
    assert kept_rows() == before


def test_a_summary_whose_runs_are_gone_goes() -> None:
    before = stored()
    row = Summary.objects.filter(engine="theano").first()
    assert row is not None
    row.pk, row.engine = None, "gone"
    row.save(force_insert=True)
    rebuilt()
    assert kept_rows() == before


def test_writers_are_let_in_between_two_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece is a transaction of its own: what it holds is given back at its end."""
    stored()
    held: list[bool] = []
    whole = summaries.hold_off_writers

    def hold_off_writers() -> None:
        held.append(connection.in_atomic_block)
        whole()

    monkeypatch.setattr(summaries, "hold_off_writers", hold_off_writers)
    for _ in summaries.rebuild_in_pieces(Experiment.objects.get(name="two")):
        assert not connection.in_atomic_block
        record_runs(records=[make_record("theano", block=50 + len(held), experiment="two")])
    assert held == [True] * 2
    kept = kept_rows()
    rebuilt()
    assert kept_rows() == kept


def test_a_rebuild_that_is_stopped_leaves_whole_pieces_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored()
    Coverage.objects.update(runs=7)
    pieces = summaries.rebuild_in_pieces(Experiment.objects.get(name="one"))
    next(pieces)
    del pieces
    assert Coverage.objects.exclude(runs=7).count() == 1
    rebuilt()
    assert kept_rows() == before
