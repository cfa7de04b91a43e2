"""`runbench --profile`: each cell once, apart from runs, kept in a spool of its own, the newest of each cell stored."""

from __future__ import annotations

import dataclasses
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import IntegrityError, transaction

from engines.contract import as_json
from engines.profile_record import Operation, ProfileRecord
from runs.errors import ConflictError, RecordError
from runs.models import Experiment, Machine, Profile, Run, Summary
from runs.records.profile_records import parse_profile
from runs.records.profile_spool import ProfileSpoolContents, profile_spool
from runs.records.spool import all_spools
from runs.services import curation
from runs.services.profiles import record_profiles
from tests.records import MACHINE
from tests.runs.bench.benches import Bench, install
from tests.runs.bench.benches import runbench as run_command
from tests.runs.profiles import make_profile

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def bench(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return install(tmp_path, settings, monkeypatch)


def profile(bench: Bench, *options: str) -> None:
    run_command("--profile", "--suite", bench.suite, *options)


def spooled(bench: Bench) -> tuple[ProfileRecord, ...]:
    return profile_spool(bench.var / "spool").read().records


# ---------------------------------------------------------------- the command


def test_each_cell_is_profiled_once_and_its_operations_are_printed(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    profile(bench)
    assert len(spooled(bench)) == len({each.cell for each in spooled(bench)}) == 4
    printed = capsys.readouterr().out
    assert printed.count("profile by stand-in profiler 0.1 over 5 steps") == 4
    assert "   75.0%        0.6           2  dot" in printed
    assert "Profiled 4 of 4 cells. Profiles are no runs" in printed


def test_a_profile_says_what_was_profiled_and_how_to_do_it_again(bench: Bench) -> None:
    profile(bench, "--engines", "tf", "--networks", "mlp:1x2", "--machine", "bench 7")
    (record,) = spooled(bench)
    assert (record.kind, record.cell.engine, record.machine.name) == ("profile", "tensorflow", "bench 7")
    assert record.environment.packages["tensorflow"] == "0.1"
    assert "runbench --suite tiny.toml --engines tensorflow --networks mlp:1x2" in record.command
    assert record.command.endswith(" --profile")


def test_profiles_are_no_runs(bench: Bench) -> None:
    profile(bench)
    assert all_spools(bench.var / "spool") == []
    assert not Run.objects.exists()
    assert not Summary.objects.exists()
    assert not Experiment.objects.exists()
    assert Profile.objects.count() == 4


def test_a_suite_goes_on_as_if_nothing_had_been_profiled(bench: Bench) -> None:
    one = ("--engines", "tf", "--networks", "mlp:1x2")
    run_command("--no-verify", "--suite", bench.suite, *one, "--blocks", "1")
    before = bench.spool.path.read_bytes()
    profile(bench, *one)
    assert bench.spool.path.read_bytes() == before
    run_command("--no-verify", "--suite", bench.suite, *one)
    assert [record.placement.block for record in bench.records] == [0, 1]


def test_without_a_database_the_spool_has_it_and_the_next_profile_stores_it(bench: Bench) -> None:
    profile(bench, "--networks", "mlp:1x2", "--no-database")
    assert (Profile.objects.count(), len(spooled(bench))) == (0, 2)
    profile(bench, "--networks", "mlp:1x4")
    assert Profile.objects.count() == 4


def test_a_damaged_line_is_told_and_the_others_are_stored(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    profile(bench, "--networks", "mlp:1x2", "--no-database")
    spool = profile_spool(bench.var / "spool")
    spool.path.write_bytes(spool.path.read_bytes().replace(b'"kind":"profile"', b'"kind":"profil"', 1))
    profile(bench, "--networks", "mlp:1x4")
    assert "profiles.ndjson: lines 1 are no profiles; left as they are." in capsys.readouterr().err
    assert Profile.objects.count() == 3


def test_json_is_all_that_is_printed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    profile(bench, "--json")
    assert json.loads(capsys.readouterr().out) == {"profiles": [each.profile_id for each in spooled(bench)]}


@pytest.mark.parametrize(
    "option", [("--blocks", "2"), ("--budget", "5m"), ("--fresh",), ("--plan",), ("--upload", "http://127.0.0.1:1")]
)
def test_what_a_profile_cannot_heed_is_refused(bench: Bench, option: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=f"leave out {option[0]}"):
        profile(bench, *option)
    assert spooled(bench) == ()


def test_a_worker_that_crashes_leaves_no_profile_and_the_reason(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.behave("segfault")
    with pytest.raises(CommandError, match="Not one of these cells could be profiled"):
        profile(bench)
    assert capsys.readouterr().out.count("no profile: crashed. The worker was killed by signal 11") == 4
    assert not Profile.objects.exists()


# ---------------------------------------------------------------- the document


def test_a_profile_read_again_is_the_same() -> None:
    record = make_profile()
    assert parse_profile(as_json(record)) == record


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"operations": (Operation("dot", 1, 1.0, 0.5),)}, "The shares do not sum to 1"),
        ({"total_seconds": 2.0}, "total_seconds is not the sum"),
        ({"operations": ()}, "operations"),
        ({"steps": 0}, "profile.steps is 0, allowed: 1 to 1000000000"),
        ({"profiler": "a\0b"}, "U\\+0000"),
    ],
)
def test_a_profile_that_does_not_add_up_is_refused(change: dict[str, Any], sentence: str) -> None:
    record = make_profile()
    with pytest.raises(RecordError, match=sentence):
        parse_profile(as_json(dataclasses.replace(record, profile=dataclasses.replace(record.profile, **change))))


def test_a_run_record_is_no_profile() -> None:
    with pytest.raises(RecordError, match="kind"):
        parse_profile(as_json(dataclasses.replace(make_profile(), kind="run")))  # type: ignore[arg-type]


def test_a_torn_line_counts_for_nothing_and_a_damaged_one_is_numbered(tmp_path: Path) -> None:
    spool, record = profile_spool(tmp_path), make_profile()
    spool.append(record)
    spool.path.write_text(spool.path.read_text() + "{}\n" + as_json(record)[:50])
    assert spool.read() == ProfileSpoolContents((record,), damaged=(2,))


# ---------------------------------------------------------------- storing


def test_of_a_cell_the_newest_profile_is_kept_whatever_their_order() -> None:
    old, new = (
        make_profile(finished_at="2026-11-24T08:00:00+00:00"),
        make_profile(finished_at="2026-11-24T09:00:00+00:00"),
    )
    assert record_profiles(records=[new, old]) == 2
    assert record_profiles(records=[old]) == record_profiles(records=[new]) == 0
    assert Profile.objects.get().profile_id == uuid.UUID(new.profile_id)


def test_the_stored_profile_is_the_whole_document() -> None:
    record = make_profile()
    record_profiles(records=[record])
    assert parse_profile(Profile.objects.get().body) == record


def test_another_engine_or_environment_is_another_profile() -> None:
    other = dataclasses.replace(make_profile().environment, sha256="d" * 32)
    record_profiles(records=[make_profile(), make_profile("theano"), make_profile(environment=other)])
    assert Profile.objects.count() == 3


def test_other_hardware_under_a_known_name_is_refused() -> None:
    record_profiles(records=[make_profile()])
    other = dataclasses.replace(MACHINE, fingerprint="0" * 32, cpu="Another")
    with pytest.raises(ConflictError, match="other hardware"):
        record_profiles(records=[make_profile("theano", machine=other)])


def test_the_database_itself_keeps_one_for_each_cell() -> None:
    record_profiles(records=[make_profile()])
    row = Profile.objects.get()
    row.pk, row.profile_id = None, uuid.uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_merged_machines_keep_the_newer_profile_of_each_cell() -> None:
    here = dataclasses.replace(MACHINE, name="lab-2", fingerprint="2" * 32)
    newer = make_profile(machine=here, finished_at="2026-11-24T09:00:00+00:00")
    records = [make_profile(), newer, make_profile("theano", machine=here)]
    record_profiles(records=records)
    curation.merge_machines(machine=Machine.objects.get(name="lab-2"), into=Machine.objects.get(name="lab-1"))
    kept = {str(row.profile_id) for row in Profile.objects.filter(machine__name="lab-1")}
    assert kept == {newer.profile_id, records[2].profile_id}
    assert Profile.objects.count() == 2
