"""The GPU/CPU tables."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.runs.pages.reading import csv_table, text
from tests.runs.site_rows import Site, make_machine, make_workload

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_published_speed_ups_are_shown_as_printed(client: Client) -> None:
    call_command("loadstudy", verbosity=0)
    words = text(client, reverse("speed-ups"))
    for value in ("2,045.85×", "1,381.30×", "28.34×"):
        assert value in words


def test_a_measured_speed_up_stands_beside_the_published_one(client: Client, site: Site) -> None:
    call_command("loadstudy", verbosity=0)
    workload = make_workload("mlp", 16, 200)
    site.cell("tensorflow", workload, seconds=1.0)
    site.cell("tensorflow", workload, seconds=0.1, device="gpu")
    words = text(client, reverse("speed-ups"))
    assert "10.0×" in words
    assert "1,127.96" in words
    assert "95 % interval" in words


def test_a_speed_up_needs_one_thread_and_the_same_data(client: Client, site: Site) -> None:
    workload = make_workload("cnn", 1, 2)
    site.cell("tensorflow", workload, seconds=1.0, threads=4)
    site.cell("tensorflow", make_workload("cnn", 1, 2, data_source="synthetic"), seconds=1.0)
    site.cell("tensorflow", workload, seconds=0.1, device="gpu")
    assert "No engine has runs on both" in text(client, reverse("speed-ups"))


def test_a_speed_up_over_two_machines_is_marked(client: Client, site: Site) -> None:
    call_command("loadstudy", verbosity=0)
    workload = make_workload("mlp", 16, 200)
    site.cell("tensorflow", workload, seconds=1.0)
    gpu = Site(blocks=3, experiment=site.experiment, machine=make_machine("gpu-box", gpus=["NVIDIA H100"]))
    gpu.cell("tensorflow", workload, seconds=0.1, device="gpu")
    assert "two machines" in text(client, reverse("speed-ups"))
    (row,) = csv_table(client, "speed-ups")
    assert (row["cpu_host"], row["gpu_host"]) == ("bench-1", "gpu-box")
