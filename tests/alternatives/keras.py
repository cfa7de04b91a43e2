"""What else Keras could be told, on each of its backends."""

from __future__ import annotations

from typing import Any

from engines.frameworks.keras import Engine
from tests.alternatives.declared import Alternative


class AsByDefault(Engine):
    """`compile` told nothing."""

    def _compile_choices(self, samples: int) -> dict[str, Any]:
        return {}


class Chunked(Engine):
    """32 steps per execution instead of an epoch's."""

    def _compile_choices(self, samples: int) -> dict[str, Any]:
        return {"steps_per_execution": 32}


class Jitted(Engine):
    """XLA, or `torch.compile`, where tuned leaves it off."""

    def _compile_choices(self, samples: int) -> dict[str, Any]:
        return {**super()._compile_choices(samples), "jit_compile": True}


class Arrays(Engine):
    """The training data as NumPy arrays."""

    def _placed(self, array: Any) -> Any:
        return array


class OnDevice(Engine):
    """The training data as arrays of JAX's."""

    def _placed(self, array: Any) -> Any:
        return self._framework.numpy.asarray(array)


class ChannelsFirst(Engine):
    """Images as (channel, height, width)."""

    _image_format = "channels_first"


class ChannelsLast(Engine):
    """Images as (height, width, channel), Keras' default."""

    _image_format = "channels_last"


_GCC = "{},gcc.cxxflags=-O3 -ffast-math -funroll-loops -ftracer"

ALTERNATIVES = {
    "keras-theano": (
        Alternative("tuned, allow_gc=True", Engine, variables={"THEANO_FLAGS": "{},allow_gc=True"}),
        Alternative("tuned, more of GCC's flags", Engine, networks=("mlp",), variables={"THEANO_FLAGS": _GCC}),
    ),
    "keras-tensorflow": (
        Alternative("tuned, 32 steps per execution", Chunked, networks=("mlp",)),
        Alternative("tuned, jit_compile=True", Jitted),
    ),
    "keras-jax": (
        Alternative("tuned, 1 step per execution", AsByDefault),
        Alternative("tuned, 32 steps per execution", Chunked, networks=("mlp",)),
        Alternative("tuned, without XLA_FLAGS", Engine, variables={"XLA_FLAGS": ""}),
        Alternative("tuned, data on the device", OnDevice),
        Alternative("tuned, channels_first", ChannelsFirst, networks=("cnn",)),
    ),
    "keras-torch": (
        Alternative("tuned, data as NumPy arrays", Arrays),
        Alternative("tuned, without jit_compile", AsByDefault, networks=("mlp",)),
        Alternative("tuned, jit_compile=True", Jitted, networks=("cnn",)),
        Alternative("tuned, channels_last", ChannelsLast, networks=("cnn",)),
    ),
}
