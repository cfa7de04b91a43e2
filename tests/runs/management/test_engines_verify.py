"""`manage.py engines verify`: what it prints, keeps and refuses. NumPy stands in TensorFlow's place."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from engines import registry
from engines.contract import Network, Track
from engines.environments import environments
from engines.protocol import Case
from runs.bench import gate
from runs.management.commands import engines as command
from tests.runs.bench.benches import Bench

pytestmark = pytest.mark.slow

CASES = (Case(Network("mlp", 1, 2)), Case(Network("mlp", 2, 3)))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Bench:
    """Only TensorFlow's environment is there; two small networks in one track are all that is checked."""
    offer(monkeypatch, "tensorflow", "idiomatic")
    offer(monkeypatch, "keras-tensorflow", "idiomatic")
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setenv("BENCHSITE_VAR", str(tmp_path))
    monkeypatch.setattr(gate, "FULL", CASES)
    bench = Bench(tmp_path)
    bench.behave("train")
    return bench


def offer(monkeypatch: pytest.MonkeyPatch, slug: str, *tracks: Track) -> None:
    engine = replace(registry.find(slug), tracks=tracks)
    monkeypatch.setitem(registry.ENGINES, slug, engine)
    monkeypatch.setitem(registry.BY_ABBREVIATION, engine.abbreviation, engine)


def verify(*arguments: str) -> str:
    output = StringIO()
    call_command("engines", "verify", *arguments, stdout=output)
    return output.getvalue()


def failure(*arguments: str) -> tuple[str, str]:
    """What a command that fails prints, and its message."""
    output = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("engines", "verify", *arguments, stdout=output)
    assert caught.value.returncode == 1
    return output.getvalue(), str(caught.value)


def test_each_network_has_its_differences_its_counts_and_why_they_pass(bench: Bench) -> None:
    lines = verify("tf").splitlines()
    assert lines[0] == "TensorFlow, idiomatic, on the CPU"
    for network in ("MLP 1x2", "MLP 2x3"):
        for dtype in ("float64", "float32"):
            found = [line for line in lines if line.split(":")[0].startswith(f"  {network} ") and dtype in line]
            assert [line.split()[3:5] for line in found] == [["random", "pass"], ["flat", "pass"]]
    (line,) = (line for line in lines if "MLP 1x2" in line and "float64 random" in line)
    assert "losses 0.0e+00  weights 0.0e+00  updates 0.0e+00" in line
    assert "39 parameters, 0.000296 GFLOP, 2,000 samples, 20 steps as expected" in line
    assert lines[-2].startswith(
        "  float64 passes up to: losses 1e-08, weights 1e-08, updates 1e-07. In float64 the order"
    )
    assert lines[-1].startswith("  float32 passes up to: losses 1e-05, weights 1e-03, updates 3e-03. In float32 honest")


def test_unnamed_all_that_can_run_here_are_checked(bench: Bench) -> None:
    headings = [line for line in verify().splitlines() if not line.startswith(" ")]
    expected = ("Keras · TensorFlow, idiomatic, on the CPU", "TensorFlow, idiomatic, on the CPU")
    assert sorted(headings) == sorted(expected)  # they go side by side


def test_every_track_of_an_engine_has_its_own_verdict(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "tensorflow", "idiomatic", "tuned")
    headings = [line for line in verify("tf").splitlines() if not line.startswith(" ")]
    assert sorted(headings) == ["TensorFlow, idiomatic, on the CPU", "TensorFlow, tuned, on the CPU"]
    verdicts = gate.Verdicts(bench.var / "equivalence.json")
    assert {check.track for check in verdicts.of(gate.Subject("tensorflow", "cpu", "tuned"))} == {"tuned"}
    assert {check.track for check in verdicts.of(gate.Subject("tensorflow", "cpu"))} == {"idiomatic"}


def test_the_numbers_are_there_as_json(bench: Bench) -> None:
    checks = json.loads(verify("tf", "--json"))
    assert [(check["network"]["hidden_layers"], check["dtype"]) for check in checks] == [
        (1, "float64"), (2, "float64"), (1, "float32"), (2, "float32"),
    ]  # fmt: skip
    for check in checks:
        assert (check["engine"], check["device"], check["passed"]) == ("tensorflow", "cpu", True)
        for result in check["results"]:
            assert result["counts"] == result["expected_counts"]
            assert result["differences"].keys() >= {"losses", "weights", "updates"}
            assert result["tolerance"]["reason"]


def test_a_learning_rate_off_by_one_percent_fails_the_command(bench: Bench) -> None:
    bench.behave("wrong")
    printed, message = failure("tf")
    assert message == "Not equivalent: tensorflow (idiomatic). Their runs will be marked so."
    assert printed.count(" FAIL ") == 8, "each network, in both element types, on both kinds of data"
    assert "updates 9.5e-03" in printed


def test_an_engine_that_dies_fails_the_command_with_the_reason(bench: Bench) -> None:
    bench.behave("segfault")
    printed, message = failure("tf")
    assert "MLP 1x2 float64 failed: The worker was killed by signal 11 (SIGSEGV)." in printed
    assert message.startswith("Not equivalent: tensorflow (idiomatic)")


def test_a_failure_ends_json_too(bench: Bench) -> None:
    bench.behave("wrong")
    printed, _ = failure("tf", "--json")
    assert {check["passed"] for check in json.loads(printed)} == {False}


def test_the_verdict_is_kept_for_runs(bench: Bench) -> None:
    verify("tf")
    kept = gate.Verdicts(bench.var / "equivalence.json").of(gate.Subject("tensorflow", "cpu"))
    assert {(check.case, check.dtype) for check in kept} == {
        (case, dtype) for case in CASES for dtype in ("float64", "float32")
    }
    assert gate.Verdicts(bench.var / "equivalence.json").of(gate.Subject("keras-tensorflow", "cpu")) == []


def test_asking_again_is_asking_anew(bench: Bench) -> None:
    """The command is for whoever doubts a verdict: an old one does not answer."""
    verify("tf")
    bench.behave("wrong")
    assert failure("tf")[1].startswith("Not equivalent")


def test_a_named_engine_that_cannot_run_is_told_and_nothing_is_checked(bench: Bench) -> None:
    printed, message = failure("tf", "th")
    assert (printed, "engines install theano" in message) == ("", True)


def test_where_nothing_can_run_the_reasons_are_told(bench: Bench) -> None:
    (bench.var / "environments.json").unlink()
    _, message = failure()
    assert "engines install theano" in message
    assert "engines install tensorflow" in message


def test_an_unknown_engine_names_the_known(bench: Bench) -> None:
    assert "There is no engine 'caffe'. Known engines: theano (th)" in failure("caffe")[1]


def test_a_damaged_file_of_verdicts_says_what_to_do(bench: Bench) -> None:
    (bench.var / "equivalence.json").write_text("[")
    assert failure("tf")[1].endswith("equivalence.json is damaged. Delete it; the gate will be asked again.")


def test_counts_that_differ_are_shown_beside_what_was_expected() -> None:
    counts = {"parameters": 41, "flops": 228_000, "samples": 2000, "steps": 21}
    result = {"data": "flat", "passed": False, "ties": "each", "counts": counts,
              "expected_counts": {**counts, "steps": 20},
              "differences": {"losses": 1e-9, "weights": 0.0, "updates": 0.5, "worst_tensor": "w0"}}  # fmt: skip
    words = command._result_words(result)
    assert words.startswith("flat   FAIL  losses 1.0e-09  weights 0.0e+00  updates 5.0e-01 (w0)  ties: each")
    assert "21 steps where {'parameters': 41, 'flops': 228000, 'samples': 2000, 'steps': 20} were expected" in words
