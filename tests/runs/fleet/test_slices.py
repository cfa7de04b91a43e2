"""Cutting a machine's blocks into slices, and the request that a driver gets."""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command, load_command_class
from hypothesis import given
from hypothesis import strategies as st

from runs.bench import arguments
from runs.errors import RunsError
from runs.fleet import request
from runs.fleet.manifests import manifests
from runs.fleet.slices import fitting, slices_of
from runs.fleet.workers import plain, resource, resources_of, worker_command

blocks = st.lists(st.floats(0, 5_000).map(lambda seconds: {"seconds": seconds}), max_size=40).map(
    lambda found: [{"id": str(place), **each} for place, each in enumerate(found)]
)


@given(blocks=blocks, seconds=st.floats(1, 3_600))
def test_slices_are_all_blocks_in_their_order_and_none_is_too_long(blocks: list[Any], seconds: float) -> None:
    found = slices_of(blocks, seconds)
    assert [block for part in found for block in part] == blocks
    assert all(part for part in found)
    assert all(len(part) == 1 or sum(block["seconds"] for block in part) <= seconds for part in found)


@given(blocks=blocks, seconds=st.floats(1, 3_600))
def test_a_slice_ends_only_where_the_next_block_does_not_fit(blocks: list[Any], seconds: float) -> None:
    found = slices_of(blocks, seconds)
    for part, after in pairwise(found):
        assert sum(block["seconds"] for block in part) + after[0]["seconds"] > seconds


@given(blocks=blocks, seconds=st.floats(0, 20_000))
def test_a_budget_takes_blocks_in_their_order_as_long_as_they_fit(blocks: list[Any], seconds: float) -> None:
    found = fitting(blocks, seconds)
    assert sum(block["seconds"] for block in found) <= seconds + 1e-6
    assert [block for block in blocks if block in found] == found
    spare = seconds - sum(block["seconds"] for block in found)
    assert all(block["seconds"] > spare - 1e-6 or block in found for block in blocks)
    assert fitting(blocks, None) == blocks


WORDS = [
    *("--suite", "modern", "--engines", "jax", "torch", "--networks", "mlp:8x100", "--threads", "1", "2"),
    *("--batch-sizes", "100", "--tracks", "tuned", "--blocks", "3", "--budget", "1800", "--no-verify"),
    *("--shipped-if-missing", "--versions", "jax=0.9,0.10", "torch=2.12"),
]


def test_each_machine_types_what_the_fleet_s_user_typed() -> None:
    parser = argparse.ArgumentParser()
    what, extent = parser.add_argument_group(), parser.add_argument_group()
    arguments.add_what(what)
    arguments.add_releases(what)
    arguments.add_extent(extent)
    options = vars(parser.parse_args(WORDS))
    again = [*request.words_of(what, options), *request.words_of(extent, options)]
    assert vars(parser.parse_args(again)) == options
    runbench = load_command_class("runs", "runbench").create_parser("manage.py", "runbench")
    parsed = vars(runbench.parse_args(again))
    assert {name: parsed[name] for name in options} == options


@pytest.mark.parametrize(
    ("text", "told"), [("", "it has 0 names"), ("lab1,lab1", "lab1 stands there twice"), (" , ", "it has 0 names")]
)
def test_machines_that_are_none_are_told(text: str, told: str) -> None:
    with pytest.raises(RunsError, match=told):
        request.machines_in(text)


@pytest.mark.parametrize(
    "options",
    [
        ("run", "--machines", "lab1", "--keys", "nowhere"),
        ("run", "--machines", "lab1", "--suite", "no such suite"),
        ("run", "--machines", "lab1", "--keys", "nowhere", "--profile"),
        ("worker", "--scheduler", "tls://x:1", "--machine", "lab1", "--keys", "nowhere"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"fleet keys|cannot|no suite|No suite"):
        call_command("fleet", *options)


def test_a_machine_s_resource_has_no_blank_and_no_equals_sign() -> None:
    assert resource("lab 1=x/ü") == "machine:lab-1-x-ü"
    assert resources_of("lab1") == "bench=1 machine:lab1=1"
    assert plain("a.b-c_d") == "a.b-c_d"


def test_a_worker_is_quiet_alone_and_encrypted(tmp_path: Any) -> None:
    command = worker_command(tmp_path / "python", "tls://10.0.0.1:8786", "lab1", tmp_path)
    assert command[command.index("--nthreads") + 1] == "1"
    assert {"--no-nanny", "--no-dashboard", "--tls-ca-file", "--tls-cert", "--tls-key"} <= set(command)


def test_kubernetes_gives_each_machine_one_pod_with_cpus_of_its_own() -> None:
    text = manifests(
        ["node1", "node2"],
        image="benchsite",
        namespace="lab",
        cpus=8,
        memory="32Gi",
        gpus=1,
        keys="secret",
        folder="/srv/benchsite",
    )
    documents = list(yaml.safe_load_all(text))
    assert [(each["kind"], each["metadata"]["name"]) for each in documents] == [
        ("Deployment", "benchsite-scheduler"),
        ("Service", "benchsite-scheduler"),
        ("Deployment", "benchsite-worker-node1"),
        ("Deployment", "benchsite-worker-node2"),
    ]
    assert {each["metadata"]["namespace"] for each in documents} == {"lab"}
    for worker, node in ((documents[2], "node1"), (documents[3], "node2")):
        pod = worker["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["nodeSelector"] == {"kubernetes.io/hostname": node}
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert container["resources"]["limits"] == {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "1"}
        assert container["args"][container["args"].index("--machine") + 1] == node
        assert worker["spec"]["strategy"] == {"type": "Recreate"}
        assert {volume["name"] for volume in pod["volumes"]} == {mount["name"] for mount in container["volumeMounts"]}
        labels = worker["spec"]["selector"]["matchLabels"]
        assert labels == worker["spec"]["template"]["metadata"]["labels"]
    assert documents[1]["spec"]["selector"] == documents[0]["spec"]["selector"]["matchLabels"]
