"""What was measured, as tables in Markdown: they read well on a terminal and in docs/load.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.load.reads import ReadTimes
from tests.load.uploads import UploadRate

MOST_MILLISECONDS, MOST_QUERIES, MOST_GROWTH = 100, 12, 1.5


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is words, the others are numbers."""
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (columns, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join([cells[0].ljust(widths[0]), *padded[1:]])} |"


def upload_table(rates: Sequence[UploadRate]) -> str:
    columns = ("records in a batch", "clients", "runs a second", "runs", "seconds", "load average")
    rows = [
        (
            f"{rate.batch:,}",
            f"{rate.clients}",
            f"{rate.per_second:,.0f}",
            f"{rate.runs:,}",
            f"{rate.seconds:.1f}",
            f"{rate.load:.1f}",
        )
        for rate in rates
    ]
    return table(columns, rows)


def read_table(by_size: Mapping[int, Sequence[ReadTimes]]) -> str:
    """Median, p95 and p99 at each number of runs; queries at the largest; the growth of the p95 over the smallest."""
    sizes = list(by_size)
    columns = ["read", *(f"{size:,} runs: p50 / p95 / p99 ms" for size in sizes), "queries", "kB", "growth", "over"]
    rows = []
    for at, last in enumerate(by_size[sizes[-1]]):
        every = [by_size[size][at] for size in sizes]
        rows.append([last.name, *map(_quantiles, every), f"{last.queries}", f"{last.kilobytes:.0f}", *_judged(every)])
    return table(columns, rows)


def _quantiles(times: ReadTimes) -> str:
    return " / ".join(f"{times.quantile(share):.0f}" for share in (0.5, 0.95, 0.99))


def _judged(every: Sequence[ReadTimes]) -> tuple[str, str]:
    """The growth of the p95, and what is over its limit."""
    first, last = every[0], every[-1]
    growth = last.quantile(0.95) / first.quantile(0.95)
    over = {
        "time": last.quantile(0.95) > MOST_MILLISECONDS,
        "queries": last.queries > MOST_QUERIES,
        "growth": growth > MOST_GROWTH,
    }
    return f"{growth:.2f}", " ".join(name for name, is_over in over.items() if is_over)


def memory_line(rss_bytes: Sequence[int]) -> str:
    return "Memory of each worker: " + ", ".join(f"{each / 2**20:.0f} MiB" for each in rss_bytes)
