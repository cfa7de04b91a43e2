"""The passes through layers of sequences: recurrence, embedding, attention."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.layers.numpy_passes import Pass, position_dense, sigmoid
from engines.networks.kinds import CausalAttention, Embedding, Gru, Lstm

if TYPE_CHECKING:
    from engines.contract import Array, Weights


def lstm(layer: Lstm, inputs: Array, kernel: Array, recurrent: Array, bias: Array) -> Pass:
    samples, steps, _ = inputs.shape
    state, cell = (np.zeros((samples, layer.units), inputs.dtype) for _ in range(2))
    states, kept = [state], []
    for step in range(steps):
        parts = np.split(inputs[:, step] @ kernel + states[-1] @ recurrent + bias, 4, axis=1)
        i, f, o = (sigmoid(parts[number]) for number in (0, 1, 3))
        g, before = np.tanh(parts[2]), cell
        cell = f * cell + i * g
        states.append(o * np.tanh(cell))
        kept.append((i, f, g, o, before, cell))

    def backward(gradient: Array) -> tuple[Array, Weights]:
        own = [np.zeros_like(kernel), np.zeros_like(recurrent), np.zeros_like(bias)]
        into, of_state, of_cell = np.zeros_like(inputs), np.zeros_like(state), np.zeros_like(state)
        for step in reversed(range(steps)):
            i, f, g, o, before, after = kept[step]
            of_state = of_state + _of_step(layer, gradient, step, steps)
            through = np.tanh(after)
            of_cell = of_cell + of_state * o * (1 - through**2)
            of_parts = np.concatenate(
                [
                    of_cell * g * i * (1 - i),
                    of_cell * before * f * (1 - f),
                    of_cell * i * (1 - g**2),
                    of_state * through * o * (1 - o),
                ],
                axis=1,
            )
            _add(own, inputs[:, step].T @ of_parts, states[step].T @ of_parts, of_parts.sum(axis=0))
            into[:, step] = of_parts @ kernel.T
            of_state, of_cell = of_parts @ recurrent.T, of_cell * f
        return into, own

    return _states(layer, states), backward


def gru(layer: Gru, inputs: Array, kernel: Array, recurrent: Array, bias: Array, recurrent_bias: Array) -> Pass:
    samples, steps, _ = inputs.shape
    states, kept = [np.zeros((samples, layer.units), inputs.dtype)], []
    for step in range(steps):
        of_input = np.split(inputs[:, step] @ kernel + bias, 3, axis=1)
        of_before = np.split(states[-1] @ recurrent + recurrent_bias, 3, axis=1)
        z, r = sigmoid(of_input[0] + of_before[0]), sigmoid(of_input[1] + of_before[1])
        n = np.tanh(of_input[2] + r * of_before[2])
        kept.append((z, r, n, of_before[2]))
        states.append(z * states[-1] + (1 - z) * n)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        own = [np.zeros_like(array) for array in (kernel, recurrent, bias, recurrent_bias)]
        into, of_state = np.zeros_like(inputs), np.zeros_like(states[0])
        for step in reversed(range(steps)):
            z, r, n, product = kept[step]
            of_state = of_state + _of_step(layer, gradient, step, steps)
            of_n = of_state * (1 - z) * (1 - n**2)
            of_z, of_r = of_state * (states[step] - n) * z * (1 - z), of_n * product * r * (1 - r)
            inner = np.concatenate([of_z, of_r, of_n], axis=1)
            back = np.concatenate([of_z, of_r, of_n * r], axis=1)
            _add(own, inputs[:, step].T @ inner, states[step].T @ back, inner.sum(axis=0), back.sum(axis=0))
            into[:, step] = inner @ kernel.T
            of_state = back @ recurrent.T + of_state * z
        return into, own

    return _states(layer, states), backward


def _states(layer: Lstm | Gru, states: list[Array]) -> Array:
    return np.stack(states[1:], axis=1) if layer.returns_sequence else states[-1]


def _of_step(layer: Lstm | Gru, gradient: Array, step: int, steps: int) -> Any:
    """What the outputs' gradient gives the state of one step."""
    if layer.returns_sequence:
        return gradient[:, step]
    return gradient if step == steps - 1 else 0.0


def _add(sums: Weights, *parts: Array) -> None:
    for total, part in zip(sums, parts, strict=True):
        total += part


# ---------------------------------------------------------------- attention


def embedding(layer: Embedding, tokens: Array, table: Array, places: Array) -> Pass:
    numbers = tokens.astype(np.int64)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        of_table = np.zeros_like(table)
        np.add.at(of_table, numbers, gradient)
        return np.zeros(tokens.shape), [of_table, gradient.sum(axis=0)]

    return table[numbers] + places, backward


def causal_attention(
    layer: CausalAttention,
    inputs: Array,
    kernel: Array,
    bias: Array,
    output_kernel: Array,
    output_bias: Array,
    *,
    ahead: int = 0,
) -> Pass:
    """`ahead` is how many later positions each one sees: none, but in a test of who would notice."""
    samples, steps, features = inputs.shape
    projected, project_back = position_dense(layer, inputs, kernel, bias)
    q, k, v = (_heads(layer, part) for part in np.split(projected, 3, axis=2))
    scale = 1 / sqrt(layer.size)
    masked = np.where(np.tri(steps, k=ahead, dtype=bool), q @ k.swapaxes(2, 3) * scale, -np.inf)
    weights = np.exp(masked - masked.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    joined = (weights @ v).swapaxes(1, 2).reshape(samples, steps, features)
    outputs, output_back = position_dense(layer, joined, output_kernel, output_bias)

    def backward(gradient: Array) -> tuple[Array, Weights]:
        gradient, of_output = output_back(gradient)
        of_sums = _heads(layer, gradient)
        of_weights = of_sums @ v.swapaxes(2, 3)
        of_scores = weights * (of_weights - (of_weights * weights).sum(axis=-1, keepdims=True)) * scale
        parts = (of_scores @ k, of_scores.swapaxes(2, 3) @ q, weights.swapaxes(2, 3) @ of_sums)
        joined_parts = [part.swapaxes(1, 2).reshape(samples, steps, features) for part in parts]
        into, of_kernel = project_back(np.concatenate(joined_parts, axis=2))
        return into, [*of_kernel, *of_output]

    return outputs, backward


def _heads(layer: CausalAttention, values: Array) -> Array:
    """(samples, steps, features) to (samples, heads, steps, size)."""
    samples, steps, _ = values.shape
    return values.reshape(samples, steps, layer.heads, layer.size).swapaxes(1, 2)
