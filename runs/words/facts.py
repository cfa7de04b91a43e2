"""Names of what machines and environments tell of themselves, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop

# As engines/machine/hardware.py writes them into records.
_NAMES = frozenset(
    (
        gettext_noop("CPU vendor"),
        gettext_noop("architecture"),
        gettext_noop("L1 cache"),
        gettext_noop("L1d cache"),
        gettext_noop("L1i cache"),
        gettext_noop("L2 cache"),
        gettext_noop("L3 cache"),
        gettext_noop("CPU frequency"),
        gettext_noop("microcode"),
        gettext_noop("vector instructions"),
        gettext_noop("NUMA nodes"),
        gettext_noop("NVIDIA driver"),
        gettext_noop("CUDA served by the driver"),
        gettext_noop("product"),
        gettext_noop("kernel"),
        gettext_noop("virtual machine"),
        gettext_noop("container"),
        gettext_noop("CPUs allowed"),
        gettext_noop("CPU quota"),
        gettext_noop("memory limit"),
    )
)
_OF_A_GPU = {
    "memory": gettext_noop("memory of GPU %(index)s"),
    "power limit": gettext_noop("power limit of GPU %(index)s"),
}
_GPU = re.compile(r"GPU (?P<index>\d+) (?P<what>memory|power limit)")


def fact_word(name: str) -> str:
    """The name as a reader says it; one that is not known stands as it was told."""
    if of_gpu := _GPU.fullmatch(name):
        return gettext(_OF_A_GPU[of_gpu["what"]]) % {"index": of_gpu["index"]}
    return gettext(name) if name in _NAMES else name


def in_words(facts: Mapping[str, Any]) -> dict[str, str]:
    """The same facts, their names in words."""
    return {fact_word(str(name)): str(value) for name, value in facts.items()}
