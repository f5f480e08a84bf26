"""What the machine is, and its limits: bytes and operations a second of one thread."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("ai-edge-litert", "tensorflow", "tf-keras", "onnxruntime", "torch", "numpy")
ROUNDS = 15
CPUINFO = Path("/proc/cpuinfo")


def facts() -> dict[str, Any]:
    """Processor, versions, and measured limits."""
    return {
        "processor": _processor(),
        "vectors": vectors(),
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": {name: version(name) for name in PACKAGES},
        "bytes_a_second": {
            "from 512 KiB": bandwidth(512 << 10),
            "from 4 MiB": bandwidth(4 << 20),
            "from 256 MiB": bandwidth(256 << 20),
        },
        "operations_a_second": peak(),
    }


def bandwidth(size: int) -> float:
    """Bytes a second that a sum over float32 reads, from a block of so many bytes."""
    block = np.ones(size // 4, np.float32)
    ones = np.ones(size // 4, np.float32)
    repeats = max(1, (64 << 20) // size)
    # A dot product reads both operands once.
    return 2 * size * repeats / _seconds(lambda: [np.dot(block, ones) for _ in range(repeats)])


def peak(size: int = 768) -> float:
    """Float32 multiplications and additions a second of a large matrix product."""
    a = np.ones((size, size), np.float32)
    return 2 * size**3 / _seconds(lambda: a @ a)


def _seconds(run: Callable[[], Any]) -> float:
    timings = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        run()
        timings.append(time.perf_counter() - begin)
    return statistics.median(timings)


def vectors(info: Path = CPUINFO) -> str:
    """The widest vector instructions of the processor, and AMX's tiles, with the types that they
    multiply, where it has them; ratios of kernels depend on both."""
    words = set(info.read_text().split()) if info.exists() else set()
    names = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "NEON"}
    widest = next((name for flag, name in names.items() if flag in words), platform.machine())
    if "amx_tile" not in words:
        return widest
    kinds = [kind for kind in ("int8", "bf16", "fp16") if f"amx_{kind}" in words]
    return f"{widest}, AMX of {' and '.join(kinds)}" if kinds else f"{widest}, AMX"


def _processor() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
