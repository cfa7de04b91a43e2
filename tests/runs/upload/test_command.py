"""`manage.py uploadruns` against a stand-in on loopback: what it sends, says, keeps and exits with."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class

from engines.contract import as_json
from engines.host import PROJECT_ROOT
from engines.run_record import RunRecord
from runs.records.lock import sole_measurer
from runs.upload.patience import Backoff
from tests.records import make_record
from tests.runs.suites.test_documented import OF_DJANGO
from tests.runs.upload.uploading import LOOPBACK, SECRET, Said, StandIn, free_port, stand_in, write_spool


@pytest.fixture
def site() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


@pytest.fixture
def spool(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty spool folder with a token beside it, and pauses that take no time."""
    settings.VAR_DIR, settings.SPOOL_DIR = tmp_path, tmp_path / "spool"
    (tmp_path / "token").write_text(SECRET)
    (tmp_path / "token").chmod(0o600)
    monkeypatch.delenv("BENCHSITE_TOKEN", raising=False)
    monkeypatch.setattr(Backoff, "pause", lambda self, asked=None: 0.001 if asked is None else asked)
    return tmp_path / "spool"


def records(number: int, **changes: Any) -> list[RunRecord]:
    return [make_record(block=block, **changes) for block in range(number)]


def upload(address: str, *options: str) -> int:
    """The exit code."""
    try:
        call_command("uploadruns", address, *options)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return error.returncode
    return 0


def test_everything_is_sent_in_batches_of_gzipped_lines_and_counted(
    site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = records(5)
    write_spool(spool, *sent)
    assert upload(site.address, "--batch", "2") == 0
    assert [len(batch) for batch in site.batches] == [2, 2, 1]
    assert site.stored == {record.run_id: json.loads(as_json(record)) for record in sent}
    assert {headers["Authorization"] for headers in site.headers} == {f"Bearer {SECRET}"}
    assert {headers["Content-Type"] for headers in site.headers} == {"application/x-ndjson"}
    assert {headers["Content-Encoding"] for headers in site.headers} == {"gzip"}
    assert capsys.readouterr().out == f"{site.address}: 5 stored, 0 known, 0 refused, 0 left.\n"


def test_a_second_call_sends_nothing_and_needs_no_server(
    site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_spool(spool, *records(2))
    assert upload(site.address) == 0
    assert upload(site.address) == 0
    assert len(site.batches) == 1
    assert "0 left; 2 were confirmed earlier." in capsys.readouterr().out


def test_without_its_notes_everything_is_known(site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_spool(spool, *records(2))
    upload(site.address)
    path.with_suffix(".uploads.json").unlink()
    assert upload(site.address) == 0
    assert "0 stored, 2 known" in capsys.readouterr().out


def test_an_interruption_keeps_what_was_confirmed(
    site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_spool(spool, *records(4))
    site.script = [Said(401)]
    assert upload(site.address) == 1
    first = records(1)
    write_spool(spool, *first, name="other")
    assert upload(site.address, "--spool", str(spool / "other.jsonl")) == 0
    assert set(site.stored) == {first[0].run_id}
    assert upload(site.address) == 0
    assert len(site.stored) == 5
    assert "4 stored, 0 known, 0 refused, 0 left; 1 were confirmed earlier." in capsys.readouterr().out


def test_refused_runs_are_shown_each_time_and_tried_again_only_when_asked(
    site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = records(2)
    write_spool(spool, good, bad)
    site.refuse = {bad.run_id: "forbidden"}
    for _ in range(2):
        assert upload(site.address) == 3
        said = capsys.readouterr()
        assert "Refused: 1 × Not this one." in said.out
        assert "--retry-refused" in said.out
    assert len(site.batches) == 1
    site.refuse = {}
    assert upload(site.address, "--retry-refused") == 0
    assert set(site.stored) == {good.run_id, bad.run_id}
    assert upload(site.address) == 0


def test_troubles_of_the_server_are_waited_out(site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_spool(spool, *records(3))
    site.script = [Said(503), Said(429, headers={"Retry-After": "0"}), Said(200, b'{"results": [{"ind'), Said(500)]
    assert upload(site.address) == 0
    assert len(site.stored) == 3
    said = capsys.readouterr().out
    assert said.count("Trying again in") == 4
    assert "3 stored" in said


def test_a_server_that_stays_away_ends_with_code_4_and_nothing_lost(
    spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_spool(spool, *records(3))
    assert upload(f"http://{LOOPBACK}:{free_port()}", "--patience", "0.05s") == 4
    said = capsys.readouterr()
    assert "0 stored, 0 known, 0 refused, 3 left." in said.out
    assert "connection refused. The same command continues." in said.err


@pytest.mark.parametrize("status", [401, 403, 404, 405, 422])
def test_what_has_to_be_mended_first_is_not_tried_twice(
    site: StandIn, spool: Path, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write_spool(spool, *records(1))
    site.script = [Said(status)]
    assert upload(site.address) == 1
    assert len(site.headers) == 1
    assert SECRET not in "".join(capsys.readouterr())


def test_a_redirection_is_not_followed_with_the_token(site: StandIn, spool: Path) -> None:
    write_spool(spool, *records(1))
    with stand_in() as elsewhere:
        site.script = [Said(307, headers={"Location": f"{elsewhere.address}/api/v1/runs/"})]
        assert upload(site.address) == 1
        assert elsewhere.headers == []


def test_https_to_a_server_without_it_is_one_message(
    site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_spool(spool, *records(1))
    assert upload(site.address.replace("http:", "https:")) == 1
    assert "does not speak HTTPS" in capsys.readouterr().err


def test_a_proxy_of_the_environment_never_sees_what_stays_on_the_machine(
    site: StandIn, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{LOOPBACK}:{free_port()}")
    write_spool(spool, *records(1))
    assert upload(site.address) == 0


def test_a_small_limit_of_a_proxy_is_met_with_smaller_batches(site: StandIn, spool: Path) -> None:
    write_spool(spool, *records(4))
    site.script = [Said(413, b"<html>Request Entity Too Large", content_type="text/html")]
    assert upload(site.address) == 0
    assert [len(batch) for batch in site.batches] == [4, 2, 2]


def test_accepted_hardware_is_said_to_the_server(site: StandIn, spool: Path) -> None:
    write_spool(spool, *records(1))
    upload(site.address, "--accept-hardware")
    assert site.paths == ["/api/v1/runs/?accept_hardware=1"]


# ---------------------------------------------------------------- choosing and looking


def test_a_dry_run_sends_and_writes_nothing_and_needs_no_token(
    site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_spool(spool, *records(2))
    (spool.parent / "token").unlink()
    assert upload(site.address, "--dry-run") == 0
    assert (site.headers, [path.name for path in spool.iterdir()]) == ([], ["quick.jsonl"])
    said = capsys.readouterr().out
    assert "quick.jsonl: 2 to send, 0 confirmed." in said
    assert f"2 runs would be sent to {site.address}. Nothing was sent." in said


def test_one_experiment_alone_is_sent_when_it_is_named(site: StandIn, spool: Path) -> None:
    lab = make_record(experiment="Lab, November")
    write_spool(spool, *records(2))
    write_spool(spool, lab, name="lab-november")
    assert upload(site.address, "--experiment", "Lab, November") == 0
    assert set(site.stored) == {lab.run_id}


def test_another_folder_is_sent_and_its_notes_stand_beside_it(site: StandIn, spool: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    write_spool(stick, *records(2))
    assert upload(site.address, "--spool", str(stick)) == 0
    assert (stick / "quick.uploads.json").exists()
    assert upload(site.address, "--spool", str(tmp_path / "nowhere")) == 1


def test_json_is_all_that_is_printed(site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = records(2)
    write_spool(spool, good, bad)
    site.refuse = {bad.run_id: "conflict"}
    site.script = [Said(503)]
    assert upload(site.address, "--json") == 3
    assert json.loads(capsys.readouterr().out) == {
        "server": site.address,
        "stored": 1,
        "known": 0,
        "refused": 1,
        "left": 0,
        "confirmed_before": 0,
        "refusals": [{"run_id": bad.run_id, "code": "conflict", "reason": "Not this one."}],
    }


def test_runs_of_an_unfinished_block_are_counted_as_left(
    site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_spool(spool, *records(2))
    with sole_measurer(spool):
        assert upload(site.address) == 0
    said = capsys.readouterr().out
    assert "1 stored, 0 known, 0 refused, 1 left." in said
    assert "1 of those left are of a block that runbench is at" in said


def test_damaged_lines_are_told_and_left_alone(site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_spool(spool, *records(1))
    with path.open("a") as file:
        file.write("not a record\n")
    assert upload(site.address) == 0
    assert "quick.jsonl: lines 2 are no run records, and are left as they are." in capsys.readouterr().out


def test_an_empty_spool_is_nothing_to_send(site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upload(site.address) == 0
    assert "0 stored, 0 known, 0 refused, 0 left." in capsys.readouterr().out


def test_without_a_token_nothing_is_sent(site: StandIn, spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_spool(spool, *records(1))
    (spool.parent / "token").unlink()
    assert upload(site.address) == 1
    assert "There is no token." in capsys.readouterr().err
    assert site.headers == []


@pytest.mark.parametrize("options", [("--batch", "0"), ("--batch", "1001"), ("--patience", "soon"), ("--token", "x")])
def test_a_wrong_option_is_code_2(options: tuple[str, ...]) -> None:
    command = load_command_class("runs", "uploadruns")
    parser = command.create_parser("manage.py", "uploadruns")
    parser.called_from_command_line = True
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["https://bench.example.org", *options])
    assert caught.value.code == 2


# ---------------------------------------------------------------- what is pure stays so


@pytest.mark.slow
def test_the_client_needs_no_database_and_no_settings() -> None:
    script = (
        "import sys, runs.upload.client, runs.upload.sending, runs.upload.blocks; "
        "found = {'django.db', 'runs.models', 'runs.services', 'rest_framework'} & set(sys.modules); "
        "sys.exit(str(found) if found else 0)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT_ROOT, check=True, env={})


def test_a_batch_on_the_wire_is_small(site: StandIn, spool: Path) -> None:
    """Records repeat each other: gzip makes a tenth of them at most."""
    sent = records(200)
    write_spool(spool, *sent)
    upload(site.address)
    plain = b"\n".join(as_json(record).encode() for record in sent)
    assert int(site.headers[0]["Content-Length"]) < len(gzip.compress(plain)) * 1.1 < len(plain) / 10


# ---------------------------------------------------------------- docs/uploading.md


def test_every_option_and_every_exit_code_is_documented_and_no_other() -> None:
    section = (PROJECT_ROOT / "docs" / "uploading.md").read_text().split("## `uploadruns`")[1].split("\n## ")[0]
    names = {row.split("|")[1].strip().split()[0].strip("`") for row in section.splitlines() if row.startswith("| ")}
    command = load_command_class("runs", "uploadruns")
    parser = command.create_parser("manage.py", "uploadruns")
    options = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    codes = re.findall(r"\b(\d+) \w", (parser.epilog or "").split("Exit codes:")[1])
    assert {name for name in names if name.startswith("--")} - {"---"} == options - OF_DJANGO
    assert {name for name in names if name.isdigit()} == set(codes) == {"0", "1", "2", "3", "4", "130"}
