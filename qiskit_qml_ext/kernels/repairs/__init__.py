"""Repairs of noisy kernel matrices, a file each; a new one is a line in :data:`REPAIRS`.

They are applied in the order in which ``psd_repair=`` names them. A repair sees the matrix with its errors and shots,
and what it did is written down in ``KernelEstimate.applied``.
"""

from qiskit_qml_ext.kernels.repairs.choosing import REPAIRS, PsdRepair, makes_psd, needs_diagonal, repaired, steps_of
from qiskit_qml_ext.kernels.repairs.clip import ClipPSD, clip_spectrum
from qiskit_qml_ext.kernels.repairs.mitigate_depolarizing import MitigateDepolarizing
from qiskit_qml_ext.kernels.repairs.nearest_correlation import NearestCorrelation
from qiskit_qml_ext.kernels.repairs.regularize_by_error import RegularizeByError
from qiskit_qml_ext.kernels.repairs.repair import Repair, RepairStep
from qiskit_qml_ext.kernels.repairs.shift import ShiftPSD, shift_spectrum
from qiskit_qml_ext.kernels.repairs.symmetrize import Symmetrize

__all__ = [
    "REPAIRS",
    "ClipPSD",
    "MitigateDepolarizing",
    "NearestCorrelation",
    "PsdRepair",
    "RegularizeByError",
    "Repair",
    "RepairStep",
    "ShiftPSD",
    "Symmetrize",
    "clip_spectrum",
    "makes_psd",
    "needs_diagonal",
    "repaired",
    "shift_spectrum",
    "steps_of",
]
