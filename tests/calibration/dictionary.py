"""A dictionary for packing the bodies of runs, made of runs that were measured and of invented ones.

`python -m tests.calibration.dictionary NUMBER` writes `runs/models/dictionaries/NUMBER.zdict` and prints what each of
them makes of bodies that none was made of. Set `NEWEST` in `runs/models/packing.py` to a number, and it is used.
"""

from __future__ import annotations

import gzip
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import zstandard

SIZE = 32 << 10
MEASURED = Path("docs/results").glob("*.jsonl.gz")
INVENTED = ("study", "modern", "families")
_OF_EACH = 150
_WEIGHT = 6
"""Bodies that were measured come so often: a dictionary is for them, and knows invented ones as well."""


def main(number: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchsite.settings"
    import django

    django.setup()
    measured = [body for path in sorted(MEASURED) for body in _bodies(path)]
    learnt, kept = measured[::2], measured[1::2]
    invented = [body for suite in INVENTED for body in _invented(suite, seed=1)]
    dictionary = _trained(learnt, invented, number)
    print("| bodies | bytes | packed | µs in | µs out |\n| --- | ---: | ---: | ---: | ---: |")
    tried = {"measured": kept} | {f"invented, {suite}": list(_invented(suite, seed=2)) for suite in INVENTED}
    for name, bodies in tried.items():
        print(_row(name, bodies, dictionary))
    whole = _trained(measured, invented, number)
    Path(f"runs/models/dictionaries/{number}.zdict").write_bytes(whole.as_bytes())


def _trained(measured: list[bytes], invented: list[bytes], number: int) -> zstandard.ZstdCompressionDict:
    return zstandard.train_dictionary(SIZE, [*(measured * _WEIGHT), *invented], dict_id=number)


def _bodies(path: Path) -> Iterator[bytes]:
    from runs.models.stored_form import PartTexts, stored_form
    from runs.records.run_records import parse_record

    texts = PartTexts()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield stored_form(parse_record(line), texts).body.encode()


def _invented(suite: str, seed: int) -> Iterator[bytes]:
    from runs.bench.seeding import records_of, sittings
    from runs.models.stored_form import PartTexts, stored_form

    texts, records = PartTexts(), (record for each in sittings(10_000, seed, suite) for record in records_of(each))
    return (stored_form(record, texts).body.encode() for record in islice(records, 0, _OF_EACH * 7, 7))


def _row(name: str, bodies: Sequence[bytes], dictionary: zstandard.ZstdCompressionDict) -> str:
    packer = zstandard.ZstdCompressor(level=3, dict_data=dictionary)
    unpacker = zstandard.ZstdDecompressor(dict_data=dictionary)
    start = time.perf_counter()
    frames = [packer.compress(body) for body in bodies]
    between = time.perf_counter()
    for frame in frames:
        unpacker.decompress(frame)
    end, count = time.perf_counter(), len(bodies)
    sizes = sum(map(len, bodies)) / count, sum(map(len, frames)) / count
    times = (between - start) / count * 1e6, (end - between) / count * 1e6
    return f"| {name} | " + " | ".join(f"{value:.0f}" for value in (*sizes, *times)) + " |"


if __name__ == "__main__":
    main(int(sys.argv[1]))
