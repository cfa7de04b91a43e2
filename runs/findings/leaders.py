"""Who is the fastest of a group, in words. Pure; no ORM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from runs.findings.lines import rival_words
from runs.findings.standings import Standing

UNTOLD = ("unresolved", "not enough runs")
"""Verdicts that leave open whether it is slower."""


def leaders(found: Iterable[Standing]) -> list[Standing]:
    """The fastest of one group, and those that are shown to be as fast."""
    return [standing for standing in found if standing.verdict in {"best", "tie"}]


def leaders_words(found: Sequence[Standing]) -> str:
    """`JAX · tuned; as fast: PyTorch. Not told apart from it: Theano.` Without verdicts, that there are none yet."""
    first = next((standing for standing in found if standing.ratio), None)
    if first is None:
        return _("no times yet")
    name = rival_words(first.row)
    if first.verdict != "best":
        return _("{engine} had the smallest time; too few runs for a verdict").format(engine=name)
    equal = [rival_words(each.row) for each in found if each is not first and each.verdict == "tie"]
    open_ = [rival_words(each.row) for each in found if each.verdict in UNTOLD]
    words = [name]
    words += [_("as fast: {engines}").format(engines=", ".join(equal))] if equal else []
    words += [_("not separated from it: {engines}").format(engines=", ".join(open_))] if open_ else []
    return "; ".join(words)
