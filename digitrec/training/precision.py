"""The precision that a network is trained in where its recipe leaves that to the processor."""

import os
from pathlib import Path

CPU = Path("/proc/cpuinfo")

INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}
"""Flags of processors that multiply in bfloat16; others emulate it at a quarter of float32's speed."""

TOO_OLD = {"sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2", "avx512_core", "avx512_core_vnni"}
"""Values of `ONEDNN_MAX_CPU_ISA` that keep TensorFlow from these instructions (oneDNN, CPU dispatcher control)."""


def computed(precision: str) -> str:
    """Return the precision that this machine trains a recipe's in: for `auto` the faster one, else the same.

    Args:
        precision: One of `recipe.PRECISIONS`.

    Returns:
        `float32` or `bfloat16`.
    """
    if precision != "auto":
        return precision
    return "bfloat16" if _multiplies_bfloat16() else "float32"


def policy(precision: str) -> str:
    """Return Keras' dtype policy for a recipe's precision: weights are float32 in each."""
    return "mixed_bfloat16" if computed(precision) == "bfloat16" else "float32"


def _multiplies_bfloat16() -> bool:
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").lower() in TOO_OLD:
        return False
    try:
        lines = CPU.read_text().splitlines()
    except OSError:  # not Linux
        return False
    return any(line.startswith("flags") and INSTRUCTIONS & set(line.split()) for line in lines)
