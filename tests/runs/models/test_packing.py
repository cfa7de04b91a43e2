"""Bodies come out of the database to the letter, whatever dictionary they were packed with."""

from __future__ import annotations

import gzip
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from engines.contract import as_json
from runs.models import Run
from runs.models.packing import DICTIONARIES, NEWEST, pack, unpack
from runs.models.stored_form import PartTexts, stored_form
from runs.records.run_records import parse_record
from runs.services.recording import record_runs
from tests.records import make_record

SHIPPED = {"1.zdict": "b842b2505cd6d62a574bb0cbc9fcc239c27af1b527b66287f08dc6afd9dd33db"}
"""Stored bodies can be read with the very dictionary alone that packed them: none may change or go."""
RESULTS = Path("docs/results/cloud-2-cores-2026-11-30.jsonl.gz")


@given(st.text())
def test_every_text_comes_back_to_the_letter(text: str) -> None:
    assert unpack(pack(text)) == text


THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import django

django.setup()
from runs.models.packing import pack, unpack

def round_trips(number):
    texts = [f"{number} {at} " + sys.argv[1] * 200 for at in range(150)]
    return all(unpack(pack(text)) == text for text in texts)

with ThreadPoolExecutor(8) as pool:
    assert all(pool.map(round_trips, range(32)))
"""


def test_threads_of_a_server_pack_side_by_side() -> None:
    """In a process of their own: a context of the library that two threads share ends it, or mixes their texts up."""
    done = subprocess.run([sys.executable, "-c", THREADS, as_json(make_record())], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_dictionary_is_changed_or_lost() -> None:
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in DICTIONARIES.iterdir()}
    assert {name: found.get(name) for name in SHIPPED} == SHIPPED
    assert f"{NEWEST}.zdict" in SHIPPED
    assert set(found) == set(SHIPPED)


def test_each_dictionary_is_found_by_the_number_that_its_frames_name() -> None:
    for path in DICTIONARIES.iterdir():
        dictionary = zstandard.ZstdCompressionDict(path.read_bytes())
        assert dictionary.dict_id() == int(path.stem)
        assert unpack(zstandard.ZstdCompressor(dict_data=dictionary).compress(b"a body")) == "a body"


def test_a_frame_of_a_dictionary_that_is_not_here_says_so() -> None:
    samples = (as_json(make_record(block=block)).encode() for block in range(200))
    newer = zstandard.train_dictionary(4096, [*samples], dict_id=4_000_000)
    with pytest.raises(ValueError, match="dictionary 4000000, which is of a newer Benchsite"):
        unpack(zstandard.ZstdCompressor(dict_data=newer).compress(b"a body"))


def test_a_measured_body_takes_less_than_a_fifth() -> None:
    texts = PartTexts()
    with gzip.open(RESULTS, "rt", encoding="utf-8") as lines:
        bodies = [stored_form(parse_record(line), texts).body for line in lines]
    assert sum(len(pack(body)) for body in bodies) < sum(map(len, bodies)) / 5


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 30])
def test_the_database_holds_frames_and_gives_texts(count: int) -> None:
    """Few rows and many go in by different ways."""
    records = [make_record(block=block, reason="a\\b\tc\nd é") for block in range(count)]
    record_runs(records=records)
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM runs_run ORDER BY block")
        frames = [bytes(frame) for (frame,) in cursor.fetchall()]
    assert all(zstandard.get_frame_parameters(frame).dict_id == NEWEST for frame in frames)
    assert [run.record_text for run in Run.objects.order_by("block")] == [as_json(record) for record in records]
    assert [unpack(frame) for frame in frames] == list(Run.objects.order_by("block").values_list("body", flat=True))
