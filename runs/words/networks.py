"""Networks in words. English stands in each architecture; what is translated of it is named here for translators."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop, ngettext, ngettext_lazy

from engines.contract import Network
from engines.networks import ARCHITECTURES, Architecture
from runs.words import numbers

_TRANSLATED = (
    ngettext_lazy("{n} layer", "{n} layers"),
    ngettext_lazy("{n} convolution", "{n} convolutions"),
    gettext_noop("neurons per hidden layer"),
    gettext_noop("feature maps per colour"),
    ngettext_lazy("{n} block per stage", "{n} blocks per stage"),
    ngettext_lazy("{n} block", "{n} blocks"),
    gettext_noop("feature maps in the first stage"),
    gettext_noop("units per layer"),
    gettext_noop("features per position"),
    gettext_noop("MLPs"),
    gettext_noop("CNNs"),
    gettext_noop("ResNets"),
    gettext_noop("LSTMs"),
    gettext_noop("GRUs"),
    gettext_noop("Transformers"),
)


def _known(network_type: str) -> Architecture | None:
    return next((each for each in ARCHITECTURES.values() if each.type == network_type), None)


def network_place(network_type: str) -> tuple[int, str]:
    """The architectures' order; types that this site does not know come last."""
    known = [str(each) for each in ARCHITECTURES]
    return (known.index(network_type) if network_type in known else len(known), network_type)


def network_title(network_type: str) -> str:
    """`MLP`; a type that this site does not know keeps its name."""
    found = _known(network_type)
    return found.title if found else network_type.upper()


def network_plural(network_type: str) -> str:
    found = _known(network_type)
    return gettext(found.plural) if found else network_type.upper()


def network_name(network_type: str, hidden_layers: int, width: int, options: str = "") -> str:
    """`MLP 8×100`, `Transformer 2×64, context 128`: on every page. Files and commands have `8x100`."""
    name = f"{network_title(network_type)} {numbers.size(hidden_layers, width)}"
    return f"{name}, {options}" if options else name


def named(network: Network) -> str:
    return network_name(
        network.type, network.hidden_layers, network.width, " ".join(str(option) for option in network.options)
    )


def meaning(network_type: str, hidden_layers: int, width: int) -> str:
    """What a name says, for who points at it: `8 layers, 100 neurons per hidden layer`."""
    return f"{depth_words(network_type, hidden_layers)}, {numbers.count(width)} {width_words(network_type)}"


def width_words(network_type: str) -> str:
    """What the width counts: `neurons per hidden layer`."""
    found = _known(network_type)
    return gettext(found.width) if found else gettext("width")


def depth_words(network_type: str, hidden_layers: int) -> str:
    """`8 layers`, `2 convolutions`."""
    found = _known(network_type)
    one, several = found.depth if found else ("layer", "layers")
    singular, plural = ("{n} " + word for word in (one, several))
    return ngettext(singular, plural, hidden_layers).format(n=numbers.count(hidden_layers))
