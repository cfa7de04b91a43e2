"""What follows from a network's layers, whatever they are: parameters, FLOPs, steps, initial weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines import optimizers
from engines.contract import Network, NetworkType, Optimizer, SampleShape, TrainingData, Workload
from engines.datasets import catalogue
from engines.datasets.source import Source
from engines.networks import architectures
from engines.networks.architecture import Takes, option
from engines.networks.architectures import of_type
from engines.networks.kinds import Layer, Parameter, every

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engines.contract import Weights


_AXES: dict[Takes, tuple[int, ...]] = {"features": (1, 3), "images": (3,), "sequences": (2, 3), "tokens": (0,)}
"""Of the samples that a network can be given: 0 for single tokens, of which sequences are cut."""


def trains_on(network_type: NetworkType, shape: tuple[int, ...]) -> bool:
    """Whether such networks can train on samples of this shape."""
    return len(shape) in _AXES[of_type(network_type).takes]


def checked(network: Network) -> Network:
    """Itself. Raises ValueError, with what is allowed, for one that its family does not have."""
    family = of_type(network.type)
    if family.most_layers and network.hidden_layers > family.most_layers:
        raise ValueError(
            f"hidden_layers is {network.hidden_layers}, allowed for {family.title}: 1 to {family.most_layers}"
        )
    names = [each.name for each in network.options]
    unknown = next((name for name in names if name not in family.options), None)
    if unknown:
        offered = ", ".join(family.options) or "none"
        raise ValueError(f"options has {unknown!r}, allowed for {family.title}: {offered}")
    if names != sorted(set(names)):
        raise ValueError(f"options is {', '.join(names)}, allowed: each once, in alphabetical order")
    default = next((each for each in network.options if family.options[each.name] == each.value), None)
    if default:
        raise ValueError(f"options has {default}, allowed: other values than the default, which is left out")
    layers(network)  # what else the family asks
    return network


def sample_shape(network: Network, sample: SampleShape | None = None) -> SampleShape:
    """`sample`, or that of the data set which such networks train on where nobody says otherwise."""
    if sample is not None:
        return sample
    source = catalogue.find(of_type(network.type).dataset)
    return SampleShape(source.shape, source.classes)


def input_shape(network: Network, sample: SampleShape | None = None) -> tuple[int, ...]:
    """Of one sample as the network takes it, see `Takes`; `sample` is the data set's."""
    shape, family = sample_shape(network, sample).shape, of_type(network.type)
    if family.takes == "features":
        return (prod(shape),)
    if family.takes == "tokens":
        return (option(network, family.options, "context"),)
    return (shape[0], prod(shape[1:])) if family.takes == "sequences" else shape


def as_taken(data: TrainingData, network: Network, sample: SampleShape | None = None) -> TrainingData:
    """The samples in the shape that the network takes; a text in sequences of its length, without a short last one."""
    shape = input_shape(network, sample)
    if of_type(network.type).takes != "tokens":
        train, test = (inputs.reshape(len(inputs), *shape) for inputs in (data.train_inputs, data.test_inputs))
        return replace(data, train_inputs=train, test_inputs=test)
    all_tokens = (data.train_inputs, data.train_labels, data.test_inputs, data.test_labels)
    return TrainingData(*(_cut(tokens, shape[0]) for tokens in all_tokens))


def _cut(tokens: NDArray[Any], steps: int) -> NDArray[Any]:
    return tokens[: len(tokens) // steps * steps].reshape(-1, steps)


def classes(network: Network, sample: SampleShape | None = None) -> int:
    return sample_shape(network, sample).classes


def layers(network: Network, sample: SampleShape | None = None) -> tuple[Layer, ...]:
    """The layers, first to last. Raises ValueError for a network that its architecture does not have."""
    return of_type(network.type).layers(network, input_shape(network, sample), classes(network, sample))


def parameters_of(network: Network, sample: SampleShape | None = None) -> list[Parameter]:
    """In the order in which weights travel: layer by layer, running statistics among them."""
    return [parameter for layer in layers(network, sample) for parameter in layer.parameters]


def parameter_shapes(network: Network, sample: SampleShape | None = None) -> list[tuple[int, ...]]:
    """The layout in which weights travel."""
    return [parameter.shape for parameter in parameters_of(network, sample)]


def parameter_names(network: Network, sample: SampleShape | None = None) -> list[str]:
    """`kernel of layer 1`, `bias of layer 1` …"""
    numbered = enumerate(layers(network, sample), 1)
    return [f"{parameter.name} of layer {number}" for number, layer in numbered for parameter in layer.parameters]


def parameters(network: Network, sample: SampleShape | None = None) -> int:
    """How many numbers are trained."""
    return sum(prod(each.shape) for each in parameters_of(network, sample) if each.is_trained)


def training_flops(multiply_adds: list[int]) -> int:
    """For one sample, of layers with so many multiply-adds forward.

    Two per multiply-add, once forward, once for the weights' gradient and once for the inputs' gradient, which the
    first layer does not need. Biases, activations and pooling are left out, as is usual (Kaplan et al. 2020, 2.1).
    """
    first, *rest = multiply_adds
    return 2 * (2 * first + 3 * sum(rest))


def flops_per_sample(network: Network, sample: SampleShape | None = None) -> int:
    return training_flops([layer.multiply_adds for layer in layers(network, sample)])


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """A short last batch is dropped."""
    return samples // batch_size


def flops_per_epoch(network: Network, *, samples: int, batch_size: int, sample: SampleShape | None = None) -> int:
    """`samples` are the network's own: of a text, sequences."""
    return flops_per_sample(network, sample) * steps_per_epoch(samples, batch_size) * batch_size


def flops_per_call(network: Network, batch_size: int, sample: SampleShape | None = None) -> int:
    """Of a network that is asked: two per multiply-add forward, for each sample."""
    return 2 * sum(layer.multiply_adds for layer in layers(network, sample)) * batch_size


@dataclass(frozen=True)
class Work:
    """What is timed of a workload: an epoch of so many steps, or one call."""

    samples: int
    steps: int
    flops: int


@lru_cache(maxsize=10_000)
def work_of(workload: Workload) -> Work:
    """`samples` are those at hand: to train on, or to ask about.

    Raises ValueError for a network, data or an optimizer that cannot be, with what is allowed.
    """
    network, batch_size = checked(workload.network), workload.batch_size
    optimizers.checked(workload.optimizer)
    sample = _sample_of(workload)
    is_asked = workload.task == "infer"
    samples = workload.dataset.test_samples if is_asked else workload.dataset.train_samples
    if of_type(network.type).takes == "tokens":
        samples //= input_shape(network, sample)[0]
    if is_asked:
        if workload.optimizer != Optimizer():
            raise ValueError(f"optimizer is {workload.optimizer}, allowed for the task infer: the default")
        return Work(samples, 1, flops_per_call(network, batch_size, sample))
    steps = steps_per_epoch(samples, batch_size)
    return Work(samples, steps, flops_per_epoch(network, samples=samples, batch_size=batch_size, sample=sample))


def _sample_of(workload: Workload) -> SampleShape | None:
    """Of a data set that is not known here, the family's own stands for it."""
    source = catalogue.SOURCES.get(workload.dataset.name)
    if source is None:
        return None
    if not trains_on(workload.network.type, source.shape):
        allowed = " or ".join(name for name, each in catalogue.SOURCES.items() if _fits(workload, each))
        raise ValueError(f"dataset is {source.name}, allowed for {of_type(workload.network.type).title}: {allowed}")
    return SampleShape(source.shape, source.classes)


def _fits(workload: Workload, source: Source) -> bool:
    return not source.synthetic and trains_on(workload.network.type, source.shape)


def initial_weights(network: Network, seed: int, dtype: str = "float32", sample: SampleShape | None = None) -> Weights:
    """Normal(0, sqrt(2 / fan-in)) where a parameter has a fan-in, else all alike (He et al. 2015; the study)."""
    import numpy as np

    generator = np.random.default_rng(seed)
    return [
        generator.normal(0.0, sqrt(2 / parameter.fan_in), parameter.shape).astype(dtype)
        if parameter.fan_in
        else np.full(parameter.shape, parameter.start, dtype)
        for parameter in parameters_of(network, sample)
    ]


def files_of(network_type: NetworkType) -> list[Path]:
    """What the numbers of one family's networks depend on: no other family's file is among them."""
    smallest, folder = of_type(network_type).gate[0], architectures.FOLDER
    kinds = {type(layer).__module__.rpartition(".")[2] for layer in every(layers(smallest))}
    own = [folder / f"{network_type}.py", *(folder / "kinds" / f"{kind}.py" for kind in sorted(kinds))]
    return own + [folder / name for name in architectures.SHARED_FILES]
