"""AMD's GPUs: found, and not used yet."""

from __future__ import annotations

from pathlib import Path

from engines.gpus.nvidia import Gpu, GpuState

UNSUPPORTED = (
    "unsupported, since no environment here has a ROCm build of any framework. Whoever has such a card can fill "
    "engines/gpus/amd.py."
)
DEVICE_NAMES: dict[str, str] = {}
_NODES = Path("/sys/class/kfd/kfd/topology/nodes")


def names(nodes: Path = _NODES) -> list[str]:
    """As the kernel driver (amdkfd) names them; its nodes without compute units are CPUs."""
    return [
        f"AMD GPU {name}" if (name := _line(node / "name")) else "AMD GPU"
        for node in sorted(nodes.glob("*"))
        if _compute_units(node)
    ]


def hardware() -> tuple[Gpu, ...]:
    return ()


def states() -> tuple[GpuState, ...]:
    return ()


def energy_joules(index: int) -> float | None:
    return None


def visible(index: int | None) -> dict[str, str]:
    """None is used, so that none is shown."""
    return {"HIP_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": "-1"} if index is None else {}


def _compute_units(node: Path) -> int:
    properties = dict(line.split(maxsplit=1) for line in _text(node / "properties").splitlines() if " " in line)
    return int(properties.get("simd_count", "0"))


def _line(path: Path) -> str:
    return _text(path).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
