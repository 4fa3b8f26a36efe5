"""Whether the kernel of a reading is positive semi-definite, and whether it matters which sample of a pair comes first.

Write K_f = Σ_u f̂(u) T_u with the Walsh coefficients f̂ and T_u(x, y) = ⟨0|V†Z^uV|0⟩, V = U(y)†U(x).

- Where V splits into parts that are each on one qubit, or made of rotations that all commute, every T_u is positive
  semi-definite: on one qubit it is the inner product of Bloch vectors; rotations that commute give V = exp(i Σ_k
  (θ_k(x) - θ_k(y)) P_k / 2), and since Z^u permutes the joint eigenspaces of the P_k, T_u is a sum of e^{iω·(θ(x) -
  θ(y))} with weights ⟨0|Π|0⟩ ≥ 0. So K_f is positive semi-definite if no f̂ is negative; and each T_u is real and thus
  the same in both orders. A negative f̂(u) is an eigenvalue of K_f for one RX on each qubit and angles 0 and π.
- Else V and V† have the probability of zeros only in common: the fidelity, and what is a multiple of it plus a
  constant.
"""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.readings.walsh import first_negative


@dataclass(frozen=True)
class Definiteness:
    """Whether a kernel is positive semi-definite, and why."""

    is_positive_semidefinite: bool | None
    """``True`` if it is for all data, ``False`` if it need not be, ``None`` if that is not known for this map."""
    reason: str
    """Why, in words."""


def is_of_fidelity(values: FloatArray) -> bool:
    """Tell whether a reading is a multiple of the fidelity plus a constant."""
    return bool(np.all(values[1:] == values[-1]))


def order_matters(values: FloatArray, *, commuting: bool) -> bool:
    """Tell whether K_f(x, y) and K_f(y, x) may differ, so that the kernel is the mean of both.

    Args:
        values: f(0), …, f(n).
        commuting: Whether the map is as in the first case above.
    """
    return not commuting and not is_of_fidelity(values)


def definiteness_of(values: FloatArray, *, commuting: bool) -> Definiteness:
    """Say whether the exact kernel of a reading is positive semi-definite; shots and noise can spoil that of a matrix.

    Args:
        values: f(0), …, f(n).
        commuting: Whether the map is as in the first case above.
    """
    if is_of_fidelity(values) and values[0] >= values[-1] >= 0:
        return Definiteness(True, "fidelities are inner products of density matrices")
    if not commuting:
        return Definiteness(
            None, "the feature map has rotations that do not commute; for such maps there are counterexamples"
        )
    negative = first_negative(values)
    if negative is None:
        return Definiteness(
            True, "the rotations commute or qubits do not interact, and no Walsh coefficient is negative"
        )
    return Definiteness(False, f"the Walsh coefficients of the reading over {negative} qubits are negative")
