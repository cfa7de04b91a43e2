"""The words that a newcomer meets here, each with what it means: the page Glossary, and help on tables' heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _


@dataclass(frozen=True)
class Term:
    """`heads` are the titles of columns that it explains."""

    slug: str
    name: str
    meaning: str
    heads: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return gettext(self.name)

    @property
    def words(self) -> str:
        return gettext(self.meaning)


@dataclass(frozen=True)
class Chapter:
    name: str
    terms: tuple[Term, ...]

    @property
    def title(self) -> str:
        return gettext(self.name)


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        _("What is measured"),
        (
            Term(
                "mlp",
                _("MLP 8×100"),
                _("A fully connected network: here 8 hidden layers of 100 neurons each."),
                ("Network", "Workload"),
            ),
            Term(
                "cnn",
                _("CNN 2×8"),
                _(
                    "The study's convolutional network: here 2 convolutional layers, each with 8 feature maps for each "
                    "of an image's three colours (24 in all), then three dense layers."
                ),
            ),
            Term(
                "resnet",
                _("ResNet 1×8"),
                _("A residual network for small images: here 1 block in each of three stages, 8 maps in the first."),
            ),
            Term(
                "recurrent",
                _("LSTM 1×64, GRU 1×64"),
                _("A recurrent network that reads an image row by row: here 1 layer of 64 units."),
            ),
            Term(
                "transformer",
                _("Transformer 2×64"),
                _("A decoder of 2 blocks with 64 features that predicts the next character of a text."),
            ),
            Term(
                "batch", _("Batch"), _("The samples that one training step, or one call, takes together."), ("Batch",)
            ),
            Term(
                "epoch",
                _("Epoch"),
                _("Every training sample once, in batches: forward, backward, update. A short last one is left out."),
                ("Time per epoch", "Epoch or call"),
            ),
            Term(
                "whole-process",
                _("Whole process"),
                _("A run's process from start to end: import, compiling, all epochs, evaluation; failures too."),
                ("Whole process",),
            ),
            Term(
                "call",
                _("Call"),
                _("A batch from the host's memory to its scores there: what is timed of a network that is asked."),
            ),
            Term(
                "replica",
                _("Replica"),
                _("A copy of a network that trains together with others, each on its share of every batch."),
                ("Replicas",),
            ),
            Term(
                "synthetic",
                _("Synthetic data"),
                _("Samples that were generated because the real ones were missing. The times are real."),
            ),
        ),
    ),
    Chapter(
        _("Who is measured"),
        (
            Term(
                "engine",
                _("Engine"),
                _("A framework, or Keras on one, as this site uses it: Keras · JAX is Keras with JAX as backend."),
                ("Engine",),
            ),
            Term(
                "track",
                _("Track"),
                _(
                    "How an engine is used: idiomatic, as its guide teaches it, or tuned, as its documentation "
                    "recommends it "
                    "for speed."
                ),
                ("Track",),
            ),
            Term(
                "release",
                _("Release"),
                _("A version of an engine's framework. Several can be measured side by side."),
                ("Release",),
            ),
            Term(
                "environment",
                _("Environment"),
                _("All the software that an engine runs on, package by package."),
                ("Environment",),
            ),
            Term(
                "gate",
                _("Equivalence gate"),
                _(
                    "The check that an engine does the same work as a plain NumPy network: the same losses and "
                    "weights after "
                    "the same steps. Times of an engine that fails it count nowhere."
                ),
                ("Checked", "Largest difference"),
            ),
        ),
    ),
    Chapter(
        _("How it is measured"),
        (
            Term(
                "run",
                _("Run"),
                _(
                    "One process that trained one network or asked it. Its time is the median of its steady "
                    "epochs or calls."
                ),
                ("Run",),
            ),
            Term(
                "cell",
                _("Cell"),
                _(
                    "All runs that are alike in everything: engine, network, data, device, threads, machine and "
                    "software."
                ),
                ("Runs",),
            ),
            Term(
                "block",
                _("Block"),
                _(
                    "One run of everything that is compared, one after the other in a shuffled order, so that "
                    "whatever the "
                    "machine does affects all of them."
                ),
                ("Block",),
            ),
            Term(
                "experiment",
                _("Experiment"),
                _("All runs of one suite, on any machines."),
                ("Experiment",),
            ),
            Term(
                "warm-up",
                _("Warm-up and steady epochs"),
                _("The first epochs do not count: compilers and caches are still at work. The steady ones do."),
            ),
            Term(
                "canary",
                _("Canary"),
                _(
                    "A fixed piece of work that is timed around a block. When its time strays, the machine was "
                    "disturbed, and "
                    "the block is marked unstable."
                ),
            ),
        ),
    ),
    Chapter(
        _("What follows"),
        (
            Term(
                "interval",
                # xgettext:no-python-format
                _("95 % interval"),
                _(
                    "Where the mean of a cell's runs would lie if it were measured for ever, in 95 of 100 such "
                    "intervals. It "
                    "takes three runs."
                ),
                # xgettext:no-python-format
                ("95 % interval",),
            ),
            Term(
                "speed-up",
                _("Speed-up"),
                _("One time over another: 2× is twice as fast. Below 1× it is slower."),
                ("Speed-up", "Ratio"),
            ),
            Term(
                "efficiency",
                _("Efficiency"),
                _("The speed-up over the number of threads or replicas that it took."),
                ("Efficiency",),
            ),
            Term(
                "verdict",
                _("Verdict"),
                _(
                    "What the intervals show: best, tie (within the region of practical equivalence), slower, "
                    "or unresolved, "
                    "where more runs are needed."
                ),
                ("Verdict",),
            ),
            Term(
                "rope",
                _("Region of practical equivalence"),
                _("How much of a difference counts as none: 5 %, or the machine's own noise where that is larger."),
            ),
            Term(
                "flop",
                _("FLOP"),
                _("A floating-point operation. Those of the network's matrix products count, two per multiply-add."),
                ("FLOPs",),
            ),
            Term(
                "peak",
                _("Share of the peak"),
                _("The FLOPs a second of a run over those of the canary, a plain matrix product on the same machine."),
            ),
        ),
    ),
)
_OF_HEADS: Mapping[str, Term] = {head: term for chapter in CHAPTERS for term in chapter.terms for head in term.heads}


def of_head(title: str) -> str:
    """What a column of this title, in the reader's language, holds; empty where nothing need be said."""
    return next((term.words for head, term in _OF_HEADS.items() if gettext(head) == title), "")
