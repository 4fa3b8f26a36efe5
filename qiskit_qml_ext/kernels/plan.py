"""Whether a sampled kernel will say anything: its signal on a noisy device beside the noise of its shots."""

import math

import numpy as np

from qiskit_qml_ext.kernels.samples import FloatArray
from qiskit_qml_ext.primitives.run_plan import RunPlan

MAX_EXACT_QUBITS, MAX_EXACT_SAMPLES = 12, 40
"""Up to these sizes a plan simulates the kernel exactly to see what there is to measure."""

_MARGIN = 2.0  # the spread of the entries should be twice the noise of one
_USELESS_SHOTS = 1e7  # more shots for one entry than anybody takes


def advise(plan: RunPlan, entries: FloatArray) -> RunPlan:
    """Say whether a kernel's entries can be told apart.

    Errors replace a fraction of the shots by others that hardly read all zeros, so the signal shrinks with the fraction
    that is free of errors.

    Args:
        plan: The plan of the circuits.
        entries: Exact values of entries off the diagonal.
    """
    if entries.size < 2:
        return plan
    intact = 1.0 if plan.error_free is None else plan.error_free
    typical, spread = intact * float(np.median(entries)), intact * float(np.std(entries))
    noise = math.sqrt(max(typical * (1 - typical), 1 / plan.shots) / plan.shots)
    words = f"The all-zeros signal will be about {typical:.2g} and vary by {spread:.2g} from pair to pair"
    if spread >= _MARGIN * noise:
        return plan.with_advice(f"{words}, above the noise of {plan.shots:,} shots ({noise:.2g}).")
    needed = (
        math.inf
        if spread == 0
        else max(_MARGIN**2 * typical * (1 - typical) / spread**2, _MARGIN / spread)  # the noise near 0 is 1/shots
    )
    more = "" if needed > _USELESS_SHOTS else f", or {_rounded_up(needed):,} shots"
    return plan.with_advice(
        f"{words}, below the noise of {plan.shots:,} shots ({noise:.2g}): use fewer qubits, a smaller bandwidth{more}."
    )


def _rounded_up(number: float) -> int:
    """Round up to two digits."""
    size = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / size) * size
