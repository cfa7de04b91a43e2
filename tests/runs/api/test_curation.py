"""Acts on what is stored: excluded and restored, renamed, merged, hidden; each logged, none losing a run."""

from __future__ import annotations

import dataclasses
import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from runs.errors import ConflictError, ForbiddenError, RunsError
from runs.models import Act, ApiToken, Experiment, Machine, Run, Summary
from runs.services import curation
from runs.services.recording import record_runs
from runs.services.summaries import rebuild_summaries
from tests.records import MACHINE, make_record
from tests.runs.api.people import RUNS, Caller, caller, lines, make_user, store
from tests.runs.kept import kept_rows

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
LAB_2 = dataclasses.replace(MACHINE, name="lab-2", fingerprint="2" * 32)


def test_an_excluded_run_leaves_its_summary_and_comes_back(uploader: Caller) -> None:
    records = [make_record(block=block, epoch_seconds=0.1 * (block + 1)) for block in range(3)]
    uploader.upload(lines(*records))
    before = kept_rows()
    bad = records[1].run_id
    response = uploader.send("POST", f"{V1}exclusions/", {"run": bad, "reason": "A backup ran meanwhile."})
    assert response.status_code == 201
    summary = Summary.objects.get()
    assert [block for block, _ in summary.samples] == [0, 2]
    assert summary.status_counts == {"finished": 2, "excluded": 1}
    assert [row["run_id"] for row in uploader.get(f"{V1}exclusions/").json()["results"]] == [bad]
    assert uploader.get(f"{RUNS}{bad}/").json()["exclusion"]["by"] == "ada"
    excluded = kept_rows()
    rebuild_summaries()
    assert kept_rows() == excluded
    assert uploader.send("POST", f"{V1}exclusions/{bad}/restore/", {"reason": "It did not."}).status_code == 200
    assert kept_rows() == before
    acts = uploader.get(f"{V1}acts/").json()["results"]
    assert [(act["kind"], act["user"], act["reason"]) for act in acts] == [
        ("restore", "ada", "It did not."),
        ("exclude", "ada", "A backup ran meanwhile."),
    ]


def test_a_cell_whose_only_run_is_excluded_says_why(uploader: Caller) -> None:
    record = make_record()
    store(record)
    curation.exclude_run(run_id=record.run_id, reason="The fan was broken.")
    summary = Summary.objects.get()
    assert (summary.samples, summary.status_counts) == ([], {"excluded": 1})
    assert summary.reason == "The fan was broken."


def test_uploading_an_excluded_run_again_does_not_bring_it_back(uploader: Caller) -> None:
    record = make_record()
    uploader.upload(lines(record))
    uploader.send("POST", f"{V1}exclusions/", {"run": record.run_id, "reason": "Disturbed."})
    assert uploader.upload(lines(record)).json()["known"] == 1
    assert Run.objects.get().is_excluded


@pytest.mark.parametrize("reason", ["", "  ", "x" * 2001, "nul \0"])
def test_an_exclusion_needs_a_reason(reason: str) -> None:
    record = make_record()
    store(record)
    with pytest.raises(RunsError, match="reason"):
        curation.exclude_run(run_id=record.run_id, reason=reason)
    assert not Act.objects.exists()


def test_excluding_twice_and_restoring_what_is_not_excluded_are_conflicts() -> None:
    record = make_record()
    store(record)
    with pytest.raises(ConflictError):
        curation.restore_run(run_id=record.run_id, reason="?")
    curation.exclude_run(run_id=record.run_id, reason="Disturbed.")
    with pytest.raises(ConflictError, match="Disturbed"):
        curation.exclude_run(run_id=record.run_id, reason="Again.")


def test_a_renamed_machine_still_takes_records_that_bear_its_old_name(uploader: Caller) -> None:
    uploader.upload(lines(make_record()))
    machine = Machine.objects.get()
    assert uploader.send("PATCH", f"{V1}machines/{machine.pk}/", {"name": "oven"}).json()["name"] == "oven"
    assert uploader.upload(lines(make_record(block=1))).json()["stored"] == 1
    assert Machine.objects.count() == 1
    assert Summary.objects.get().status_counts == {"finished": 2}


def test_a_token_for_a_machine_follows_its_name(ada: User) -> None:
    token = caller(ada, machines=["lab-1"])
    token.upload(lines(make_record()))
    curation.rename_machine(machine=Machine.objects.get(), name="oven")
    assert ApiToken.objects.get().machines == ["oven"]
    assert token.upload(lines(make_record(block=1))).json()["stored"] == 1


def test_a_name_that_another_has_or_had_is_taken() -> None:
    store(make_record(), make_record(machine=LAB_2))
    first, second = Machine.objects.order_by("pk")
    curation.rename_machine(machine=first, name="oven")
    for name in ("oven", "lab-1"):
        with pytest.raises(ConflictError, match="taken"):
            curation.rename_machine(machine=second, name=name)
    assert curation.rename_machine(machine=first, name="lab-1").name == "lab-1"


def test_a_renamed_experiment_keeps_its_address_and_its_runs(uploader: Caller) -> None:
    uploader.upload(lines(make_record()))
    assert uploader.send("PATCH", f"{V1}experiments/quick/", {"name": "November"}).json()["slug"] == "quick"
    uploader.upload(lines(make_record(block=1)))
    assert Experiment.objects.get().runs.count() == 2


def test_merged_machines_keep_every_run_and_former_name(uploader: Caller) -> None:
    first = [make_record(block=block) for block in range(2)]
    second = [make_record(block=block, machine=LAB_2) for block in range(2, 4)]
    uploader.upload(lines(*first, *second, make_record("theano", machine=LAB_2)))
    target, source = Machine.objects.order_by("pk")
    assert uploader.send("POST", f"{V1}machines/{source.pk}/merge/", {"into": target.pk}).status_code == 200
    assert Machine.objects.get() == target
    assert Run.objects.filter(machine=target).count() == 5
    merged = kept_rows()
    rebuild_summaries()
    assert kept_rows() == merged
    assert uploader.upload(lines(make_record(block=9, machine=LAB_2))).json()["stored"] == 1
    assert Machine.objects.count() == 1
    assert Act.objects.get().details == {"from": "lab-2", "to": "lab-1"}


def test_machines_of_two_owners_are_not_merged_by_one_of_them(ada: User) -> None:
    bob = make_user("bob")
    store(make_record(), user=ada)
    store(make_record(machine=LAB_2), user=bob)
    mine, theirs = Machine.objects.get(name="lab-1"), Machine.objects.get(name="lab-2")
    for machine, into in ((mine, theirs), (theirs, mine)):
        with pytest.raises(ForbiddenError):
            curation.merge_machines(machine=machine, into=into, by=ada)
    with pytest.raises(ConflictError):
        curation.merge_machines(machine=mine, into=mine, by=ada)


def test_a_private_experiment_is_shown_again(uploader: Caller) -> None:
    uploader.upload(lines(make_record()))
    address = f"{V1}experiments/quick/"
    assert uploader.send("PATCH", address, {"is_private": True}).json()["is_private"] is True
    assert Caller().get(address).status_code == 404
    uploader.send("PATCH", address, {"is_private": False})
    assert Caller().get(address).status_code == 200
    assert list(Act.objects.values_list("kind", flat=True)) == ["show", "hide"]


# ---------------------------------------------------------------- on the command line


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_command_line_excludes_and_restores() -> None:
    record = make_record()
    record_runs(records=[record])
    assert "is excluded" in told("excluderun", record.run_id, "--reason", "Disturbed.")
    assert Run.objects.get().is_excluded
    assert "is restored" in told("excluderun", record.run_id, "--reason", "Not so.", "--restore")
    assert not Run.objects.get().is_excluded
    with pytest.raises(CommandError, match="There is no run"):
        told("excluderun", "nonsense", "--reason", "?")


def test_the_command_line_renames_merges_and_hides() -> None:
    store(make_record(), make_record(machine=LAB_2))
    told("machines", "rename", "lab-1", "oven")
    told("machines", "merge", "lab-2", "oven")
    told("experiments", "rename", "quick", "November")
    told("experiments", "hide", "November")
    assert Machine.objects.get().name == "oven"
    assert Experiment.objects.get().is_private
    told("experiments", "show", "November")
    assert not Experiment.objects.get().is_private
    for command in (("machines", "rename", "nobody", "x"), ("experiments", "rename", "nothing", "x")):
        with pytest.raises(CommandError, match="Known: "):
            told(*command)


def test_the_command_line_makes_a_token_that_works(ada: User) -> None:
    secret = told("createtoken", "ada", "--name", "lab", "--machine", "lab-1").strip()
    assert Caller(secret).upload(lines(make_record())).json()["stored"] == 1
    assert ApiToken.objects.get().name == "lab"
    for arguments in (("createtoken", "nobody"), ("createtoken", "ada", "--days", "0")):
        with pytest.raises(CommandError):
            told(*arguments)
