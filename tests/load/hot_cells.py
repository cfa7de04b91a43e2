"""What one more run costs in a cell that has many: uploads into cells of different sizes, taken in turn."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from engines.run_record import RunRecord
from runs.bench.seeding import records_of, sittings
from runs.services.recording import record_runs
from runs.validation import adapter
from tests.load.servers import Server

RUNS = (1, 1_000, 20_000)
_BATCH = 1_000


@dataclass
class HotCell:
    """`runs` are those that it has before; `milliseconds` those of each upload of one more."""

    runs: int
    template: RunRecord
    milliseconds: list[float] = field(default_factory=list)

    def record(self, block: int) -> RunRecord:
        placement = dataclasses.replace(self.template.placement, experiment=f"hot cell {self.runs}", block=block)
        return dataclasses.replace(self.template, run_id=str(uuid.uuid4()), placement=placement)


def hot_cells(server: Server, secret: str, rounds: int, sizes: Sequence[int] = RUNS) -> list[HotCell]:
    cells = [HotCell(size, template) for size, template in zip(sizes, _templates(), strict=False)]
    for cell in cells:
        for start in range(0, cell.runs, _BATCH):
            record_runs(records=[cell.record(block) for block in range(start, min(start + _BATCH, cell.runs))])
    for number in range(rounds):
        for cell in cells:
            cell.milliseconds.append(_upload(server, secret, cell.record(cell.runs + number)))
    return cells


def _templates() -> Iterator[RunRecord]:
    """Full-size records, each of a machine of its own."""
    for sitting in sittings(100_000, int(time.time())):
        yield next(record for record in records_of(sitting) if record.status == "finished")


def _upload(server: Server, secret: str, record: RunRecord) -> float:
    body = b"[" + adapter(RunRecord).dump_json(record) + b"]"
    connection = server.connection()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    start = time.perf_counter()
    connection.request("POST", "/api/v1/runs/", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    took = 1000 * (time.perf_counter() - start)
    connection.close()
    if answer.status != 200 or json.loads(text)["refused"]:
        sys.exit(f"An upload was answered {answer.status}: {text[:500]!r}")
    return took


def row_of(cell: HotCell, first: HotCell) -> tuple[str, str, str]:
    own = median(cell.milliseconds)
    return f"{cell.runs:,}", f"{own:.1f}", f"{own / median(first.milliseconds):.2f}"
