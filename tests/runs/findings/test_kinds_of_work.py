"""Operations of four frameworks told by what they are for, and two profiles held side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.profile_record import Operation, Profile
from runs.findings.kinds_of_work import KINDS, Kind, explained, kind_of, parts, seconds_by_kind

NAMES: dict[Kind, tuple[str, ...]] = {
    "products": (
        "aten::addmm",
        "aten::mm",
        "aten::bmm",
        "_MklMatMul",
        "BatchMatMulV2",
        "dot",
        "Gemm{inplace}",
        "Dot22",
    ),
    "convolutions": ("aten::mkldnn_convolution", "aten::convolution_backward", "Conv2DBackpropFilter", "convolution"),
    "recurrent layers": ("aten::lstm", "aten::mkldnn_rnn_layer", "while", "forall_inplace,cpu,scan_fn}"),
    "attention": ("aten::_scaled_dot_product_flash_attention_for_cpu",),
    "normalisation": ("aten::native_batch_norm", "FusedBatchNormV3", "aten::native_layer_norm_backward"),
    "pooling": ("aten::max_pool2d_with_indices", "MaxPoolGrad", "reduce-window", "select-and-scatter"),
    "optimizer": ("Optimizer.step#SGD.step", "ResourceApplyGradientDescent", "aten::_fused_adam_"),
    "element by element": ("aten::relu", "ReluGrad", "loop_add_fusion", "Elemwise{Composite{tanh(i0)}}", "aten::sum"),
    "moving data": (
        "aten::copy_",
        "aten::index",
        "GatherV2",
        "transpose",
        "AdvancedSubtensor1",
        "convert",
        "aten::empty",
    ),
    "other operations": ("xyzzy",),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names])
def test_each_framework_s_names_are_known(kind: Kind, name: str) -> None:
    assert kind_of(name) == kind


seconds = st.floats(min_value=0, max_value=10)
operations = st.lists(st.tuples(st.text(min_size=1, max_size=20), seconds), min_size=1, max_size=10)


def profile(found: list[tuple[str, float]], beside: float = 0.0, steps: int = 10) -> Profile:
    total = sum(value for _, value in found)
    made = tuple(Operation(name, 1, value, value / total if total else 0.0) for name, value in found)
    return Profile("test", "1", steps, total + beside, total, made)


@given(operations, seconds)
def test_no_second_is_lost_or_counted_twice(found: list[tuple[str, float]], beside: float) -> None:
    made = profile(found, beside)
    by_kind = seconds_by_kind(made)
    assert set(by_kind) <= set(KINDS)
    assert sum(by_kind.values()) == pytest.approx(made.wall_seconds / made.steps)


def test_threads_that_work_at_once_leave_nothing_outside() -> None:
    busy = profile([("MatMul", 4.0)], beside=-1.0)
    assert seconds_by_kind(busy) == {"products": 0.4}


def test_what_differs_most_comes_first_and_explains_the_slower_side() -> None:
    a = profile([("MatMul", 1.0), ("Relu", 0.2)], beside=0.5)
    b = profile([("aten::mm", 1.1), ("aten::relu", 0.1)], beside=3.0)
    found = parts(a, b)
    assert [part.kind for part in found] == ["outside operations", "products", "element by element"]
    slower, faster = explained(found, "b"), explained(found, "a")
    assert slower is not None
    assert slower.kind == "outside operations"
    assert slower.difference == pytest.approx(0.25)
    assert faster is not None
    assert faster.kind == "element by element"
    assert explained(parts(a, a), "b") is None
