"""Why a run has no time, or its block is marked unstable, in the reader's language.

Records carry such sentences in English, as the machine that measured wrote them, and keep them so. Pages show the
sentences that Benchsite's own programs write in the reader's words; what a framework said stands as it was told.
"""

from __future__ import annotations

import re

from django.utils.translation import get_language, gettext, gettext_noop

SENTENCES = (
    # engines/backends/, engines/environments/readiness.py
    gettext_noop("No GPU seen."),
    gettext_noop("No GPU seen. Install the GPU build with `{command}`."),
    gettext_noop("No GPU build of Theano: its GPU library (pygpu) is not installed, and no longer builds."),
    gettext_noop("No GPU build of Theano: pygpu is not installed, and it does not build for today's cards."),
    gettext_noop("There is no GPU build of {framework} to install."),
    gettext_noop("The GPU build of {framework} is not installed. Type: {command}"),
    gettext_noop("The environment {name} is not installed. Type: {command}"),
    gettext_noop("The environment {name} was made from an older lock file. Type: {command}"),
    # runs/study/claims/measured.py
    gettext_noop("This machine has only {threads} logical CPUs."),
    gettext_noop("It is unsupported."),
    # runs/bench/here.py
    gettext_noop("{engine} has no way to use a {device}."),
    gettext_noop("{threads} threads asked; this process may use {cpus} logical CPUs."),
    # engines/host.py
    gettext_noop("Stopped after {seconds} s, the suite's limit for one run."),
    gettext_noop("The worker left with exit code {code} and no result."),
    gettext_noop("Killed by the system ({signal}) while it held {memory} GiB."),
    gettext_noop("The worker was killed by signal {number} ({signal})."),
    # engines/timing.py
    gettext_noop("The loss was {loss} in epoch {epoch}."),
    # engines/canary.py
    # xgettext:no-python-format
    gettext_noop("The canary ran {percent} % slower than the session's median."),
    # xgettext:no-python-format
    gettext_noop("The canary ran {percent} % faster than the session's median."),
    gettext_noop("The hypervisor took {percent} % of the CPU time for other machines."),
    gettext_noop("Other processes kept {busy} of {cpus} CPUs busy."),
    gettext_noop("Heat slowed the CPU {times} times."),
    gettext_noop("Heat slows GPU {indices}."),
)


def _pattern(sentence: str) -> re.Pattern[str]:
    """Matches the sentence with anything in its braces."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(sentence)), re.DOTALL)


_PATTERNS = tuple((sentence, _pattern(sentence)) for sentence in SENTENCES)


def reason_in_words(reason: str) -> str:
    """The sentence as a reader says it; one that is not known stands as it was told."""
    if (get_language() or "en").startswith("en"):
        return reason
    for sentence, pattern in _PATTERNS:
        if told := pattern.fullmatch(reason):
            return gettext(sentence).format(**told.groupdict())
    return reason
