"""The kernel of samples with themselves, as the target gives it: what a step needs that undoes noise."""

from collections.abc import Callable
from dataclasses import dataclass

from qiskit_qml_ext.arrays import FloatArray


def fidelity_of_mixed_state(num_qubits: int) -> float:
    """Return 2⁻ⁿ, the probability that a maximally mixed state of n qubits reads zeros, and its fidelity with any."""
    return 2.0**-num_qubits


def fidelity_without_noise(num_qubits: int) -> float:
    """Return 1, the fidelity of a state with itself."""
    return 1.0


@dataclass(frozen=True, eq=False)
class MeasuredDiagonal:
    """Measures k(x, x) of samples when a step asks for it; what the connection knows is not run again."""

    rows: FloatArray
    """The samples of the matrix's rows, shape (n, features)."""
    columns: FloatArray
    """The samples of its columns, shape (m, features)."""
    num_qubits: int | None
    """The number of qubits that are measured; ``None`` where the kernel does not say."""
    measure: Callable[[FloatArray], tuple[FloatArray, FloatArray]]
    """Gets samples, shape (k, features), and returns the values and their standard errors, each of shape (k,)."""
    applied: tuple[str, ...] = ()
    """The steps that were applied to the matrix as it was measured, and are to these values alike."""
    of_mixed_state: Callable[[int], float] = fidelity_of_mixed_state
    """What the kernel reads where the state of n measured qubits is the maximally mixed one."""
    noise_free: Callable[[int], float] = fidelity_without_noise
    """What k(x, x) is without noise, on n measured qubits."""
