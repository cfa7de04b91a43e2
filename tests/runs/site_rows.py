"""Rows for the tests of pages: a small study on two machines, with every kind of outcome."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from engines import networks
from engines.contract import Network, NetworkType, content_hash
from engines.registry import ENGINES
from runs.models import Environment, Experiment, Machine, Run, Summary, Workload
from runs.services.coverage import add_to_coverage

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SECONDS = {"tensorflow": 1.0, "keras-tensorflow": 1.02, "theano": 1.35, "keras-theano": 1.6}
"""What each engine needs, relative to the fastest."""


@dataclass
class Site:
    """Makes rows that belong together. `blocks` runs of each cell, spread by about 1 %."""

    blocks: int = 5
    experiment: Experiment = field(default_factory=lambda: make_experiment("quick, November"))
    machine: Machine = field(default_factory=lambda: make_machine("bench-1"))

    def cell(self, engine: str, workload: Workload, *, seconds: float, **columns: Any) -> Summary:
        """A cell whose runs all finished, with its runs."""
        times = [seconds * (1 + 0.01 * math.sin(7 * block + len(engine))) for block in range(self.blocks)]
        for block, time in enumerate(times):
            self.run(engine, workload, block=block, epoch_seconds=time, **columns)
        samples = [[block, math.log(time)] for block, time in enumerate(times)]
        return self._summary(engine, workload, samples, {"finished": self.blocks}, "", columns)

    def missing(self, engine: str, workload: Workload, *, status: str, reason: str, **columns: Any) -> Summary:
        """A cell none of whose runs finished."""
        self.run(engine, workload, block=0, status=status, reason=reason, **columns)
        return self._summary(engine, workload, [], {status: 1}, reason, columns)

    def _summary(
        self,
        engine: str,
        workload: Workload,
        samples: list[list[float]],
        counts: dict[str, int],
        reason: str,
        columns: dict[str, Any],
    ) -> Summary:
        word = columns.pop("equivalence", "unverified")
        cell = self._cell_columns(engine, workload, columns)
        made = Summary.objects.create(
            **cell,
            samples=samples,
            status_counts=counts,
            reason=reason,
            newest_run_at=START,
            equivalence=word,
            verified_at=None if word == "unverified" else START,
        )
        add_to_coverage(list(Run.objects.filter(**cell)), [made])
        return made

    def _cell_columns(self, engine: str, workload: Workload, columns: dict[str, Any]) -> dict[str, Any]:
        given = {
            "experiment": self.experiment,
            "machine": self.machine,
            "environment": None,
            "track": "idiomatic",
            "device": "cpu",
            "threads": 1,
            "engine_sha256": "c" * 32,
        } | columns
        given["environment"] = given["environment"] or make_environment(_environment_of(engine))
        return given | {"engine": engine, "workload": workload}

    def run(
        self,
        engine: str,
        workload: Workload,
        *,
        block: int = 0,
        status: str = "finished",
        reason: str = "",
        epoch_seconds: float | None = None,
        record: dict[str, Any] | None = None,
        **columns: Any,
    ) -> Run:
        if status == "finished" and epoch_seconds is None:
            epoch_seconds = 0.5
        started = START + timedelta(minutes=Run.objects.count())
        return Run.objects.create(  # type: ignore[misc]  # `record` is set through the model's property
            **self._cell_columns(engine, workload, columns),
            run_id=uuid.uuid4(),
            content_sha256="0" * 64,
            status=status,
            reason=reason,
            block=block,
            position=1,
            started_at=started,
            finished_at=started + timedelta(seconds=20),
            lasted_seconds=20.0,
            seconds=epoch_seconds,
            record=run_record(engine, epoch_seconds) if record is None else record,
        )


def _environment_of(engine: str) -> str:
    info = ENGINES.get(engine)
    return info.environment if info else "elsewhere"


def make_experiment(name: str, slug: str = "") -> Experiment:
    return Experiment.objects.create(
        name=name, slug=slug or f"experiment-{Experiment.objects.count()}", suite="quick", preset="quick"
    )


def make_machine(name: str, **hardware: Any) -> Machine:
    found = {
        "cpu": "AMD EPYC 7313 16-Core Processor",
        "sockets": 1,
        "cores": 16,
        "threads": 32,
        "memory_bytes": 128 * 2**30,
        "gpus": [],
        "system": "Linux 6.1",
        "facts": {
            "architecture": "x86_64",
            "L3 cache": "128 MiB, shared by 8 threads",
            "CPU frequency": "1500 to 3729 MHz",
        },
    } | hardware
    return Machine.objects.create(name=name, fingerprint=content_hash([name]), hardware=found)


def make_environment(name: str, **packages: str) -> Environment:
    contents = {"numpy": "2.4.6", name: "1.0"} | packages
    return Environment.objects.get_or_create(
        sha256=content_hash([name, contents]),
        defaults={
            "name": name,
            "origin": "locked",
            "python": "CPython 3.11.2",
            "packages": contents,
            "facts": {"blas": "OpenBLAS"},
        },
    )[0]


def make_workload(network_type: NetworkType, hidden_layers: int, width: int, **changes: Any) -> Workload:
    network = Network(network_type, hidden_layers, width)
    samples = 43_500 if network_type == "mlp" else 5_000
    values = {
        "network_type": network_type,
        "hidden_layers": hidden_layers,
        "width": width,
        "dataset": networks.of_type(network_type).dataset,
        "data_source": "shipped" if network_type == "mlp" else "downloaded",
        "data_sha256": "a" * 64,
        "train_samples": samples,
        "test_samples": 10_000,
        "batch_size": 100,
        "optimizer": "sgd",
        "learning_rate": 1e-3,
        "parameters": networks.parameters(network),
        "flops": networks.flops_per_epoch(network, samples=samples, batch_size=100),
    } | changes
    return Workload.objects.get_or_create(key=content_hash([values]), defaults=values)[0]


def run_record(engine: str, epoch_seconds: float | None) -> dict[str, Any]:
    """As much of a run record as pages show."""
    record: dict[str, Any] = {
        "command": f"python -m engines.worker --engine {engine} --network mlp-8x100 --device cpu --threads 1",
        "placement": {"suite": "quick", "preset": "quick", "seed": 7, "block": 0, "position": 1},
        "code": {"version": "0.1.0", "commit": "0123456789abcdef", "dirty": False},
        "machine": {
            "cpu": "AMD EPYC 7313",
            "sockets": 1,
            "cores": 16,
            "threads": 32,
            "memory_bytes": 2**37,
            "gpus": [],
        },
        "phases": {"import_seconds": 2.4, "build_seconds": 0.08, "compile_seconds": 1.9, "process_seconds": 14.2},
        "conditions": {
            "readings": {"load_1min": "0.12", "governor": "performance"},
            "peak_gflops": 143.0,
            "canary_gflops": 51.2,
        },
        "equivalence": "passed",
        "stderr_tail": "",
    }
    if epoch_seconds is not None:
        record["training"] = _training(epoch_seconds)
    return record


def _training(epoch_seconds: float) -> dict[str, Any]:
    stretch = [1.9, 1.05, 1.0, 1.0, 1.01, 0.99, 1.0, 1.0, 0.995, 1.0]
    epochs = [
        {"wall_seconds": epoch_seconds * factor, "cpu_seconds": epoch_seconds * factor, "loss": 1.4 / (index + 1)}
        for index, factor in enumerate(stretch)
    ]
    return {
        "epochs": epochs,
        "warmup_epochs": 2,
        "test_accuracy": 0.793,
        "test_loss": 0.61,
        "parameters": 64_907,
        "threads_observed": 0.99,
        "peak_rss_bytes": 812 * 2**20,
        "drift": -0.002,
        "order_from": "harness",
        "settings": {"jit": "off", "dtype": "float32"},
    }


def seed_study(site: Site) -> None:
    """All engines over widths and depths on the CPU, and every reason for a gap."""
    for network_type, depths, widths in (("mlp", (8, 16), (25, 50, 100, 200)), ("cnn", (1, 2), (2, 4, 8, 16))):
        for depth in depths:
            for width in widths:
                _seed_network(site, make_workload(network_type, depth, width))  # type: ignore[arg-type]
    unsupported = "There is no GPU build of Theano for today's cards."
    site.missing("theano", make_workload("mlp", 16, 200), status="unsupported", reason=unsupported, device="gpu")


def _seed_network(site: Site, workload: Workload) -> None:
    fastest = 0.01 + workload.flops / 1e11
    for engine, factor in SECONDS.items():
        if engine == "keras-theano" and workload.network_type == "cnn" and workload.width == 16:
            site.missing(engine, workload, status="timed_out", reason="It was stopped after 600 s.")
        else:
            overhead = 0.04 if engine.startswith("keras") else 0.0
            site.cell(engine, workload, seconds=fastest * factor + overhead * (1 if workload.width < 100 else 0))


def seed_threads(site: Site) -> None:
    """Theano and Keras on Theano on several CPU threads: a gain that ends at eight."""
    for network_type, depth, widths in (("mlp", 8, (25, 50, 100, 200)), ("cnn", 1, (2, 4, 8, 16))):
        for width in widths:
            workload = make_workload(network_type, depth, width)  # type: ignore[arg-type]
            one = 0.02 + workload.flops / 8e10
            for engine, factor in (("theano", 1.35), ("keras-theano", 1.6)):
                for threads in (2, 4, 8, 16):
                    gain = 1 + 0.35 * math.log2(min(threads, 8)) - (0.2 if threads > 8 else 0)
                    site.cell(engine, workload, seconds=one * factor / gain, threads=threads)


def seed_gpu(site: Site) -> None:
    """All that the study ran on its GPU, without what Theano cannot do today; and one CPU thread beside it."""
    for network_type, depths, widths in (("mlp", (8, 16), (25, 50, 100, 200, 400, 1600)), ("cnn", (1, 2), (2, 8, 32))):
        for depth in depths:
            for width in widths:
                workload = make_workload(network_type, depth, width)  # type: ignore[arg-type]
                for engine, factor in SECONDS.items():
                    if "theano" in engine:
                        reason = "There is no GPU build of Theano for today's cards."
                        site.missing(engine, workload, status="unsupported", reason=reason, device="gpu")
                    else:
                        fastest = 0.2 + workload.flops / 4e12
                        site.cell(engine, workload, seconds=fastest * factor, device="gpu")
                        site.cell(engine, workload, seconds=(0.01 + workload.flops / 1e11) * factor)
