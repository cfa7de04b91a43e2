"""How networks are trained: stochastic gradient descent, with momentum, or Adam. What a step does is said here once.

- sgd: w <- w - rate g
- momentum: v <- momentum v + g; w <- w - rate v, with v zero at first; not Nesterov's
- adam: Kingma & Ba 2015, with epsilon outside of the root. Its bias correction stands at both moments (algorithm 1, as
  in PyTorch) or is folded into the rate (the paper's section 2, as in Keras): either will do, and the gate says which.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from engines.contract import Optimizer
from engines.errors import UnsupportedError

Kind = Literal["sgd", "momentum", "adam"]
NAMES = ("sgd", "adam")
ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-8


def kind(optimizer: Optimizer) -> Kind:
    if optimizer.name == "adam":
        return "adam"
    return "momentum" if optimizer.momentum else "sgd"


def kind_in_words(optimizer: str) -> Kind:
    """Of an optimizer as text: 'sgd momentum 0.9'."""
    if optimizer.startswith("adam"):
        return "adam"
    return "momentum" if "momentum" in optimizer else "sgd"


def checked(optimizer: Optimizer) -> Optimizer:
    """Itself. Raises ValueError, with what is allowed, for one that is not known."""
    if optimizer.name not in NAMES:
        raise ValueError(f"optimizer.name is {optimizer.name!r}, allowed: {', '.join(NAMES)}")
    if optimizer.momentum and optimizer.name != "sgd":
        raise ValueError(f"optimizer.momentum is {optimizer.momentum:g}, allowed for {optimizer.name}: none")
    return optimizer


def supported(optimizer: Optimizer, kinds: Collection[Kind], framework: str) -> Kind:
    """The optimizer's kind, if it is among these. Raises UnsupportedError."""
    found = kind(optimizer)
    if found not in kinds:
        raise UnsupportedError(f"{framework} does not train with {found} here.")
    return found
