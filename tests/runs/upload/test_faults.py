"""Uploads to a real server that fails at the worst moments. After it is over, every run is stored exactly once.

On SQLite; on PostgreSQL where DATABASE_URL names one (`make postgres-tests`).
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engines.run_record import RunRecord
from runs.upload.access import Token, server_at
from runs.upload.client import Client
from runs.upload.errors import UploadError
from tests.records import MACHINE, make_record
from tests.runs.upload.server import DEATH_WARRANT
from tests.runs.upload.sites import WAIT_SECONDS, Site, Uploader, counted, ids, site_in, uploader_in
from tests.runs.upload.uploading import proxy_to

pytestmark = pytest.mark.slow

RUNS = 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all tests here; who kills it starts it again. In the end, a rebuild gives its very summaries."""
    with site_in(tmp_path_factory.mktemp("site")) as site:
        site.start()
        yield site
        before = site.summaries()
        site.manage("rebuildsummaries")
        assert site.summaries() == before


@pytest.fixture
def lab(site: Site, tmp_path: Path) -> Uploader:
    return uploader_in(tmp_path / "lab", site.tokens["ada"])


def records(experiment: str, number: int = RUNS) -> list[RunRecord]:
    return [make_record(block=block, epoch_seconds=0.1 + block / 100, experiment=experiment) for block in range(number)]


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def confirmed(lab: Uploader) -> int:
    try:
        notes = json.loads((lab.var / "spool" / "quick.uploads.json").read_text())
    except FileNotFoundError:
        return 0
    return sum(len(server["confirmed"]) for server in notes["servers"].values())


def test_a_token_is_checked_before_anything_is_measured(site: Site) -> None:
    """What `runbench --upload` asks first."""
    server = server_at(site.address)
    with Client(server, Token(site.tokens["bob"], "a test"), accept_hardware=True) as client:
        client.check(within=WAIT_SECONDS)
        assert client.seconds_ahead is not None
    with Client(server, Token("benchsite_of-nobody", "a test")) as client, pytest.raises(UploadError, match="unknown"):
        client.check(within=WAIT_SECONDS)


def test_connections_that_are_cut_cost_nothing(site: Site, lab: Uploader) -> None:
    """One batch each: the answer is lost, cut in its middle, and the request does not arrive."""
    measured = records("cut")
    lab.measured(*measured)
    with proxy_to(site.port, ["lose the answer", None, "cut the answer", None, "cut the request"]) as proxy:
        count = lab.upload(proxy.address, "--batch", "20")
        assert proxy.faults == []
    assert site.runs("cut") == ids(measured)
    assert (count["stored"], count["known"], count["refused"], count["left"]) == (20, 40, 0, 0)


def test_a_server_that_is_down_is_waited_for(site: Site, lab: Uploader) -> None:
    measured = records("down-then-up")
    lab.measured(*measured)
    site.stop()
    uploading = lab.begin(site.address, "--json")
    try:
        assert uploading.stderr is not None
        assert "connection refused. Trying again in" in uploading.stderr.readline()
    finally:
        site.start()
    assert counted(uploading)["stored"] == RUNS
    assert site.runs("down-then-up") == ids(measured)


def test_a_server_killed_between_commit_and_answer_stored_what_it_could_not_say(site: Site, lab: Uploader) -> None:
    measured = records("killed-server")
    lab.measured(*measured)
    (site.var / DEATH_WARRANT).touch()
    uploading = lab.begin(site.address, "--json", "--batch", "40")
    try:
        site.wait_for_death()
    finally:
        site.start()
    count = counted(uploading)
    assert (count["stored"], count["known"]) == (RUNS - 40, 40)
    assert site.runs("killed-server") == ids(measured)


def test_a_client_killed_in_the_middle_goes_on(site: Site, lab: Uploader) -> None:
    measured = records("killed-client", 150)
    lab.measured(*measured)
    uploading = lab.begin(site.address, "--batch", "1")
    wait_until(lambda: confirmed(lab) >= 3, uploading)
    uploading.kill()
    uploading.communicate()
    noted = confirmed(lab)
    assert 3 <= noted < 150
    count = lab.upload(site.address)
    assert count["confirmed_before"] == noted
    assert count["known"] <= 1, "at most the batch that was under way"
    assert site.runs("killed-client") == ids(measured)


def test_two_uploads_of_one_spool_at_once_store_each_run_once(site: Site, lab: Uploader) -> None:
    measured = records("two-at-once", 120)
    lab.measured(*measured)
    both = [lab.begin(site.address, "--json", "--batch", "5") for _ in range(2)]
    counts = [counted(each) for each in both]
    assert sum(count["stored"] for count in counts) == 120
    assert [count["refused"] + count["left"] for count in counts] == [0, 0]
    assert site.runs("two-at-once") == ids(measured)
    assert confirmed(lab) == 120


def test_a_clock_that_was_wrong_while_measuring_loses_no_run(site: Site, lab: Uploader) -> None:
    times = ("1970-01-01T00:00:10+00:00", "2099-12-31T23:00:00+00:00")
    measured = [make_record(experiment="clock", started_at=time, finished_at=time) for time in times]
    measured.append(make_record(experiment="clock", started_at=times[1], finished_at=times[0]))
    lab.measured(*measured)
    assert lab.upload(site.address)["stored"] == 3
    assert site.runs("clock") == ids(measured)
    answers = [json.loads(site.read(f"/api/v1/runs/{record.run_id}/")) for record in measured]
    assert [answer["has_a_clock_ahead"] for answer in answers][:2] == [False, True]
    assert all(answer["received_at"].startswith("20") for answer in answers)


def test_a_second_clone_uploads_to_the_first_one_s_pages(site: Site, tmp_path: Path) -> None:
    """Another folder, its own token for its own machine, and no database."""
    clone = uploader_in(tmp_path / "clone", site.tokens["bob"])
    machine = dataclasses.replace(MACHINE, name="lab-2", cpu="Clone CPU 4000")
    measured = [make_record(engine, machine=machine, experiment="clone") for engine in ("tensorflow", "theano")]
    clone.measured(*measured)
    assert clone.upload(site.address)["stored"] == 2
    assert not list(clone.var.glob("*sqlite*"))
    assert site.runs("clone") == ids(measured)
    machines = json.loads(site.read("/api/v1/machines/"))["results"]
    assert [(row["owner"], row["hardware"]["cpu"]) for row in machines if row["name"] == "lab-2"] == [
        ("bob", "Clone CPU 4000")
    ]
    for run_id in ids(measured):
        assert b"lab-2" in site.read(f"/runs/{run_id}/")
    assert b"lab-2" in site.read("/machines/")
    clone.measured(make_record(experiment="clone"))
    uploading = clone.begin(site.address)
    output, _ = uploading.communicate(timeout=WAIT_SECONDS)
    assert uploading.returncode == 3
    assert "1 × This token is for other machines: lab-2." in output
    assert site.runs("clone") == ids(measured)
