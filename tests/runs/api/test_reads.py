"""Lists page by page, filtered and ordered; streams; answers not sent twice; errors of one shape."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from engines.contract import Network
from runs.models import Run
from tests.records import make_record
from tests.runs.api.people import RUNS, Caller, store

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def five_runs() -> list[str]:
    """Ids by the time they finished, the oldest first; two at one moment."""
    moments = ["08:00:10", "08:00:11", "08:00:12", "08:00:12", "08:00:13"]
    records = [
        make_record(block=block, finished_at=f"2026-11-24T{moment}+00:00") for block, moment in enumerate(moments)
    ]
    store(*records)
    return [record.run_id for record in records]


def walked(caller: Caller, address: str) -> list[str]:
    found: list[str] = []
    following: str | None = address
    while following:
        page = caller.get(following).json()
        found += [run["run_id"] for run in page["results"]]
        following = page["next"]
    return found


@pytest.mark.parametrize("limit", [1, 2, 5, 50])
@pytest.mark.parametrize(
    ("ordering", "is_reversed"),
    [("finished_at", False), ("-finished_at", True), ("received", False), ("-received", True)],
)
def test_pages_together_are_the_whole_list_in_order(ordering: str, is_reversed: bool, limit: int) -> None:
    ids = five_runs()
    expected = ids[::-1] if is_reversed else ids
    assert walked(Caller(), f"{RUNS}?ordering={ordering}&limit={limit}") == expected


def test_a_page_does_not_shift_when_runs_are_stored_meanwhile() -> None:
    ids = five_runs()
    first = Caller().get(f"{RUNS}?limit=2").json()
    store(make_record(block=9, finished_at="2026-11-25T00:00:00+00:00"))
    second = Caller().get(first["next"]).json()
    assert [run["run_id"] for run in second["results"]] == ids[2:0:-1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("engine=theano", 1),
        ("network=mlp", 3),
        ("layers=16", 1),
        ("status=crashed", 1),
        ("experiment=quick", 3),
        ("experiment=nothing", 0),
        ("device=gpu", 0),
        ("excluded=true", 0),
        ("excluded=false&engine=tensorflow", 2),
        ("threads=1&track=idiomatic&width=25", 2),
    ],
)
def test_filters_narrow_the_list_and_its_streams(query: str, count: int) -> None:
    store(make_record("theano"), make_record(status="crashed"), make_record(network=Network("mlp", 16, 50)))
    assert len(Caller().get(f"{RUNS}?{query}").json()["results"]) == count
    assert len(body(Caller().get(f"{RUNS}?{query}&format=jsonl")).splitlines()) == count
    assert len(body(Caller().get(f"{RUNS}?{query}&format=csv")).splitlines()) == count + 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("engin=theano", "engin"),
        ("threads=many", "threads"),
        ("threads=99999999999999999999", "threads"),
        ("status=unheard-of", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=WzEsMl0", "cursor"),
        ("ordering=epoch_seconds", "ordering"),
        ("format=xml", "format"),
        ("engine=%00", "engine"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_by_field(query: str, field: str) -> None:
    response = Caller().get(f"{RUNS}?{query}")
    assert response.status_code == 400
    assert response.json()["extra"]["problems"][0]["field"] == field
    assert response.json()["extra"]["problems"][0]["allowed"]


@pytest.mark.parametrize("path", ["runs", "summaries"])
def test_streams_hold_every_row_by_format_or_by_accept(path: str) -> None:
    store(*[make_record(engine, block=block) for engine in ("theano", "tensorflow") for block in range(2)])
    listed = Caller().get(f"{V1}{path}/").json()["results"]
    by_accept = Caller().get(f"{V1}{path}/", Accept="application/x-ndjson")
    assert by_accept["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line) for line in body(by_accept).splitlines()] == listed
    table = list(csv.DictReader(io.StringIO(body(Caller().get(f"{V1}{path}/?format=csv")))))
    assert [row["engine"] for row in table] == [row["engine"] for row in listed]
    assert [row["machine"] for row in table] == ["lab-1"] * len(listed)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_csv_file_is_a_formula(start: str) -> None:
    store(make_record(status="crashed", reason=f'{start}HYPERLINK("http://example.org")'))
    row = next(csv.DictReader(io.StringIO(body(Caller().get(f"{RUNS}?format=csv")))))
    assert row["reason"].startswith(f"'{start}")


@pytest.mark.parametrize(
    "path", ["runs/", "summaries/", "experiments/", "recommendation/", "comparisons/", "engines/", "claims/"]
)
def test_an_answer_that_is_known_is_not_sent_again(path: str) -> None:
    store(make_record())
    first = Caller().get(V1 + path)
    again = Caller().get(V1 + path, If_None_Match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    store(make_record(block=1, experiment="another"))
    if path != "engines/":
        assert Caller().get(V1 + path, If_None_Match=first["ETag"]).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing/", 404),
        ("GET", "/api/v1/runs", 404),
        ("POST", "/api/v1/runs", 404),
        ("GET", "/api/", 404),
        ("GET", "/api/v1/runs/00000000-0000-4000-8000-000000000000/", 404),
        ("GET", "/api/v1/runs/nonsense/", 404),
        ("GET", "/api/v1/machines/99999999999999999999/", 404),
        ("GET", "/api/v1/environments/99999999999999999999/", 404),
        ("GET", "/api/v1/charts/nonsense/", 404),
        ("GET", "/api/v1/comparisons/?experiment=nothing", 404),
        ("GET", "/api/v1/comparisons/?machine=12345", 404),
        ("DELETE", "/api/v1/engines/", 405),
        ("OPTIONS", "/api/v1/engines/", 405),
    ],
)
def test_errors_have_one_shape(uploader: Caller, method: str, path: str, status: int) -> None:
    store(make_record())
    response = uploader.client.generic(method, path, headers={"Authorization": f"Bearer {uploader.secret}"})
    assert response.status_code == status
    assert set(response.json()) == {"message", "extra"}
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("document", [[], "text", {"name": 1}, {"nom": "x"}, {"name": ""}, {"name": "a\0b"}, {}])
def test_a_write_that_does_not_fit_is_refused(uploader: Caller, document: Any) -> None:
    uploader.upload(json.dumps([]).encode())
    store(make_record(), user=None)
    machine = Run.objects.get().machine_id
    response = uploader.send("PATCH", f"{V1}machines/{machine}/", document)
    assert response.status_code in (400, 403)
    assert set(response.json()) == {"message", "extra"}


def test_a_body_that_is_no_json_is_refused(uploader: Caller) -> None:
    response = uploader.upload(b"{", address=f"{V1}exclusions/")
    assert response.status_code == 400
    assert set(response.json()) == {"message", "extra"}


@pytest.mark.parametrize("secret", ["benchsite_wrong", "", "é"])
def test_a_token_that_is_no_good_is_told_so(db: None, secret: str) -> None:
    response = Caller().client.get(V1, headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"


def test_calls_are_counted_by_token_and_by_address(uploader: Caller, settings: Any) -> None:
    settings.BENCHSITE_CALLS_PER_ADDRESS, settings.BENCHSITE_CALLS_PER_TOKEN = 2, 3
    statuses = [Caller().get(V1).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert [uploader.get(V1).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = uploader.get(V1)
    assert int(refused["Retry-After"]) <= 60
    assert set(refused.json()) == {"message", "extra"}


@pytest.mark.parametrize("path", ["runs/", "summaries/", "experiments/", "machines/", "exclusions/"])
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    path: str,
    django_assert_max_num_queries: Any,
) -> None:
    store(*[make_record(block=block, experiment=f"e{block}") for block in range(20)])
    with django_assert_max_num_queries(6):
        Caller().get(V1 + path)
