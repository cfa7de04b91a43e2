"""Which variables of the user's shell a worker gets: none that could change what it measures without a word.

Most of them are dropped; `backends/` sets its own. A few decide whether results are right or a program runs at all:
which kernels an older OpenBLAS takes on a newer processor, a library that a site loads into every program. These pass,
and the record's environment names them: measured with another value, it is another environment.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path

RECORDED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "LD_PRELOAD")
WHERE_LIBRARIES_LIE = ("LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH")
"""Other folders may hold other builds of a library."""
_DROPPED = re.compile(
    r"^(OMP|GOMP|KMP|MKL|OPENBLAS|GOTO|BLIS|FLEXIBLAS|VECLIB|NUMEXPR|NPY_|TBB_|DNNL|ONEDNN|LRU_CACHE_CAPACITY"
    r"|TF|XLA|JAX|TORCH|PYTORCH|ATEN_|TRITON_|THEANO|KERAS"
    r"|MALLOC_|MIMALLOC_|GLIBC_TUNABLES|LD_BIND_NOW|LD_AUDIT"
    r"|CUDA_(?!(HOME|PATH)$)|CUBLAS|CUDNN|NVIDIA_TF32"  # those two say where CUDA lies, not what it does
    r"|PYTHON(PATH|HOME|STARTUP|MALLOC|TRACEMALLOC|OPTIMIZE|DEVMODE|HASHSEED))"
)


def inherited() -> dict[str, str]:
    """The variables that pass."""
    return {name: value for name, value in os.environ.items() if name in RECORDED or not _DROPPED.match(name)}


def recorded() -> dict[str, str]:
    """Those that can change times, for the record, without a path of this machine.

    A preloaded file is recorded by its name, and the folders of libraries by a digest that says equal or not.
    """
    found = {name: os.environ[name] for name in RECORDED if os.environ.get(name)}
    if "LD_PRELOAD" in found:
        found["LD_PRELOAD"] = " ".join(Path(each).name for each in re.split(r"[ :]+", found["LD_PRELOAD"]) if each)
    paths = {name: os.environ[name] for name in WHERE_LIBRARIES_LIE if os.environ.get(name)}
    return found | {name: f"set ({sha256(path.encode()).hexdigest()[:8]})" for name, path in paths.items()}
