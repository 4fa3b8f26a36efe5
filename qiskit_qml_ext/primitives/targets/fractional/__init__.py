"""Fractional gates: R_X of any angle and R_ZZ(θ), 0 ≤ θ ≤ π/2, as gates of a device of their own.

IBM's Heron processors have them, and let them take the place of two CZ and of two pulses.
"""

from qiskit_qml_ext.primitives.targets.fractional.folding import (
    folded_form,
    predicted_signal,
    teach_folding,
    with_angles_folded,
)
from qiskit_qml_ext.primitives.targets.fractional.gates import (
    fake_with_fractional_gates,
    has_fractional_gates,
    uses_fractional_gates,
    without_fractional_gates,
)
from qiskit_qml_ext.primitives.targets.fractional.pair_rotations import rewrite_pair_rotations

__all__ = [
    "fake_with_fractional_gates",
    "folded_form",
    "has_fractional_gates",
    "predicted_signal",
    "rewrite_pair_rotations",
    "teach_folding",
    "uses_fractional_gates",
    "with_angles_folded",
    "without_fractional_gates",
]
