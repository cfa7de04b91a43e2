"""`make faults`: faults that befall the runner, the spool, uploads, the API and the database, each drawn from a seed.

Prints the table of docs/reliability.md. Exit code 1 if one was not survived; it is named so that it can be repeated:

    python -m tests.faults --seed 1 --only "a torn last line, or zeros:17"

On SQLite; on PostgreSQL where DATABASE_URL names one (`python -m tests.postgres python -m tests.faults`).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="how many faults, about (default: 1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="KIND[:NUMBER]", help="one kind of fault, or one fault of it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchsite-faults-") as folder:
        os.environ |= {"BENCHSITE_VAR": folder, "DJANGO_SETTINGS_MODULE": "benchsite.settings"}
        return campaign(options, Path(folder))


def campaign(options: argparse.Namespace, folder: Path) -> int:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from runs.services.summaries import rebuild_summaries
    from tests.faults import databases, runners, spools, uploads
    from tests.faults.campaign import HEAD, numbers, run
    from tests.runs.kept import kept_rows

    start = time.monotonic()
    kinds = (*spools.KINDS, *databases.KINDS, *uploads.KINDS, *runners.KINDS)
    drawn = list(numbers(kinds, options.count))
    if options.only:
        name, _, number = options.only.partition(":")
        drawn = [(kind, at) for kind, at in drawn if kind.name == name and number in ("", str(at))]
    outcomes = run(drawn, options.seed, folder, lambda words: print(words, file=sys.stderr, flush=True))
    uploads.THE_SITE.close()
    before = kept_rows()
    rebuild_summaries()
    assert kept_rows() == before, "summaries are not those of the runs that were stored"
    print(HEAD, *(outcome.row for outcome in outcomes.values()), sep="\n")
    lost = [each for outcome in outcomes.values() for each in outcome.lost]
    minutes = (time.monotonic() - start) / 60
    print(
        f"\n{len(drawn)} faults of seed {options.seed}, {len(drawn) - len(lost)} survived, {minutes:.1f} min",
        *lost,
        sep="\n",
    )
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
