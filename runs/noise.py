"""A machine's measured A/A noise: what its `runbench --noise` experiments say, and the region that verdicts use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runs.models import Machine, Summary
from runs.stats import EQUIVALENCE, LogSamples, equivalence_region, noise_floor

NOISE_PRESET = "noise"


def noise_of(machine: Machine) -> float | None:
    """The ratio, minus 1, that the machine against itself stays under 95 % of the time; None if never measured.

    The newest noise experiment counts: a quieter place, or a noisier one, is another noise.
    """
    rows = Summary.objects.filter(machine=machine, experiment__preset=NOISE_PRESET).order_by("-newest_run_at")
    newest = rows.first()
    if newest is None:
        return None
    pairs = [_halves(row.samples) for row in rows.filter(experiment=newest.experiment_id)]
    return noise_floor([pair for pair in pairs if len(pair[0])])


def region_of(*machines: Machine | None) -> float:
    """The `rope` of verdicts on these machines: 5 %, or the noise of the noisiest if that is larger."""
    distinct = {machine.pk: machine for machine in machines if machine}
    return max((equivalence_region(noise_of(machine)) for machine in distinct.values()), default=EQUIVALENCE)


def _halves(samples: Sequence[Sequence[float]]) -> tuple[LogSamples, LogSamples]:
    """Blocks 0 and 1 are a pair of the same, 2 and 3 the next: the firsts against the seconds."""
    by_block = {int(block): log_seconds for block, log_seconds in samples}
    whole = sorted(block // 2 for block in by_block if block % 2 == 0 and block + 1 in by_block)
    return _side(by_block, whole, 0), _side(by_block, whole, 1)


def _side(by_block: dict[int, float], pairs: Iterable[int], second: int) -> LogSamples:
    numbers = tuple(pairs)
    return LogSamples(tuple(by_block[2 * pair + second] for pair in numbers), numbers)
