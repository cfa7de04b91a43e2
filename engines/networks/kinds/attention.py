"""What a transformer has that other networks lack."""

from __future__ import annotations

from dataclasses import dataclass

from engines.networks.kinds.layer import Layer, Parameter


@dataclass(frozen=True)
class Embedding(Layer):
    """(steps,) tokens -> (steps, features): a row of one table for each token, plus that of another for its place."""

    kind = "embedding"
    tokens: int
    features: int

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.input_shape, self.features)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        (steps,) = self.input_shape
        # A deviation of 0.02 for both, as is usual (Radford et al. 2019): 2 / 5000 is its square.
        return (
            Parameter("token table", (self.tokens, self.features), fan_in=5000),
            Parameter("position table", (steps, self.features), fan_in=5000),
        )


@dataclass(frozen=True)
class CausalAttention(Layer):
    """Multi-head attention of each position to itself and those before it (Vaswani et al. 2017).

    q, k, v = x W + b, all queries first, then all keys, then all values; head i has columns i * size to (i + 1) * size
    of each. softmax(q k' / sqrt(size)) v of all heads side by side, then one more product and bias.
    """

    kind = "causal attention"
    heads: int

    @property
    def size(self) -> int:
        """Features of one head."""
        return self.input_shape[1] // self.heads

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        steps, features = self.input_shape
        return (
            Parameter("kernel", (features, 3 * features), fan_in=2 * features, uses=steps),
            Parameter("bias", (3 * features,)),
            Parameter("output kernel", (features, features), fan_in=2 * features, uses=steps),
            Parameter("output bias", (features,)),
        )

    @property
    def other_multiply_adds(self) -> int:
        """Scores and their sums of values, over the whole square: what is masked is computed by most."""
        steps, features = self.input_shape
        return 2 * steps * steps * features
