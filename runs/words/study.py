"""What the study says and how it is judged, marked for translation; a test holds this against the study's own file.

The judging writes English sentences of a few set phrases. `in_readers_words` puts each phrase in the reader's language.
"""

from __future__ import annotations

import re

from django.utils.formats import get_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

VERDICTS = (
    _("holds"),
    _("mixed"),
    _("does not hold"),
    _("not enough runs"),
    _("cannot be measured today"),
    _("agrees"),
    _("disagrees"),
    _("unresolved"),
)
STATEMENTS = (
    _(
        "MLPs on the GPU: with Theano and TensorFlow, the time per epoch stays almost the same up to about "
        "400 neurons per layer."
    ),
    _("MLPs on the GPU with 1,600 neurons per layer: TensorFlow is faster than Theano, up to 2 times."),
    _("MLPs on the GPU: Keras is faster on Theano than on TensorFlow."),
    _("MLPs on the GPU: Keras on Theano is faster than Theano alone."),
    _(
        "MLPs on the GPU: Keras on TensorFlow is slower than TensorFlow alone, by nearly 2 times at "
        "1,600 neurons per layer."
    ),
    _("MLPs on the GPU: from 400 neurons per layer on, Theano falls further behind TensorFlow."),
    _("MLPs on the GPU: what Keras on TensorFlow loses against TensorFlow alone grows with the width."),
    _("MLPs on one CPU thread: TensorFlow is faster than Theano at every width."),
    _("MLPs: each added hidden layer costs far more time on the CPU than on the GPU."),
    _("MLPs on one CPU thread: Keras is equally fast on either backend."),
    _("MLPs on one CPU thread: Keras on Theano is faster than Theano alone."),
    _("MLPs on one CPU thread: Keras on TensorFlow is as fast as TensorFlow alone."),
    _(
        "MLPs of 8 or 16 hidden layers: the GPU is faster than the CPU at every width, the more so the "
        "larger the network."
    ),
    _("MLPs of 2 to 4 hidden layers and fewer than 100 neurons per layer: the GPU can be slower than the CPU."),
    _("MLPs of fewer than 100 neurons per layer: more CPU threads bring no gain worth having."),
    _(
        "MLPs of more than 100 neurons per layer: the time falls up to 8 threads (speed-up 1.81, "
        "efficiency 23 %), then rises."
    ),
    _("CNNs of two convolutional layers on the GPU: Theano and TensorFlow are equally fast."),
    _("CNNs on the GPU: Theano needs more time for one convolutional layer than for two."),
    _("CNNs on the GPU: Keras is faster on TensorFlow than on Theano, about 2 times at 64 maps."),
    _("CNNs on the GPU: Keras on Theano is slower than Theano alone, its one-layer anomaly left aside."),
    _("CNNs on the GPU: Keras on TensorFlow is as fast as TensorFlow alone."),
    _("CNNs on one CPU thread: TensorFlow is faster than Theano above 8 maps; up to 8 there is little between them."),
    _("CNNs on one CPU thread: Keras is faster on TensorFlow than on Theano."),
    _("CNNs on one CPU thread: Keras on Theano is slower than Theano alone."),
    _("CNNs on one CPU thread: Keras on TensorFlow is as fast as TensorFlow alone."),
    _("CNNs on one CPU thread: from 8 to 16 maps the time of TensorFlow, alone or under Keras, hardly rises."),
    _("CNNs: the GPU is clearly faster at every size, the more so the larger the network."),
    _("CNNs of 2 to 4 maps: more CPU threads make them slower."),
    _("CNNs of 8 to 16 maps: the time falls up to 4 threads, then rises."),
    _("Taken together, more CPU threads bring no great gain for these networks."),
    _("The more CPU threads, the lower their efficiency."),
    _("In most situations Keras is about as fast as TensorFlow alone."),
    _("TensorFlow suits MLPs and CNNs alike, on the GPU and on the CPU."),
)
NOTES = (
    _(
        "In the study, the Theano loop did not shuffle its samples; the others did in each epoch. Today "
        "all do, and gathering the batches counts as part of the epoch."
    ),
    _("In the study, the TensorFlow loop fed each batch from the host's memory. Today the data stays on the device."),
    _(
        "In the study, the Keras program validated inside fit, so its epochs held more work. Today they "
        "hold no validation."
    ),
    _("In the study, the GPU (GTX TITAN Black) and the CPU (Opteron 6168) were in two machines, both of their day."),
    _("The study's own published tables agree with this claim only partly."),
    _("As fast as every other engine on the largest network of each situation, the basis of Table 5.1."),
    _("Judged on two convolutional layers, since the study leaves its one-layer anomaly aside."),
    _(
        "The situations are the four of Table 5.1; most are three of them. Keras is judged on TensorFlow, but for "
        "MLPs on the CPU on Theano, which Table 5.1 sets beside TensorFlow there."
    ),
    _("Judged from the narrowest network to the widest."),
    _("The study names 1, 4 and 8 threads; the counts 2, 6, 10 and 12 are derived from the number of its executions."),
    _("From 8 to 16 layers the time grows on the CPU by so much more than on the GPU as the speed-up grows."),
    _('"Can be" needs one network of one engine.'),
    _(
        "The speed-up of 1.81 was that of the study's machine, and is no part of this. The study names 1, 4 and 8 "
        "threads; the counts 2, 6, 10 and 12 are derived from the number of its executions."
    ),
)
PHRASES = (
    _("CPU threads over that of the next smaller count"),
    _("efficiency of"),
    _("at width"),
    _("over that at"),
    _("GPU/CPU speed-up over that of the next smaller number of layers"),
    _("GPU/CPU speed-up over that of the next smaller width"),
    _("GPU/CPU speed-up's growth with hidden layers"),
    _("time of the shallow over the deep network"),
    _("geometric mean of each situation"),
    _("geometric mean of each engine"),
    _("geometric mean over the networks"),
    _("mean over widths"),
    _("GPU/CPU speed-up"),
    _("one CPU thread"),
    _("all four engines"),
    _("CPU threads over that on"),
    _("CPU threads over one"),
    _("CPU threads"),
    _("CPU thread"),
    _("threads over"),
    _("time of"),
    _("time on"),
    _("speed-up of"),
    _("MLPs of"),
    _("CNNs of"),
    _("layers"),
    _("width"),
    _("in at least one"),
    _("in most"),
    _("the others"),
    _("a clear gain"),
    _("no gain worth noting"),
    _("no great gain"),
    _("a gain"),
    _("a loss"),
    _("a slight difference"),
    _("times faster"),
    _("times slower"),
    _("up to"),
    _("about"),
    _("nearly"),
    _("alike"),
    _("as fast"),
    _("far more"),
    _("hardly changed"),
    _("hardly raised"),
    _("less"),
    _("not beaten"),
    _("faster"),
    _("slower"),
    _("more"),
    _("agrees"),
    _("disagrees"),
    _("unresolved"),
    _("not run"),
    _("of 3 runs"),
    _("This machine has no GPU."),
    _("under"),
    _("over"),
    _("to"),
    _("and"),
)
"""The longer before those that they hold."""

_PATTERN = re.compile("|".join(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])" for phrase in PHRASES))
_COLON_PATTERN = re.compile(": (over|under)(?= )")


def in_readers_words(text: str) -> str:
    """A sentence of the judging, phrase by phrase, with the numbers as the reader writes them."""
    if (get_language() or "en").startswith("en"):
        return text
    text = _COLON_PATTERN.sub(lambda found: f": {gettext(f'{found.group(1)} (a bound)')}", text)
    text = _PATTERN.sub(lambda found: gettext(found.group()), text)
    return re.sub(r"(?<=\d)[.](?=\d)", get_format("DECIMAL_SEPARATOR"), re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))


BOUNDS = (_("over (a bound)"), _("under (a bound)"))
