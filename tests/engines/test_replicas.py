"""Replicas: how they share a batch, what they tell each other, and what the gate says of those that do it wrong."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import datasets, host, registry
from engines.contract import Network, Setup
from engines.errors import EngineError
from engines.gpus import nvidia
from engines.protocol import Case, Job
from engines.replicas.equality import check_equal, digest
from engines.replicas.ranks import Ranks
from engines.replicas.shares import shares
from engines.replicas.starting import own_cpus
from engines.replicas.variables import variables
from engines.timing import Policy
from tests.engines import stand_in

NETWORK = Network("mlp", 2, 8)
SETUP = Setup("tensorflow", NETWORK, batch_size=50, replicas=2)


# ---------------------------------------------------------------- shares


@given(st.integers(1, 10_000), st.integers(1, 64))
def test_shares_are_the_batch_and_differ_by_one_sample_at_most(batch_size: int, replicas: int) -> None:
    found = shares(batch_size, replicas)
    assert [place for share in found for place in range(batch_size)[share]] == list(range(batch_size))
    sizes = [share.stop - share.start for share in found]
    assert len(sizes) == replicas
    assert max(sizes) - min(sizes) <= 1


# ---------------------------------------------------------------- what ranks tell each other


def together(count: int, act: Callable[[Ranks], Any]) -> list[Any]:
    """Ranks as threads, connected as processes are."""
    pipes = [Pipe() for _ in range(count - 1)]
    addresses = ["here"] * count
    ranks = [Ranks(0, [own for own, _ in pipes], addresses)]
    ranks += [Ranks(number, [others], addresses) for number, (_, others) in enumerate(pipes, 1)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(act, ranks))


def test_each_rank_gathers_what_all_have_in_their_order() -> None:
    assert together(3, lambda ranks: ranks.gather(ranks.rank * 10)) == [[0, 10, 20]] * 3


def test_sums_go_place_by_place() -> None:
    assert together(2, lambda ranks: ranks.sums([1.0, ranks.rank])) == [[2.0, 1.0]] * 2


def test_one_that_is_alone_gathers_itself() -> None:
    assert Ranks().gather("x") == ["x"]


def test_no_rank_goes_on_before_all_have_come() -> None:
    left: list[float] = []

    def act(ranks: Ranks) -> float:
        time.sleep(0.2 * ranks.rank)
        come = time.monotonic()
        ranks.gather(None)
        left.append(time.monotonic())
        return come

    assert max(together(3, act)) <= min(left)


def test_a_rank_that_is_gone_is_an_error_and_no_traceback_of_a_pipe() -> None:
    own, others = Pipe()
    others.close()
    with pytest.raises(EngineError, match="another replica ended"):
        Ranks(0, [own], ["a", "b"]).gather(1)


def test_replicas_that_differ_in_a_bit_are_named() -> None:
    one = [np.ones(3)]
    other = [np.nextafter(np.ones(3), 2)]
    check_equal([digest(one), digest(one)])
    with pytest.raises(EngineError, match="The weights of replica 2 are not those of replica 1"):
        check_equal([digest(one), digest(other)])


# ---------------------------------------------------------------- what each process is told


def test_ranks_share_the_job_s_cpus_and_devices_of_one_process_have_them_all() -> None:
    job = Job("train", dataclasses.replace(SETUP, threads=2, rank=1), cpus=(0, 1, 4, 5))
    assert own_cpus(job) == (4, 5)
    assert own_cpus(dataclasses.replace(job, setup=dataclasses.replace(job.setup, engine="jax"))) == (0, 1, 4, 5)


def test_each_framework_is_told_of_its_replicas_in_its_own_way() -> None:
    ranks = Ranks(1, [], ["127.0.0.1:1", "127.0.0.1:2"])
    assert variables(dataclasses.replace(SETUP, replicas=1), "jax", Ranks()) == {}
    assert variables(SETUP, "jax", Ranks())["JAX_NUM_CPU_DEVICES"] == "2"
    cluster = '{"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 1}}'
    assert variables(SETUP, "tensorflow", ranks) == {"TF_CONFIG": cluster}
    on_gpus = variables(dataclasses.replace(SETUP, device="gpu", device_index=1), "jax", Ranks())
    assert on_gpus.items() >= {**nvidia.visible(1), "CUDA_VISIBLE_DEVICES": "1,2"}.items()


def test_what_trains_replicas_is_part_of_the_code_of_several_alone() -> None:
    one, several = (registry.code_hash("torch", "mlp", with_replicas=each) for each in (False, True))
    assert one != several
    assert registry.code_hash("theano", "mlp") == registry.code_hash("theano", "mlp", with_replicas=True)


def test_who_cannot_train_replicas_says_why() -> None:
    reasons = {slug: registry.why_no_replicas(info, "mlp", "idiomatic") for slug, info in registry.ENGINES.items()}
    able = {slug for slug, reason in reasons.items() if not reason}
    assert able == {"tensorflow", "jax", "torch", "keras-jax"}
    torch = registry.find("torch")
    assert "idiomatic alone" in registry.why_no_replicas(torch, "mlp", "tuned")
    assert "normalise" in registry.why_no_replicas(torch, "resnet", "idiomatic")
    assert registry.why_no_replicas(registry.find("jax"), "resnet", "tuned") == ""


# ---------------------------------------------------------------- in processes


def asked(folder: Path, behaviour: str, job: Job) -> host.Outcome:
    return host.run(stand_in.interpreter(folder, behaviour), job, timeout_seconds=120)


def gate(folder: Path, behaviour: str, replicas: int = 2) -> host.Outcome:
    setup = dataclasses.replace(SETUP, replicas=replicas, dtype="float64")
    return asked(folder, behaviour, Job("verify", setup, cases=(Case(NETWORK, replicas=replicas),)))


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [2, 3])
def test_honest_replicas_pass_the_gate_by_a_wide_margin(tmp_path: Path, replicas: int) -> None:
    (report,) = gate(tmp_path, "replicas", replicas).result["reports"]
    assert report["passed"]
    assert all(check["differences"]["updates"] < 1e-12 for check in report["checks"])
    assert all(check["tolerance"]["losses"] == 1e-10 for check in report["checks"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "replicas"), [("not-averaged", 2), ("unequal-means", 3), ("rate-times-replicas", 2)]
)
def test_planted_faults_fail_by_a_wide_margin(tmp_path: Path, behaviour: str, replicas: int) -> None:
    (report,) = gate(tmp_path, behaviour, replicas).result["reports"]
    assert not report["passed"]
    assert all(check["differences"]["updates"] > 1e-5 for check in report["checks"])


@pytest.mark.slow
def test_replicas_that_are_not_the_same_are_a_failure_with_its_reason(tmp_path: Path) -> None:
    outcome = gate(tmp_path, "different")
    assert outcome.status == "crashed"
    assert "The weights of replica 2 are not those of replica 1." in outcome.reason


def training_job() -> Job:
    dataset = datasets.describe("shuttle", train_samples=520, synthetic=True)
    policy = Policy(warmup_epochs=1, steady_epochs=4, min_steady_seconds=0.0)
    return Job("train", SETUP, dataset, seed=4, policy=policy)


@pytest.mark.slow
def test_a_training_of_two_processes_is_one_run_with_the_time_and_memory_of_both(tmp_path: Path) -> None:
    alone = dataclasses.replace(training_job(), setup=dataclasses.replace(SETUP, replicas=1))
    one, two = (asked(tmp_path, "replicas", job) for job in (alone, training_job()))
    assert (one.status, two.status) == ("finished", "finished"), two.reason
    first, both = one.result["training"], two.result["training"]
    losses = [[epoch["loss"] for epoch in training["epochs"]] for training in (first, both)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert both["peak_rss_bytes"] > 1.5 * first["peak_rss_bytes"]
    assert two.process_cpu_seconds > 1.3 * one.process_cpu_seconds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [("one-dies", "crashed", "exit code -9"), ("one-cannot", "unsupported", "Replica 2: No second replica here.")],
)
def test_one_replica_s_end_is_the_end_of_all_and_its_reason_is_told(
    tmp_path: Path, behaviour: str, status: str, words: str
) -> None:
    begun = time.monotonic()
    outcome = asked(tmp_path, behaviour, training_job())
    assert (outcome.status, words in outcome.reason) == (status, True), outcome.reason
    assert time.monotonic() - begun < 60


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="this system lists no processes in /proc")
def test_nobody_is_left_when_the_host_stops_waiting(tmp_path: Path) -> None:
    """Rank 0 hangs, and so the other waits for it: both go at the end of their time."""
    outcome = host.run(stand_in.interpreter(tmp_path, "hang-all"), training_job(), timeout_seconds=5)
    assert outcome.status == "timed_out"
    deadline = time.monotonic() + 30
    while any(b"hang-all" in command for command in commands()):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def commands() -> list[bytes]:
    """Of all processes."""
    return [_command(path) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _command(path: Path) -> bytes:
    try:
        return (path / "cmdline").read_bytes()
    except OSError:
        return b""


# ---------------------------------------------------------------- in their real environments

SEVERAL = [("tensorflow", 2), ("tensorflow", 3), ("jax", 2), ("jax", 3), ("torch", 2), ("torch", 3), ("keras-jax", 2)]


def in_its_environment(slug: str, job: Job) -> host.Outcome:
    python = host.PROJECT_ROOT / ".environments" / registry.find(slug).environment / "bin" / "python"
    return host.run(python, job, timeout_seconds=900)


@pytest.mark.engine
@pytest.mark.parametrize(("slug", "replicas"), SEVERAL)
def test_each_framework_s_replicas_do_the_reference_s_work_evenly_and_unevenly_shared(slug: str, replicas: int) -> None:
    setup = Setup(slug, Network("mlp", 2, 25), dtype="float64", replicas=replicas)
    cases = (Case(setup.network, replicas=replicas), Case(Network("cnn", 1, 1), replicas=replicas))
    outcome = in_its_environment(slug, Job("verify", setup, cases=cases))
    assert outcome.status == "finished", (outcome.reason, outcome.stderr_tail)
    for report in outcome.result["reports"]:
        assert report["passed"], report
        assert all(check["differences"]["updates"] < 1e-10 for check in report["checks"])


@pytest.mark.engine
@pytest.mark.parametrize("slug", ["tensorflow", "jax", "torch", "keras-jax"])
def test_each_framework_trains_replicas_as_a_run_does(slug: str) -> None:
    job = training_job()
    setup = Setup(slug, Network("mlp", 2, 25), batch_size=50, replicas=2)
    outcome = in_its_environment(slug, dataclasses.replace(job, setup=setup))
    assert outcome.status == "finished", (outcome.reason, outcome.stderr_tail)
    training = outcome.result["training"]
    assert training["settings"]["replicas"]
    assert training["epochs"][-1]["loss"] < training["epochs"][0]["loss"]


@pytest.mark.engine
def test_keras_says_that_a_batch_must_divide() -> None:
    setup = Setup("keras-jax", Network("mlp", 2, 25), dtype="float64", replicas=3)
    (report,) = in_its_environment("keras-jax", Job("verify", setup, cases=(Case(setup.network, replicas=3),))).result[
        "reports"
    ]
    assert "100 samples do not divide by 3" in report["unsupported"]
