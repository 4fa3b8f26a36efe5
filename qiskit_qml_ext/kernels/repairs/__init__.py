"""Repairs of noisy kernel matrices, a file each; a new one is a line in :data:`REPAIRS`."""

from qiskit_qml_ext.kernels.repairs.choosing import REPAIRS, repaired
from qiskit_qml_ext.kernels.repairs.clip import clip_spectrum
from qiskit_qml_ext.kernels.repairs.repair import Repair
from qiskit_qml_ext.kernels.repairs.shift import shift_spectrum

__all__ = ["REPAIRS", "Repair", "clip_spectrum", "repaired", "shift_spectrum"]
