"""Every claim of the study, as the judgements that it stands for. The networks are those that its figures draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runs.study.claims.judgements import (
    AlongWidth,
    EfficiencyFalls,
    GapGrows,
    GpuSpeedUp,
    GpuSpeedUpGrows,
    ShallowOverDeep,
    ThreadSpeedUp,
    Versus,
    VersusOverall,
    falls_until,
    rises_after,
)
from runs.study.claims.questions import Grid, Judgement
from runs.study.claims.regions import (
    ABOUT_TWICE_AS_FAST,
    ALIKE,
    AS_FAST,
    CLEAR_GAIN,
    FAR_MORE,
    FASTER,
    GAIN,
    HARDLY_CHANGED,
    HARDLY_RAISED,
    LESS,
    LOSS,
    MORE,
    NEARLY_TWICE_AS_LONG,
    NO_GAIN_WORTH_NOTING,
    NO_GREAT_GAIN,
    SLIGHTLY_APART,
    SLOWER,
    UP_TO_TWICE_AS_FAST,
)

TH, TF, KTH, KTF = "theano", "tensorflow", "keras-theano", "keras-tensorflow"
ALL = (TH, TF, KTH, KTF)
THREADED = (TH, KTH)
"""TensorFlow had no OpenMP support in the study's day, and was left out."""
THREADS = (2, 4, 6, 8, 10, 12)
COUNTS_ARE_DERIVED = (
    "The study names 1, 4 and 8 threads; the counts 2, 6, 10 and 12 are derived from the number of its executions."
)

MLP_GPU = Grid("mlp", "gpu", (8, 16), (25, 50, 100, 200, 400, 1600))
MLP_GPU_UNTIL_400 = Grid("mlp", "gpu", (8, 16), (25, 50, 100, 200, 400))
MLP_GPU_FROM_400 = Grid("mlp", "gpu", (8, 16), (400, 1600))
MLP_GPU_WIDEST = Grid("mlp", "gpu", (8, 16), (1600,))
MLP_GPU_LARGEST = Grid("mlp", "gpu", (16,), (1600,))
MLP_CPU = Grid("mlp", "cpu", (8, 16), (25, 50, 100, 200))
MLP_CPU_LARGEST = Grid("mlp", "cpu", (16,), (200,))
MLP_SMALL = Grid("mlp", "gpu", (2, 4), (25, 50))
MLP_NARROW = Grid("mlp", "cpu", (8,), (25, 50))
MLP_WIDE = Grid("mlp", "cpu", (8,), (200,))
MLP_THREADED = Grid("mlp", "cpu", (8,), (25, 50, 100, 200))

CNN_GPU = Grid("cnn", "gpu", (1, 2), (2, 4, 8, 16, 32, 64))
CNN_GPU_TWO_LAYERS = Grid("cnn", "gpu", (2,), (2, 4, 8, 16, 32, 64))
CNN_GPU_WIDEST = Grid("cnn", "gpu", (1, 2), (64,))
CNN_GPU_LARGEST = Grid("cnn", "gpu", (2,), (64,))
CNN_CPU = Grid("cnn", "cpu", (1, 2), (2, 4, 8, 16, 32))
CNN_CPU_UNTIL_8 = Grid("cnn", "cpu", (1, 2), (2, 4, 8))
CNN_CPU_ABOVE_8 = Grid("cnn", "cpu", (1, 2), (16, 32))
CNN_CPU_8_TO_16 = Grid("cnn", "cpu", (1, 2), (8, 16))
CNN_CPU_LARGEST = Grid("cnn", "cpu", (2,), (32,))
CNN_NARROW = Grid("cnn", "cpu", (1, 2), (2, 4))
CNN_WIDE = Grid("cnn", "cpu", (1, 2), (8, 16))
CNN_THREADED = Grid("cnn", "cpu", (1, 2), (2, 4, 8, 16))


@dataclass(frozen=True)
class Declared:
    """A claim holds if all its parts do. `note` says how its words were read, where they leave a choice."""

    parts: tuple[Judgement, ...]
    note: str = ""


def _claim(*parts: Judgement, note: str = "") -> Declared:
    return Declared(parts, note)


def _suits(on: Grid) -> Judgement:
    """Where Theano has no GPU build, being as fast as the one other engine is enough to judge."""
    return Versus(on, AS_FAST, engine=TF, than=(TH, KTH, KTF), measurable=1 / 3)


CLAIMS: Mapping[str, Declared] = {
    # ------------------------------------------------------------ MLPs
    "mlp-gpu-flat-until-400": _claim(AlongWidth(MLP_GPU_UNTIL_400, HARDLY_CHANGED, engines=(TH, TF))),
    "mlp-gpu-tf-beats-th-at-1600": _claim(
        Versus(MLP_GPU_WIDEST, FASTER, engine=TF, than=(TH,)),
        Versus(MLP_GPU_WIDEST, UP_TO_TWICE_AS_FAST, engine=TF, than=(TH,)),
    ),
    "mlp-gpu-kth-beats-ktf": _claim(Versus(MLP_GPU, FASTER, engine=KTH, than=(KTF,))),
    "mlp-gpu-kth-beats-th": _claim(Versus(MLP_GPU, FASTER, engine=KTH, than=(TH,))),
    "mlp-gpu-ktf-slower-than-tf": _claim(
        Versus(MLP_GPU, SLOWER, engine=KTF, than=(TF,)),
        Versus(MLP_GPU_WIDEST, NEARLY_TWICE_AS_LONG, engine=KTF, than=(TF,)),
    ),
    "mlp-gpu-th-falls-behind-from-400": _claim(GapGrows(MLP_GPU_FROM_400, MORE, engine=TH, than=TF)),
    "mlp-gpu-ktf-penalty-grows": _claim(
        GapGrows(MLP_GPU, MORE, engine=KTF, than=TF),
        note="Judged from the narrowest network to the widest.",
    ),
    "mlp-cpu-tf-beats-th": _claim(Versus(MLP_CPU, FASTER, engine=TF, than=(TH,))),
    "mlp-layers-cost-more-on-cpu": _claim(
        GpuSpeedUpGrows(MLP_CPU, FAR_MORE, engines=ALL, along="hidden_layers", overall=True),
        note="From 8 to 16 layers the time grows on the CPU by so much more than on the GPU as the speed-up grows.",
    ),
    "mlp-cpu-kth-ties-ktf": _claim(Versus(MLP_CPU, ALIKE, engine=KTH, than=(KTF,))),
    "mlp-cpu-kth-beats-th": _claim(Versus(MLP_CPU, FASTER, engine=KTH, than=(TH,))),
    "mlp-cpu-tf-ties-ktf": _claim(Versus(MLP_CPU, ALIKE, engine=KTF, than=(TF,))),
    "mlp-gpu-always-faster-when-deep": _claim(
        GpuSpeedUp(MLP_CPU, GAIN, engines=ALL),
        GpuSpeedUpGrows(MLP_CPU, MORE, engines=ALL, along="width"),
        GpuSpeedUpGrows(MLP_CPU, MORE, engines=ALL, along="hidden_layers"),
    ),
    "mlp-gpu-can-lose-when-small": _claim(
        GpuSpeedUp(MLP_SMALL, LOSS, engines=ALL, quorum="any"), note='"Can be" needs one network of one engine.'
    ),
    "mlp-threads-useless-when-narrow": _claim(
        ThreadSpeedUp(MLP_NARROW, NO_GAIN_WORTH_NOTING, engines=THREADED, counts=THREADS), note=COUNTS_ARE_DERIVED
    ),
    "mlp-threads-peak-at-8": _claim(
        falls_until(MLP_WIDE, engines=THREADED, peak=8, fewer=(1, 2, 4, 6)),
        rises_after(MLP_WIDE, engines=THREADED, peak=8, more=(10, 12)),
        note=f"The speed-up of 1.81 was that of the study's machine, and is no part of this. {COUNTS_ARE_DERIVED}",
    ),
    # ------------------------------------------------------------ CNNs
    "cnn-gpu-th-ties-tf-two-layers": _claim(Versus(CNN_GPU_TWO_LAYERS, ALIKE, engine=TH, than=(TF,))),
    "cnn-gpu-th-one-layer-anomaly": _claim(ShallowOverDeep(CNN_GPU, SLOWER, engine=TH)),
    "cnn-gpu-ktf-beats-kth": _claim(
        Versus(CNN_GPU, FASTER, engine=KTF, than=(KTH,)),
        Versus(CNN_GPU_WIDEST, ABOUT_TWICE_AS_FAST, engine=KTF, than=(KTH,)),
    ),
    "cnn-gpu-kth-slower-than-th": _claim(
        Versus(CNN_GPU_TWO_LAYERS, SLOWER, engine=KTH, than=(TH,)),
        note="Judged on two convolutional layers, since the study leaves its one-layer anomaly aside.",
    ),
    "cnn-gpu-tf-ties-ktf": _claim(Versus(CNN_GPU, ALIKE, engine=KTF, than=(TF,))),
    "cnn-cpu-tf-beats-th-above-8": _claim(
        Versus(CNN_CPU_ABOVE_8, FASTER, engine=TF, than=(TH,)),
        Versus(CNN_CPU_UNTIL_8, SLIGHTLY_APART, engine=TF, than=(TH,)),
    ),
    "cnn-cpu-ktf-beats-kth": _claim(Versus(CNN_CPU, FASTER, engine=KTF, than=(KTH,))),
    "cnn-cpu-kth-slower-than-th": _claim(Versus(CNN_CPU, SLOWER, engine=KTH, than=(TH,))),
    "cnn-cpu-tf-ties-ktf": _claim(Versus(CNN_CPU, ALIKE, engine=KTF, than=(TF,))),
    "cnn-cpu-tf-8-to-16-cheap": _claim(AlongWidth(CNN_CPU_8_TO_16, HARDLY_RAISED, engines=(TF, KTF))),
    "cnn-gpu-always-faster": _claim(
        GpuSpeedUp(CNN_CPU, CLEAR_GAIN, engines=ALL),
        GpuSpeedUpGrows(CNN_CPU, MORE, engines=ALL, along="width"),
        GpuSpeedUpGrows(CNN_CPU, MORE, engines=ALL, along="hidden_layers"),
    ),
    "cnn-threads-hurt-when-narrow": _claim(
        ThreadSpeedUp(CNN_NARROW, LOSS, engines=THREADED, counts=THREADS), note=COUNTS_ARE_DERIVED
    ),
    "cnn-threads-peak-at-4": _claim(
        falls_until(CNN_WIDE, engines=THREADED, peak=4, fewer=(1, 2)),
        rises_after(CNN_WIDE, engines=THREADED, peak=4, more=(6, 8, 10, 12)),
        note=COUNTS_ARE_DERIVED,
    ),
    # ------------------------------------------------------------ both
    "threads-bring-little": _claim(
        ThreadSpeedUp(MLP_THREADED, NO_GREAT_GAIN, engines=THREADED, counts=THREADS, overall=True),
        ThreadSpeedUp(CNN_THREADED, NO_GREAT_GAIN, engines=THREADED, counts=THREADS, overall=True),
        note=COUNTS_ARE_DERIVED,
    ),
    "threads-efficiency-falls": _claim(
        EfficiencyFalls(MLP_THREADED, LESS, engines=THREADED, counts=(1, *THREADS)),
        EfficiencyFalls(CNN_THREADED, LESS, engines=THREADED, counts=(1, *THREADS)),
        note=COUNTS_ARE_DERIVED,
    ),
    "keras-matches-tensorflow-mostly": _claim(
        VersusOverall(
            MLP_GPU, AS_FAST, engines=(KTF, KTH, KTF, KTF), than=TF, also_on=(MLP_CPU, CNN_GPU, CNN_CPU), quorum="most"
        ),
        note=(
            "The situations are the four of Table 5.1; most are three of them. Keras is judged on TensorFlow, but for "
            "MLPs on the CPU on Theano, which Table 5.1 sets beside TensorFlow there."
        ),
    ),
    "tensorflow-suits-all": _claim(
        *(_suits(largest) for largest in (MLP_GPU_LARGEST, MLP_CPU_LARGEST, CNN_GPU_LARGEST, CNN_CPU_LARGEST)),
        note="As fast as every other engine on the largest network of each situation, the basis of Table 5.1.",
    ),
}
