"""A change in words: the line that lists it, and the message that tells of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runs.words import numbers
from runs.words.cells import on_words
from runs.words.engines import engine_title
from runs.words.networks import named
from runs.words.releases import release_words

_MOST_CHANGED = 8


def subject_words(change: Any) -> str:
    """What changed: `JAX · MLP 8×100 · CPU, 1 thread`, or the machine. `change` is a row of `Change`."""
    if change.workload is None:
        return _("The machine {machine} as a whole").format(machine=change.machine.name)
    where = on_words(change.device, change.threads or 1, change.track)
    return f"{engine_title(change.engine)} · {named(change.workload.network)} · {where}"


def much_words(ratio: float) -> str:
    """`10.2 % slower`; `4.0 % faster`."""
    if ratio >= 1:
        return _("{share} slower").format(share=numbers.percent(ratio - 1))
    return _("{share} faster").format(share=numbers.percent(1 - ratio))


def between_words(change: Any) -> str:
    """From what to what: two releases, or two days."""
    if change.kind == "release":
        before, after = release_words(change.before_release), release_words(change.after_release)
        return _("{after} against {before}, in the same blocks").format(after=after, before=before)
    return _("since {after} ({experiment}), against before it").format(
        after=f"{change.after_at:%Y-%m-%d}", experiment=change.experiment.name
    )


def title_of(change: Any, event: str) -> str:
    if event == "gone":
        return _("Gone: {subject} is no longer {much}").format(
            subject=subject_words(change), much=much_words(change.ratio)
        )
    return _("{subject}: {much}").format(subject=subject_words(change), much=much_words(change.ratio))


def body_of(change: Any, event: str, *, site: str) -> str:
    """Ratio and interval, what lay between, how sure, where to read on, and what repeats it. `site` has no slash."""
    ratio = _("{ratio} ({interval}), {between}.").format(
        ratio=numbers.times(change.ratio), interval=interval_words(change), between=between_words(change)
    )
    lines = [ratio, _("On {machine}.").format(machine=change.machine.name), sure_words(change)]
    if change.changed:
        lines.append(_("What changed with it: {changed}.").format(changed=changed_words(change)))
    lines.append(f"{site}{address_of(change)}")
    if event == "seen" and (command := command_of(change)):
        lines.append(command)
    return "\n".join(lines)


def interval_words(change: Any) -> str:
    if change.low is None or change.high is None:
        return _("without an interval")
    return numbers.interval(change.low, change.high, "×")


def sure_words(change: Any) -> str:
    if change.kind == "release":
        return ngettext(
            "{n} pair of runs; by chance with a probability under {p}.",
            "{n} pairs of runs; by chance with a probability under {p}.",
            min(change.runs_before, change.runs_after),
        ).format(n=numbers.count(min(change.runs_before, change.runs_after)), p=f"{max(change.p, 1e-4):.2g}")
    words = _("{before} experiments before it, {after} after; by chance with a probability under {p}.").format(
        before=numbers.count(change.runs_before), after=numbers.count(change.runs_after), p=f"{max(change.p, 1e-4):.2g}"
    )
    if change.kind != "machine":
        return words
    moved = ngettext("{n} series moved with it.", "{n} series moved with it.", change.series)
    return f"{moved.format(n=numbers.count(change.series))} {words}"


def changed_words(change: Any) -> str:
    words = change.changed[:_MOST_CHANGED]
    more = len(change.changed) - len(words)
    return ", ".join(words) + (_(" and {n} more").format(n=numbers.count(more)) if more > 0 else "")


def address_of(change: Any) -> str:
    """Its history's page; a machine's own, of a machine as a whole."""
    if change.workload is None:
        return reverse("machine", args=[change.machine_id])
    over = "release" if change.kind == "release" else "date"
    of_series = {"machine": change.machine_id, "engine": change.engine, "workload": change.workload_id, "x": over}
    return f"{reverse('history')}?{urlencode(of_series)}"


def command_of(change: Any) -> str:
    """What measures both sides again, side by side; empty where nothing but time lies between them."""
    if change.kind != "release" or change.workload is None:
        return ""
    network = change.workload.network
    size = ":".join([network.type, f"{network.hidden_layers}x{network.width}", *_options(network)])
    versions = ",".join(release.partition(" ")[2].partition(",")[0] for release in _releases(change))
    return (
        f"python manage.py runbench --networks {size} --versions {change.engine}={versions} --tracks {change.track} "
        f"--threads {change.threads} --dataset {change.workload.dataset} --batch-sizes {change.workload.batch_size}"
        f"{_rest_of_command(change)}"
    )


def _rest_of_command(change: Any) -> str:
    """What is not as runbench takes it by itself."""
    optimizer = change.workload.optimizer
    kind = "adam" if "adam" in optimizer else "momentum" if "momentum" in optimizer else ""
    words = [f"--optimizer {kind}"] if kind else []
    words += [f"--replicas {change.workload.replicas}"] if change.workload.replicas > 1 else []
    words += ["--tasks infer"] if change.workload.task == "infer" else []
    words += ["--devices gpu"] if change.device == "gpu" else []
    return "".join(f" {word}" for word in words)


def _releases(change: Any) -> tuple[str, str]:
    return change.before_release, change.after_release


def _options(network: Any) -> list[str]:
    return [f"{option.name}={option.value}" for option in network.options]
