"""An upper bound on the gradient of circuits too wide for states, from exact second moments."""

import math
from collections.abc import Sequence

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import UniformDistribution
from qiskit_qml_ext.diagnostics.moments.chain_moments import chain_second_moment
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import simplified
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.models.guard.training_start import TrainingStart

_SAMPLES = 2  # that bounds are found for; more would take longer than a first look may
_BOND = 16  # of the matrix products
_DIGITS = 1.0  # of the logarithm of a variance, added to what the matrix products miss


def bounded_signal(start: TrainingStart) -> float | None:
    """Return a bound on the square of signal-to-noise that the gradient of any loss has, from uniform random weights.

    For uniform angles a derivative by a rotation is (C(+) - C(-))/2 at two points that are distributed like the others,
    so that E(∂C)² ≤ Var C; and by the inequality of Cauchy and Schwarz the gradient of B samples stands out of its
    noise by at most B times what that of one sample does. A single shot of a Pauli has the variance 1 - ⟨P⟩², which is
    nearly 1 there, so that a derivative has 1/2.

    Args:
        start: The model, on shots.

    Returns:
        The bound, with a factor of 10 on top for what the matrix products miss; None where they do not reach: several
        observables or terms, other than uniform angles, gates between distant qubits, angles that are shared, or exact
        results.
    """
    if start.shots is None or start.distribution != UniformDistribution() or not _is_single(start.observables):
        return None
    names = list(start.circuit.parameters)
    logs = []
    for sample in start.samples[:_SAMPLES]:
        bound = start.circuit.assign_parameters(
            {names[column]: value for column, value in zip(start.data, sample, strict=True)}
        )
        try:
            moment = chain_second_moment(bound, start.observables[0], distribution=start.distribution, max_bond=_BOND)
        except (QmlExtError, ValueError, TypeError):
            return None
        logs.append(moment.log10_variance - moment.log10_single_shot_variance)
    log_signal = max(logs) + math.log10(2 * start.shots * start.batch_size) + _DIGITS
    return float(10.0 ** np.clip(log_signal, -300.0, 300.0))


def _is_single(observables: Sequence[Observable]) -> bool:
    """Whether one Pauli string is all that is read."""
    (first, *others) = observables
    return not others and isinstance(first, (Pauli, SparsePauliOp)) and len(simplified(first)) == 1
