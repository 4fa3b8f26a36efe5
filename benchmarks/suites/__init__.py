"""What is measured, one file a suite. A suite has a ``CLAIM`` (one sentence) and ``rows(tiny)``."""

from collections.abc import Callable

from benchmarks.rows import Row
from benchmarks.suites import epoch, first_call, kernels, layers, memory, plateau, qnn, sampled, states, training

SUITES: dict[str, tuple[str, Callable[[bool], list[Row]]]] = {
    "states": (states.CLAIM, states.rows),
    "kernels": (kernels.CLAIM, kernels.rows),
    "training": (training.CLAIM, training.rows),
    "epoch": (epoch.CLAIM, epoch.rows),
    "layers": (layers.CLAIM, layers.rows),
    "plateau": (plateau.CLAIM, plateau.rows),
    "first_call": (first_call.CLAIM, first_call.rows),
    "sampled": (sampled.CLAIM, sampled.rows),
    "qnn": (qnn.CLAIM, qnn.rows),
    "memory": (memory.CLAIM, memory.rows),
}
"""By name: the claim, and the rows at full or toy size."""
