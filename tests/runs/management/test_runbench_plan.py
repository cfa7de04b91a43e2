"""What `runbench --plan` says of the shipped suites and of one's own: how much, how long, what is left."""

from __future__ import annotations

import json
import re
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from engines import datasets
from runs.bench import session
from runs.bench.stopping import Budget
from runs.management.commands.runbench import EXAMPLES
from runs.models import Experiment, Run
from runs.records.run_records import parse_record
from runs.records.spool import Spool, spool_for
from tests.engines.dataset_files import cifar_files, write
from tests.runs.bench.benches import Bench, install, runbench
from tests.runs.bench.sittings import finished

pytestmark = pytest.mark.django_db

ONE = ("--engines", "tf", "--networks", "mlp:1x2", "--blocks", "1", "--no-verify")


@pytest.fixture
def bench(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Nothing is trained here."""
    monkeypatch.setattr(session, "_ask_worker", lambda sitting, planned, on_event: finished(cell=planned.cell))
    return install(tmp_path, settings, monkeypatch)


def test_a_plan_runs_nothing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench("--suite", bench.suite, "--plan")
    assert not bench.spool.path.exists()
    assert "4 cells, 4 blocks, 8 runs, 8 of them left, 0 unsupported here." in capsys.readouterr().out


def test_a_plan_says_what_is_left(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench("--suite", bench.suite, *ONE)
    capsys.readouterr()
    runbench("--suite", bench.suite, "--plan", "--json")
    plan = json.loads(capsys.readouterr().out)
    assert (plan["suite"], plan["cells"], plan["blocks"], plan["runs"], plan["runs_left"]) == ("tiny", 4, 4, 8, 7)
    assert plan["estimated_seconds"] > 0
    assert plan["estimate_measured_share"] == pytest.approx(1 / 7, abs=1e-3)


def test_the_study_s_plan_counts_1408_runs(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench("--suite", "study", "--plan", "--json")
    assert json.loads(capsys.readouterr().out)["runs"] == 1408


def test_a_plan_writes_nothing_at_all(bench: Bench) -> None:
    before = sorted(bench.var.rglob("*"))
    runbench("--suite", bench.suite, "--plan", "--machine", "another name")
    assert sorted(bench.var.rglob("*")) == before


def test_the_noise_suite_measures_pairs_of_the_same(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench("--noise", "--plan", "--json", "--engines", "tf")
    plan = json.loads(capsys.readouterr().out)
    assert (plan["suite"], plan["cells"], plan["runs"]) == ("noise", 2, 20)
    assert plan["runs"] // plan["cells"] % 2 == 0, "an odd one would have no partner"


def test_noise_is_a_suite_of_its_own(bench: Bench) -> None:
    with pytest.raises(CommandError, match="not allowed with argument --suite"):
        runbench("--suite", bench.suite, "--noise")


def test_the_quick_suite_is_four_engines_on_three_networks_and_two_thread_counts_three_times(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    runbench("--plan", "--json", "--devices", "cpu")
    plan = json.loads(capsys.readouterr().out)
    assert (plan["suite"], plan["cells"], plan["blocks"], plan["runs"]) == ("quick", 16, 12, 48)


def _hours_spent(spool: Spool, budget: Budget, *, before: int) -> float:
    """In seconds: one for each run that was recorded since."""
    return 3600.0 * (len(spool.read().records) - before)


def test_the_study_s_plan_takes_time_and_is_carried_out_in_many_sittings(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each sitting's budget is enough for one block of the two."""
    study = ("--suite", "study", "--engines", "tf", "--devices", "cpu", "--networks", "mlp:2x25")
    spool = spool_for(bench.var / "spool", "study")

    def plan() -> dict[str, Any]:
        capsys.readouterr()
        runbench(*study, "--plan", "--json")
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    assert plan()["estimated_seconds"] > 2
    assert plan()["estimate_measured_share"] == 0
    for sitting in range(2):
        monkeypatch.setattr(Budget, "spent", property(partial(_hours_spent, spool, before=sitting)))
        assert plan()["runs_left"] == 2 - sitting
        runbench(*study, "--no-verify", "--budget", "1h")
        assert Run.objects.count() == sitting + 1
    assert plan()["estimate_measured_share"] == plan()["runs_left"] == 0
    records = [parse_record(run.record_text) for run in Run.objects.order_by("started_at")]
    assert [record.placement.stop_reason for record in records] == ["out of budget", None]
    assert Experiment.objects.get().name == "study"


def test_a_plan_with_a_budget_says_which_workloads_fit(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Two groups of two blocks: what fits is whole blocks, those of the first group before the other's."""
    runbench("--suite", bench.suite, "--plan", "--json", "--budget", "10h", "--no-verify")
    plan = json.loads(capsys.readouterr().out)
    assert (plan["blocks_left"], plan["blocks_within_budget"]) == (4, 4)
    block = plan["estimated_seconds"] / 4
    runbench("--suite", bench.suite, "--plan", "--budget", f"{3.5 * block:.0f}s", "--no-verify")
    lines = capsys.readouterr().out.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("Within "))
    assert lines[place].endswith("by this estimate, 3 of 4 blocks:")
    assert [line.strip().split(" · ")[0] for line in lines[place + 1 :]] == [
        "2 of 2 blocks: MLP 1x2",
        "1 of 2 blocks: MLP 1x4",
    ]


def test_a_plan_reckons_with_the_gate_that_comes_first(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def plan(*options: str) -> dict[str, Any]:
        runbench("--suite", bench.suite, "--plan", "--json", "--budget", "60s", *options)
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    asked, unasked = plan(), plan("--no-verify")
    assert (asked["gate_seconds"] > 0, unasked["gate_seconds"]) == (True, 0)
    assert asked["blocks_within_budget"] < unasked["blocks_within_budget"] == 4
    runbench("--suite", bench.suite, "--plan")
    assert "First the equivalence gate, about" in capsys.readouterr().out


def test_a_budget_s_order_is_that_of_the_runs(bench: Bench) -> None:
    runbench("--suite", bench.suite, "--no-verify", "--budget", "10h")
    widths = [record.cell.workload.network.width for record in bench.contents.records]
    assert widths == [2] * 4 + [4] * 4


# ---------------------------------------------------------------- any size, without a suite file


def test_networks_of_any_size_need_no_suite(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    runbench("--networks", "mlp:3x50", "cnn:1x4", "--plan", "--json")
    plan = json.loads(capsys.readouterr().out)
    assert (plan["suite"], plan["cells"], plan["runs"]) == ("ad-hoc", 8, 40)


def test_every_option_narrows_or_widens_what_has_no_suite(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--engines", "tf", "--threads", "1", "2", "--batch-sizes", "10", "100", "--blocks", "3")
    runbench("--networks", "mlp:3x50", "--dataset", "fashion-mnist-10k", *options, "--plan")
    told = capsys.readouterr().out
    assert told.count("fashion-mnist-10k") == 4
    assert "4 cells, 12 blocks, 12 runs" in told


def test_sizes_are_measured_and_the_experiment_grows(bench: Bench) -> None:
    for size in ("mlp:3x50", "mlp:3x60", "mlp:3x50"):
        runbench("--networks", size, "--engines", "tf", "--blocks", "1", "--no-verify")
    found = Run.objects.values_list("experiment__name", "workload__width").order_by("workload__width")
    assert list(found) == [("ad-hoc", 50), ("ad-hoc", 60)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--networks", "mlp:3by50"), "'mlp:3by50' is none that can be measured by its size. Allowed: .* mlp:8x100"),
        (("--networks", "cnn:3x8"), "allowed for CNN: 1 to 2"),
        (("--networks", "cnn:1x8", "--dataset", "shuttle"), "which a CNN cannot read"),
        (("--suite", "quick", "--networks", "mlp:3x50"), "Without --suite, a network of any size is measured"),
        (("--dataset", "mnist"), "The suite quick says itself how it trains"),
    ],
)
def test_what_cannot_be_measured_by_its_size_is_told(bench: Bench, options: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        runbench(*options, "--plan")


def test_every_example_of_the_help_can_be_planned(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in EXAMPLES.splitlines() if line.startswith("  python manage.py runbench")]
    examples = [shlex.split(re.split(r"   +", line.strip())[0]) for line in lines]
    assert len(examples) >= 8
    for words in examples:
        options = [bench.suite if word == "my-suite.toml" else word for word in words[3:]]
        if "--profile" not in options:
            runbench(*options, *(() if "--plan" in options else ("--plan",)))
            assert re.search('cells,|"cells":', capsys.readouterr().out), words


# ---------------------------------------------------------------- images that are not here


def test_images_that_ship_stand_in_where_asked(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--suite", "quick", "--networks", "cnn", "--engines", "tf", "--devices", "cpu", "--no-verify")
    with pytest.raises(CommandError, match="CIFAR-10 is not on this machine"):
        runbench(*options)
    runbench(*options, "--shipped-if-missing")
    told = capsys.readouterr().err
    assert told.count("cifar10 is not on this machine") == 1
    assert {run.workload.dataset for run in Run.objects.select_related("workload")} == {"fashion-mnist-10k"}
    assert not any(run.workload.is_synthetic for run in Run.objects.select_related("workload"))


def test_what_the_suite_names_is_measured_as_soon_as_it_is_here(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(tmp_path / "data"))
    options = ("--suite", "quick", "--networks", "cnn", "--engines", "tf", "--devices", "cpu", "--no-verify")
    runbench(*options, "--shipped-if-missing")
    first = Run.objects.count()
    datasets.import_files("cifar10", write(tmp_path / "files", cifar_files(batches=5, records=1000)))
    runbench(*options, "--shipped-if-missing")
    measured = {run.workload.dataset for run in Run.objects.select_related("workload").order_by("pk")[first:]}
    assert (Run.objects.count(), measured) == (2 * first, {"cifar10"})


@pytest.mark.parametrize("option", ["--shipped-if-missing", "--synthetic-if-missing"])
def test_nothing_stands_in_for_images_that_are_damaged_or_too_few(
    option: str, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHSITE_DATA_DIR", str(tmp_path / "data"))
    options = ("--suite", "quick", "--networks", "cnn", "--engines", "tf", "--devices", "cpu", "--no-verify", option)
    datasets.import_files("cifar10", write(tmp_path / "files", cifar_files()))
    with pytest.raises(CommandError, match="CIFAR-10 has 40 training images here: choose 1 to 40, not 5,000"):
        runbench(*options)
    next((tmp_path / "data").rglob("data_batch_1.bin")).unlink()
    with pytest.raises(CommandError, match="The stored files of CIFAR-10 are damaged or incomplete"):
        runbench(*options)
    assert not Run.objects.exists()


def test_what_cannot_run_for_one_reason_is_said_once(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--networks", "mlp:2x25", "--engines", "tf", "ktf", "--devices", "cpu", "gpu", "--no-verify")
    runbench("--suite", "quick", *options)
    out, err = capsys.readouterr()
    (reason,) = {run.reason for run in Run.objects.filter(status="unsupported")}
    assert (out + err).count(reason) == 1
    assert f"Cannot run here: TensorFlow, Keras · TensorFlow on the GPU. {reason}" in err
    assert "6 finished, 6 unsupported" in out


def _left(bench: Bench, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    runbench("--suite", bench.suite, "--plan", "--json")
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["left"]
    return found


def test_a_plan_names_the_blocks_that_are_left(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    whole = _left(bench, capsys)
    assert [(block["network"], block["number"], block["runs"]) for block in whole][:1] == [
        (whole[0]["network"], 0, whole[0]["runs"])
    ]
    assert len({block["id"] for block in whole}) == 4
    assert sum(block["runs"] for block in whole) == 8
    assert all(block["seconds"] > 0 for block in whole)
    runbench("--suite", bench.suite, "--no-verify", "--engines", "tf")
    assert [(block["id"], block["runs"]) for block in _left(bench, capsys)] == [(block["id"], 1) for block in whole]


def test_blocks_are_handed_out_one_by_one_and_handing_one_out_twice_changes_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = [block["id"] for block in _left(bench, capsys)]
    for block in (whole[2], whole[2]):
        runbench("--suite", bench.suite, "--no-verify", "--only", block, "--session", "one night")
    assert [block["id"] for block in _left(bench, capsys)] == [whole[0], whole[1], whole[3]]
    runbench("--suite", bench.suite, "--no-verify", "--only", *whole, "--session", "one night")
    records = bench.spool.read().records
    assert len({record.run_id for record in records}) == len(records) == 8
    assert {record.placement.session for record in records} == {"one night"}


def test_a_block_that_the_plan_does_not_have_is_named(bench: Bench) -> None:
    with pytest.raises(CommandError, match=r"This plan has no block 0123456789ab\. To see its blocks"):
        runbench("--suite", bench.suite, "--no-verify", "--only", "0123456789ab")
