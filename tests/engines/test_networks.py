"""Layers, parameters and FLOPs against values worked out by hand; initial weights against their distribution."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import networks
from engines.contract import Network, NetworkType, Option, SampleShape, TrainingData
from engines.errors import UnsupportedError
from engines.networks import Convolution, Dense, every, layouts
from engines.networks.kinds import CausalAttention

MLPS = st.builds(Network, st.just("mlp"), st.integers(1, 16), st.integers(1, 400))
CNNS = st.builds(Network, st.just("cnn"), st.integers(1, 2), st.integers(1, 32))
NETWORKS = MLPS | CNNS


@pytest.mark.parametrize(
    ("network", "parameters", "flops_per_sample"),
    [
        # 8x25+25 + 25x25+25 + 25x7+7; multiply-adds 200 | 625 + 175
        (Network("mlp", 2, 25), 225 + 650 + 182, 2 * (2 * 200 + 3 * 800)),
        # 8x100+100 + 7 x (100x100+100) + 100x7+7; multiply-adds 800 | 70,000 + 700
        (Network("mlp", 8, 100), 900 + 70_700 + 707, 2 * (2 * 800 + 3 * 70_700)),
        # 5x5x3x6+6 + (14x14x6)x120+120 + 120x84+84 + 84x10+10; multiply-adds 28x28x6x75 | 141,120 + 10,080 + 840
        (Network("cnn", 1, 2), 456 + 141_240 + 10_164 + 850, 2 * (2 * 352_800 + 3 * 152_040)),
        # 75x24+24 + 600x24+24 + (5x5x24)x120+120 + …; 28x28x24x75 | 10x10x24x600 + 72,000 + 10,080 + 840
        (Network("cnn", 2, 8), 1_824 + 14_424 + 72_120 + 10_164 + 850, 2 * (2 * 1_411_200 + 3 * 1_522_920)),
    ],
    ids=str,
)
def test_parameters_and_flops_are_those_worked_out_by_hand(
    network: Network, parameters: int, flops_per_sample: int
) -> None:
    assert networks.parameters(network) == parameters
    assert networks.flops_per_sample(network) == flops_per_sample


def test_an_epoch_of_8x100_on_shuttle_is_18_6_gflop() -> None:
    network = Network("mlp", 8, 100)
    assert networks.flops_per_epoch(network, samples=43_500, batch_size=100) == 18_591_900_000


def test_the_deeper_convolutional_network_is_lenet_shaped() -> None:
    first, second, *dense = networks.layers(Network("cnn", 2, 2))
    assert isinstance(first, Convolution)
    assert isinstance(second, Convolution)
    assert (first.parameters[0].shape, first.output_shape) == ((5, 5, 3, 6), (14, 14, 6))
    assert (second.parameters[0].shape, second.output_shape) == ((5, 5, 6, 6), (5, 5, 6))
    assert dense == [Dense((5, 5, 6), 120), Dense((120,), 84), Dense((84,), 10, relu=False)]


@given(NETWORKS)
def test_layers_fit_together_and_end_in_one_output_per_class(network: Network) -> None:
    every = networks.layers(network)
    assert every[0].input_shape == networks.input_shape(network)
    assert all(after.input_shape == before.output_shape for before, after in pairwise(every))
    last = every[-1]
    assert isinstance(last, Dense)
    assert (last.units, last.relu) == (networks.classes(network), False)
    assert all(layer.relu for layer in every[:-1] if isinstance(layer, Dense))


@given(MLPS)
def test_an_mlp_has_as_many_hidden_layers_as_its_name_says(network: Network) -> None:
    *hidden, _ = networks.layers(network)
    assert [layer.output_shape for layer in hidden] == [(network.width,)] * network.hidden_layers


@given(NETWORKS)
def test_parameters_are_the_sum_over_the_shapes_that_travel(network: Network) -> None:
    assert networks.parameters(network) == sum(map(prod, networks.parameter_shapes(network)))


@given(NETWORKS, st.integers(1, 100_000), st.integers(1, 1000))
def test_a_short_last_batch_counts_for_nothing(network: Network, samples: int, batch_size: int) -> None:
    flops = networks.flops_per_epoch(network, samples=samples, batch_size=batch_size)
    whole = samples - samples % batch_size
    assert flops == networks.flops_per_sample(network) * whole
    assert flops == networks.flops_per_epoch(network, samples=whole, batch_size=batch_size)


@given(NETWORKS)
def test_a_wider_network_is_more_work(network: Network) -> None:
    wider = Network(network.type, network.hidden_layers, network.width + 1)
    assert networks.flops_per_sample(wider) > networks.flops_per_sample(network)


def test_a_third_convolution_does_not_exist() -> None:
    with pytest.raises(ValueError, match="1 to 2 convolutional layers, not 3"):
        networks.layers(Network("cnn", 3, 2))


@pytest.mark.parametrize("network", [Network("mlp", 4, 200), Network("cnn", 2, 8)], ids=str)
def test_kernels_deviate_by_the_root_of_two_over_the_layer_s_input(network: Network) -> None:
    """Within four standard errors of it; for a convolution the input is the whole image, as in the study."""
    kernels = networks.initial_weights(network, seed=11, dtype="float64")[::2]
    for kernel, layer in zip(kernels, networks.layers(network), strict=True):
        expected = sqrt(2 / prod(layer.input_shape))
        assert kernel.std() == pytest.approx(expected, rel=4 / sqrt(2 * kernel.size))
        assert abs(kernel.mean()) < 4 * expected / sqrt(kernel.size)


def test_a_first_convolution_s_kernels_deviate_by_the_root_of_two_over_3072() -> None:
    kernel = networks.initial_weights(Network("cnn", 1, 64), seed=5, dtype="float64")[0]
    assert kernel.std() == pytest.approx(sqrt(2 / 3072), rel=0.03)


@settings(max_examples=25)
@given(NETWORKS, st.integers(0, 2**32 - 1))
def test_initial_weights_have_the_shapes_that_travel_and_zero_biases(network: Network, seed: int) -> None:
    weights = networks.initial_weights(network, seed)
    assert [array.shape for array in weights] == networks.parameter_shapes(network)
    assert all(array.dtype == np.float32 for array in weights)
    assert not any(bias.any() for bias in weights[1::2])
    again = networks.initial_weights(network, seed)
    assert all(np.array_equal(one, other) for one, other in zip(weights, again, strict=True))


def test_another_seed_draws_other_weights() -> None:
    network = Network("mlp", 2, 25)
    one, other = networks.initial_weights(network, 1), networks.initial_weights(network, 2)
    assert not np.array_equal(one[0], other[0])


# ---------------------------------------------------------------- on other samples than the study's

GREY = SampleShape((28, 28, 1), 10)


@pytest.mark.parametrize("network", [Network("mlp", 2, 25), Network("mlp", 16, 200), Network("cnn", 2, 8)])
def test_on_the_study_s_samples_nothing_changes(network: Network) -> None:
    sample = SampleShape((8,), 7) if network.type == "mlp" else SampleShape((32, 32, 3), 10)
    assert networks.layers(network, sample) == networks.layers(network)
    assert networks.parameters(network, sample) == networks.parameters(network)
    assert networks.flops_per_sample(network, sample) == networks.flops_per_sample(network)
    same = zip(networks.initial_weights(network, 3, sample=sample), networks.initial_weights(network, 3), strict=True)
    assert all((ours == study).all() for ours, study in same)


def test_an_mlp_takes_images_as_rows_of_pixels() -> None:
    network = Network("mlp", 1, 30)
    assert networks.input_shape(network, GREY) == (784,)
    assert networks.parameters(network, GREY) == 784 * 30 + 30 + 30 * 10 + 10


def test_a_cnn_has_as_many_maps_on_grey_images_as_on_coloured_ones() -> None:
    first, *dense = networks.layers(Network("cnn", 1, 2), GREY)
    assert first == Convolution((28, 28, 1), 6)
    assert dense[0] == Dense((12, 12, 6), 120)
    assert not networks.trains_on("cnn", (8,))
    assert networks.trains_on("mlp", (28, 28, 1))


@pytest.mark.parametrize(
    ("network", "sample", "digest"),
    [
        (Network("mlp", 2, 25), None, "7f2341b221865552"),
        (Network("mlp", 16, 200), None, "ccd1b52605e8770f"),
        (Network("mlp", 2, 25), GREY, "ec7721cecbb5e22b"),
        (Network("cnn", 1, 2), None, "3cfb4c287a4fe686"),
        (Network("cnn", 2, 8), None, "35e76fd4b41e8614"),
        (Network("cnn", 2, 8), GREY, "44734f9cfb96eac1"),
    ],
    ids=str,
)
def test_a_seed_gives_the_same_weights_for_ever(network: Network, sample: SampleShape | None, digest: str) -> None:
    weights = networks.initial_weights(network, 7, sample=sample)
    assert sha256(b"".join(array.tobytes() for array in weights)).hexdigest()[:16] == digest


# ---------------------------------------------------------------- layouts


@settings(max_examples=25)
@given(NETWORKS)
def test_weights_come_back_from_channels_first_as_they_went(network: Network) -> None:
    layers, weights = networks.layers(network), networks.initial_weights(network, 1)
    there = layouts.to_channels_first(layers, weights)
    back = layouts.from_channels_first(layers, there)
    assert all(np.array_equal(one, other) for one, other in zip(weights, back, strict=True))
    assert all(array.flags.c_contiguous for array in (*there, *back))


def test_a_dense_kernel_reads_an_image_s_rows_channel_by_channel() -> None:
    layer = Dense((2, 2, 3), 1)
    kernel = np.arange(12.0).reshape(12, 1)
    there, _ = layouts.to_channels_first((layer,), [kernel, np.zeros(1)])
    assert there.ravel().tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]


# ---------------------------------------------------------------- kinds of layers


def test_a_framework_without_a_kind_of_layer_says_which() -> None:
    with pytest.raises(UnsupportedError, match="Caffe has no convolution layers here"):
        networks.supported(networks.layers(Network("cnn", 1, 2)), {Dense: print}, "Caffe")


def test_a_family_is_a_file_and_no_other_is_among_its_files() -> None:
    families = {f"{network_type}.py" for network_type in networks.ARCHITECTURES}
    for network_type in networks.ARCHITECTURES:
        files = networks.files_of(network_type)
        assert {path.name for path in files} & families == {f"{network_type}.py"}
        assert all(path.is_file() for path in files)


def test_a_kind_of_layer_is_among_the_files_of_the_families_that_have_it() -> None:
    with_recurrence = {each for each in networks.ARCHITECTURES if _has_file(each, "kinds/recurrence.py")}
    assert with_recurrence == {"lstm", "gru"}


def _has_file(network_type: NetworkType, name: str) -> bool:
    return any(path.as_posix().endswith(name) for path in networks.files_of(network_type))


# ---------------------------------------------------------------- families


@pytest.mark.parametrize(
    ("network", "millions"), [(Network("resnet", 3, 16), 0.27), (Network("resnet", 9, 16), 0.85)], ids=str
)
def test_residual_networks_have_the_published_number_of_parameters(network: Network, millions: float) -> None:
    """He et al. 2015, table 6: ResNet-20 and ResNet-56."""
    assert round(networks.parameters(network) / 1e6, 2) == millions


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        # First convolution 3*3*3*2, norm 4; stages of 2, 4, 8 maps with one block of two convolutions; dense.
        (Network("resnet", 1, 2), 54 + 4 + (36 + 36 + 8) + (72 + 144 + 16) + (288 + 576 + 32) + 90),
        # 4 gates of (28 inputs + 3 states + 1) * 3, then (3 + 3 + 1) * 3; dense 3 * 10 + 10.
        (Network("lstm", 2, 3), 4 * 3 * (28 + 3 + 1) + 4 * 3 * (3 + 3 + 1) + 40),
        # 3 gates, two biases.
        (Network("gru", 1, 3), 3 * 3 * (28 + 3 + 2) + 40),
        # Two tables; norm, q k v and output, norm, wide and back; last norm; head.
        (
            Network("transformer", 1, 8, (Option("context", 5), Option("heads", 2))),
            (82 + 5) * 8 + (16 + 8 * 24 + 24 + 64 + 8) + (16 + 8 * 32 + 32 + 32 * 8 + 8) + 16 + 8 * 82 + 82,
        ),
    ],
    ids=str,
)
def test_parameters_are_those_counted_by_hand(network: Network, parameters: int) -> None:
    assert networks.parameters(network) == parameters


def test_multiply_adds_are_those_counted_by_hand() -> None:
    """Convolutions: pixels * 9 * in * out. ResNet-20 on 32x32 has 40.6 million with its dense layer's 640."""
    forward = sum(layer.multiply_adds for layer in networks.layers(Network("resnet", 3, 16)))
    stages = [(1024, 16, 16, 6), (256, 32, 32, 5), (64, 64, 64, 5)]
    by_hand = 1024 * 9 * 3 * 16 + sum(pixels * 9 * i * o * times for pixels, i, o, times in stages)
    assert forward == by_hand + 256 * 9 * 16 * 32 + 64 * 9 * 32 * 64 + 640

    (attention,) = [
        layer
        for layer in every(networks.layers(Network("transformer", 1, 8, (Option("context", 5), Option("heads", 2)))))
        if isinstance(layer, CausalAttention)
    ]
    assert attention.multiply_adds == 5 * 8 * 24 + 2 * 5 * 5 * 8 + 5 * 8 * 8


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Network("lstm", 3, 8), "hidden_layers is 3, allowed for LSTM: 1 to 2"),
        (Network("lstm", 1, 8, (Option("heads", 2),)), "options has 'heads', allowed for LSTM: none"),
        (Network("transformer", 1, 8, (Option("heads", 4),)), "options has heads 4, allowed: other values than"),
        (Network("transformer", 1, 8, (Option("heads", 2), Option("context", 8))), "in alphabetical order"),
        (Network("transformer", 1, 10), "a multiple of its 4 heads"),
    ],
    ids=str,
)
def test_a_network_that_its_family_does_not_have_says_what_is_allowed(network: Network, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        networks.checked(network)


def test_every_family_s_own_networks_are_fine() -> None:
    for family in networks.ARCHITECTURES.values():
        assert [networks.checked(network) for network in family.gate] == list(family.gate)


def test_an_image_is_read_as_the_family_takes_it() -> None:
    grey = SampleShape((28, 28, 1), 10)
    shapes = {name: networks.input_shape(Network(name, 1, 8), grey) for name in ("mlp", "cnn", "lstm")}
    assert shapes == {"mlp": (784,), "cnn": (28, 28, 1), "lstm": (28, 28)}
    assert networks.input_shape(Network("gru", 1, 8), SampleShape((32, 32, 3), 10)) == (32, 96)


def test_a_text_is_cut_into_sequences_each_labelled_with_what_follows() -> None:
    text = np.arange(12)
    data = TrainingData(text[:-1], text[1:], text[:7], text[1:8])
    network = Network("transformer", 1, 8, (Option("context", 5), Option("heads", 2)))
    taken = networks.as_taken(data, network)
    assert taken.train_inputs.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert taken.train_labels.tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert taken.test_inputs.shape == (1, 5)
