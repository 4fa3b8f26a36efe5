"""What the machine can do: the rates of a matrix product and of copying memory."""

from typing import Any

import numpy as np

from benchmarks.task import Case, Task

PACKAGES = ("threadpoolctl",)


def gemm(case: Case) -> Task:
    """A product of square matrices."""
    rng = np.random.default_rng(0)
    size = case["size"]
    a: Any = (rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))).astype(case["dtype"])
    out = np.empty_like(a)
    return Task(lambda: np.matmul(a, a, out=out)[:1])


def copy(case: Case) -> Task:
    """A copy of an array that fits into no cache."""
    source = np.ones(case["bytes"] // 8)
    out = np.empty_like(source)

    def run() -> Any:
        np.copyto(out, source)
        return out[:1]

    return Task(run)


PREPARE = {"gemm": gemm, "copy": copy}
