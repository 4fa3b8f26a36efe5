"""A unitary of one qubit as a phase and three rotations."""

import numpy as np

from qiskit_qml_ext.arrays import ComplexArray

_VANISHING = 1e-15  # an entry below this has no meaningful phase and contributes nothing


def euler_angles(matrix: ComplexArray) -> tuple[float, tuple[float, float, float]]:
    """Write a 2x2 unitary as exp(iγ) RZ(φ) RY(θ) RZ(λ).

    Returns:
        γ, and (λ, θ, φ) in the order of time.
    """
    theta = 2.0 * float(np.arctan2(abs(matrix[1, 0]), abs(matrix[0, 0])))
    # the phases of the two entries of the larger pair give γ and φ ± λ; the smaller pair only its difference
    sum_phase = float(np.angle(matrix[1, 1] * np.conj(matrix[0, 0])))  # φ + λ, noise where cos(θ/2) = 0
    gamma = float(np.angle(matrix[0, 0])) + sum_phase / 2.0
    if abs(matrix[0, 0]) < _VANISHING:
        sum_phase = 0.0
        gamma = float(np.angle(-matrix[1, 0] * matrix[0, 1])) / 2.0
    difference = 0.0  # φ - λ, free where sin(θ/2) = 0
    if abs(matrix[1, 0]) >= _VANISHING:
        difference = 2.0 * (float(np.angle(matrix[1, 0])) - gamma)
    return gamma, ((sum_phase - difference) / 2.0, theta, (sum_phase + difference) / 2.0)
