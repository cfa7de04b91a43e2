"""The words for what a cell is: its engine, its data, its depth, its threads, and why it has no time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_noop as _

from engines.contract import Task
from engines.datasets.catalogue import SOURCES, SYNTHETIC_PREFIX
from runs.stats.outcomes import MissingStatus
from runs.words import numbers

MISSING_WORDS: Mapping[MissingStatus, str] = {
    "out_of_memory": _("out of memory"),
    "timed_out": _("timed out"),
    "crashed": _("crashed"),
    "diverged": _("diverged"),
    "unsupported": _("unsupported"),
    "excluded": _("excluded"),
    "not_run": _("not run"),
    "not_equivalent": _("not equivalent"),
    "finished": _("finished"),
}
TRACK_WORDS = (_("idiomatic"), _("tuned"))


_TASKS: Mapping[str, str] = {"train": _("training"), "infer": _("inference")}


def task_words(task: str) -> str:
    return gettext(_TASKS.get(task, task))


def missing_words(status: MissingStatus) -> str:
    return gettext(MISSING_WORDS[status])


def data_words(dataset: str, samples: int, *, is_synthetic: bool) -> str:
    """The data set and how many samples, with the word that no reader may miss, said once."""
    return _data_words(dataset, samples, is_synthetic, get_language() or "")


@lru_cache(maxsize=10_000)
def _data_words(dataset: str, samples: int, is_synthetic: bool, language: str) -> str:
    """Kept: a page asks for each of its cells, which share few data sets."""
    words = gettext("{data}, {n} samples (synthetic)") if is_synthetic else gettext("{data}, {n} samples")
    return words.format(data=_plain_name(dataset, is_synthetic), n=numbers.count(samples))


def training_words(task: Task, batch_size: int, optimizer: str, learning_rate: float, replicas: int = 1) -> str:
    """'batch 100, sgd 0.001, 2 replicas'; of a network that is asked, the batch alone."""
    if task == "infer":
        return f"batch {batch_size}"
    shared = "" if replicas == 1 else f", {replicas} replicas"
    return f"batch {batch_size}, {optimizer} {learning_rate:g}{shared}"


def replicas_words(replicas: int) -> str:
    return ngettext("{n} replica", "{n} replicas", replicas).format(n=numbers.count(replicas))


def data_name(dataset: str, *, is_synthetic: bool) -> str:
    """The same without the number."""
    name = _plain_name(dataset, is_synthetic)
    return gettext("{data} (synthetic)").format(data=name) if is_synthetic else name


def _plain_name(dataset: str, is_synthetic: bool) -> str:
    return dataset.removeprefix(SYNTHETIC_PREFIX) if is_synthetic else dataset


def majority_words(dataset: str) -> str:
    """What always guessing the most common class gives, to hold an accuracy against; empty where it is not known."""
    source = SOURCES.get(dataset)
    if source is None or source.majority_share is None:
        return ""
    share = numbers.percent(source.majority_share)
    return gettext("always guessing the most common class: {share}").format(share=share)


def threads_words(threads: int) -> str:
    return ngettext("{n} CPU thread", "{n} CPU threads", threads).format(n=numbers.count(threads))


def on_words(device: str, threads: int, track: str = "idiomatic", *, counts_one: bool = True) -> str:
    """`CPU, 4 threads, tuned`; one thread is named only where it `counts_one`, the idiomatic track never."""
    words = [device.upper()]
    if threads != 1 or counts_one:
        words.append(ngettext("{n} thread", "{n} threads", threads).format(n=numbers.count(threads)))
    return ", ".join([*words, *([] if track == "idiomatic" else [gettext(track)])])
