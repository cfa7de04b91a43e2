"""Uploads: stored, known or refused, each for its reason, within limits that hold whatever is sent."""

from __future__ import annotations

import dataclasses
import gzip
import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from engines.contract import as_json
from engines.run_record import RunRecord
from runs.models import Experiment, Machine, Run, Summary
from runs.services.summaries import rebuild_summaries
from tests.records import MACHINE, make_record
from tests.runs.api.people import RUNS, Caller, array, caller, lines, make_user, store
from tests.runs.kept import kept_rows

pytestmark = pytest.mark.django_db
NDJSON = "application/x-ndjson"


def results(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [result["result"] for result in response.json()["results"]]


def changed(record: RunRecord, *path: str, to: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(as_json(record))
    part = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = to
    return document


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (lambda one, two: array(one, two), "application/json"),
        (lambda one, two: lines(one, two), NDJSON),
        (lambda one, two: lines(one, two) + b"\n\n", NDJSON),
        (lambda one, two: json.dumps([json.loads(as_json(one)), json.loads(as_json(two))], indent=2).encode(), NDJSON),
    ],
)
def test_records_come_as_an_array_or_one_a_line(uploader: Caller, body: Any, content_type: str) -> None:
    response = uploader.upload(body(make_record(), make_record(block=1)), content_type=content_type)
    assert results(response) == ["stored", "stored"]
    assert response.json()["stored"] == Run.objects.count() == 2


def test_one_record_may_come_alone(uploader: Caller) -> None:
    record = make_record()
    assert results(uploader.upload(as_json(record).encode())) == ["stored"]
    pretty = json.dumps(json.loads(as_json(record)), indent=2).encode()
    assert results(uploader.upload(pretty)) == ["known"]


def test_gzip_is_understood(uploader: Caller) -> None:
    body = gzip.compress(lines(make_record(), make_record(block=1)))
    assert results(uploader.upload(body, content_type=NDJSON, Content_Encoding="gzip")) == ["stored", "stored"]


def test_the_machine_belongs_to_whoever_uploads_first(uploader: Caller, ada: User) -> None:
    uploader.upload(lines(make_record()))
    assert Machine.objects.get().owner == ada
    assert Experiment.objects.get().owner == ada


def test_a_record_is_given_back_as_it_came(uploader: Caller) -> None:
    record = make_record(status="crashed", reason="It said =HYPERLINK(1) and “…”.")
    uploader.upload(lines(record))
    answer = uploader.get(f"{RUNS}{record.run_id}/").json()
    assert answer["record"] == json.loads(as_json(record))
    assert Run.objects.get().record_text == as_json(record)


def test_a_known_record_changes_nothing(uploader: Caller) -> None:
    record = make_record()
    assert results(uploader.upload(lines(record))) == ["stored"]
    assert results(uploader.upload(lines(record, record))) == ["known", "known"]
    assert Run.objects.count() == 1
    assert Summary.objects.get().status_counts == {"finished": 1}


def test_a_known_id_with_other_content_is_a_conflict(uploader: Caller) -> None:
    record = make_record(epoch_seconds=0.5)
    uploader.upload(lines(record))
    other = make_record(run_id=record.run_id, epoch_seconds=0.1)
    response = uploader.upload(lines(other, make_record(block=1)))
    assert results(response) == ["refused", "stored"]
    assert response.json()["results"][0]["reasons"][0]["code"] == "conflict"
    assert Run.objects.get(run_id=record.run_id).seconds == 0.5


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("cell", "threads"), 0, "cell.threads"),
        (("cell", "threads"), "1", "cell.threads"),
        (("cell", "threads"), True, "cell.threads"),
        (("cell", "device"), "tpu", "cell.device"),
        (("status",), "unheard-of", "status"),
        (("run_id",), "not-a-uuid-but-36-characters-long....", "run_id"),
        (("finished_at",), "2026-11-24T08:00:10", "finished_at"),
        (("finished_at",), "9999-12-31T23:59:59-14:00", "finished_at"),
        (("machine", "name"), "", "machine.name"),
        (("machine", "name"), "n" * 101, "machine.name"),
        (("surprise",), 1, "surprise"),
        (("training",), None, "training"),
        (("training", "epochs"), [], "training.epochs"),
        (("training", "epochs"), [{"wall_seconds": -1.0, "cpu_seconds": 0.0}], "training.epochs.0.wall_seconds"),
        (("training", "warmup_epochs"), 5, "training.epochs"),
        (("reason",), "nul \0", "document"),
        (("cell", "workload", "network", "width"), 10**30, "cell.workload.network.width"),
        (("cell", "workload", "network"), {"type": "cnn", "hidden_layers": 200, "width": 4}, "cell.workload"),
        (
            ("cell", "workload", "network"),
            {"type": "mlp", "hidden_layers": 256, "width": 65536},
            "cell.workload",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_field_and_the_rest_is_stored(
    uploader: Caller, path: tuple[str, ...], value: Any, field: str
) -> None:
    bad = json.dumps(changed(make_record(), *path, to=value)).encode()
    response = uploader.upload(bad + b"\n" + lines(make_record(block=1)), content_type=NDJSON)
    assert results(response) == ["refused", "stored"]
    reasons = response.json()["results"][0]["reasons"]
    assert field in [reason["field"] for reason in reasons]
    assert all(reason["allowed"] for reason in reasons)
    assert Run.objects.count() == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_times_that_are_no_finite_numbers_are_refused(uploader: Caller, number: str) -> None:
    bad = as_json(make_record()).replace('"wall_seconds":0.25', f'"wall_seconds":{number}', 1)
    assert results(uploader.upload(f"[{bad}]".encode())) == ["refused"]


def test_an_unknown_engine_is_stored_and_marked(uploader: Caller) -> None:
    record = make_record("caffe")
    assert results(uploader.upload(lines(record))) == ["stored"]
    assert uploader.get(f"{RUNS}{record.run_id}/").json()["engine_is_known"] is False
    engines = {row["slug"]: row for row in uploader.get("/api/v1/engines/").json()["results"]}
    assert engines["caffe"]["is_known"] is False


@pytest.mark.parametrize("moment", ["2099-01-01T00:00:00+00:00", "1970-01-01T00:00:00+00:00"])
def test_a_wrong_clock_is_stored_and_one_ahead_is_marked(uploader: Caller, moment: str) -> None:
    record = make_record(started_at=moment, finished_at=moment)
    assert results(uploader.upload(lines(record))) == ["stored"]
    answer = uploader.get(f"{RUNS}{record.run_id}/").json()
    assert answer["has_a_clock_ahead"] is moment.startswith("2099")
    assert answer["received_at"].startswith("20")


def test_atomic_stores_nothing_if_one_is_refused(uploader: Caller) -> None:
    bad = json.dumps(changed(make_record(), "cell", "threads", to=0)).encode()
    for body in (bad + b"\n" + lines(make_record()), lines(make_record()) + b"\n" + bad):
        response = uploader.upload(body, address=f"{RUNS}?atomic=1", content_type=NDJSON)
        assert response.status_code == 422
        codes = [result["reasons"][0]["code"] for result in response.json()["extra"]["results"]]
        assert sorted(codes) == ["atomic", "invalid"]
    assert Run.objects.count() == Experiment.objects.count() == Machine.objects.count() == 0


def test_atomic_minds_conflicts_too_and_stores_a_whole_batch(uploader: Caller) -> None:
    known = make_record()
    good = [make_record(block=block) for block in range(1, 3)]
    assert results(uploader.upload(lines(known, *good[:1]), address=f"{RUNS}?atomic=1")) == ["stored", "stored"]
    conflict = make_record(run_id=known.run_id, epoch_seconds=9.0)
    assert uploader.upload(lines(good[1], conflict), address=f"{RUNS}?atomic=1").status_code == 422
    assert Run.objects.count() == 2


def test_other_hardware_is_refused_until_it_is_accepted(uploader: Caller) -> None:
    uploader.upload(lines(make_record()))
    other = make_record(machine=dataclasses.replace(MACHINE, fingerprint="0" * 32, memory_bytes=2**36))
    response = uploader.upload(lines(other))
    assert response.json()["results"][0]["reasons"][0]["code"] == "hardware"
    assert results(uploader.upload(lines(other), address=f"{RUNS}?accept_hardware=1")) == ["stored"]


def test_another_users_machine_is_refused_and_nothing_of_it_is_stored(uploader: Caller, ada: User) -> None:
    store(make_record(), user=make_user("bob"))
    response = uploader.upload(lines(make_record(block=1, experiment="new")))
    assert response.json()["results"][0]["reasons"][0]["code"] == "forbidden"
    assert Run.objects.count() == 1
    assert not Experiment.objects.filter(name="new").exists()


def test_the_sites_own_machine_is_the_staffs(uploader: Caller) -> None:
    store(make_record())
    assert results(uploader.upload(lines(make_record(block=1)))) == ["refused"]
    staff = caller(make_user("root", is_staff=True))
    assert results(staff.upload(lines(make_record(block=1)))) == ["stored"]


def test_a_token_for_one_machine_uploads_to_no_other(ada: User) -> None:
    token = caller(ada, machines=["lab-1"])
    elsewhere = make_record(machine=dataclasses.replace(MACHINE, name="lab-2"))
    assert results(token.upload(lines(make_record(), elsewhere))) == ["stored", "refused"]


def test_another_users_private_experiment_takes_nothing(uploader: Caller) -> None:
    bob = make_user("bob")
    store(make_record(machine=dataclasses.replace(MACHINE, name="lab-2")), user=bob)
    Experiment.objects.update(is_private=True)
    assert results(uploader.upload(lines(make_record()))) == ["refused"]
    assert Run.objects.count() == 1


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("body", [b"", b"  \n", b"{", b"[", b"nonsense", b"[1, 2", b"\xff\xfe", b'{"a": "\xff"}'])
def test_a_body_that_is_no_json_stores_nothing(uploader: Caller, body: bytes) -> None:
    response = uploader.upload(body)
    assert response.status_code in (200, 400)
    assert response.status_code == 400 or set(results(response)) == {"refused"}
    assert Run.objects.count() == 0


@pytest.mark.parametrize("body", [b"1", b"[1, null, []]", b'"text"', b"[{}]", b"null", b"true"])
def test_json_that_is_no_record_is_refused_with_a_reason(uploader: Caller, body: bytes) -> None:
    response = uploader.upload(body)
    assert set(results(response)) == {"refused"}
    assert response.json()["results"][0]["reasons"][0]["message"]


def test_deep_nesting_is_refused(uploader: Caller) -> None:
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b"[" + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"]"):
        response = uploader.upload(body)
        assert response.status_code == 400 or set(results(response)) == {"refused"}


def test_at_most_a_thousand_records_at_once(uploader: Caller) -> None:
    for body, content_type in ((b"{}\n" * 1001, NDJSON), (b"[" + b",".join([b"{}"] * 1001) + b"]", "application/json")):
        response = uploader.upload(body, content_type=content_type)
        assert response.status_code == 413
        assert response.json()["extra"]["allowed"] == 1000


def test_at_most_sixteen_mebibytes(uploader: Caller) -> None:
    assert uploader.upload(b" " * (16 * 2**20 + 1)).status_code == 413


@pytest.mark.slow
def test_a_zip_bomb_ends_at_the_limit(uploader: Caller) -> None:
    bomb = gzip.compress(b" " * (200 * 2**20), compresslevel=9)
    assert uploader.upload(bomb, Content_Encoding="gzip").status_code == 413


def test_a_small_body_that_unfolds_to_many_parts_is_refused(uploader: Caller) -> None:
    assert uploader.upload(b"[" + b"[]," * 400_000 + b"[]]").status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more"],
    ids=["no gzip", "cut off", "more behind"],
)
def test_damaged_gzip_is_one_clear_error(uploader: Caller, body: bytes) -> None:
    response = uploader.upload(body, Content_Encoding="gzip")
    assert response.status_code == 400
    assert "gzip" in response.json()["message"]


def test_other_encodings_and_types_are_refused(uploader: Caller) -> None:
    assert uploader.upload(b"{}", Content_Encoding="br").status_code == 400
    response = uploader.upload(b"a=1", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 415
    assert set(response.json()) == {"message", "extra"}


def test_an_upload_leaves_the_summaries_that_a_rebuild_makes(uploader: Caller) -> None:
    uploader.upload(lines(*[make_record(block=block, epoch_seconds=0.1 + block) for block in range(30)]))
    uploader.upload(lines(make_record("theano", status="crashed"), make_record(block=30)))
    before = kept_rows()
    rebuild_summaries()
    assert kept_rows() == before
