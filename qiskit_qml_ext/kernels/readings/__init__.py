"""What can be read off the outcomes of U(y)†U(x) besides the fidelity, a file each.

A reading is a number for each Hamming weight of an outcome; its mean over the shots of a pair is an entry of a kernel.
A new one is a line in ``READINGS``.
"""

from qiskit_qml_ext.kernels.readings.bit_flip_tolerant import BitFlipTolerantReading
from qiskit_qml_ext.kernels.readings.choosing import READINGS, reading_named
from qiskit_qml_ext.kernels.readings.commuting import rotations_commute
from qiskit_qml_ext.kernels.readings.definiteness import Definiteness, definiteness_of, is_of_fidelity, order_matters
from qiskit_qml_ext.kernels.readings.fidelity import FidelityReading
from qiskit_qml_ext.kernels.readings.hamming import HammingReading
from qiskit_qml_ext.kernels.readings.reading import Reading, values_of
from qiskit_qml_ext.kernels.readings.readout_errors import ReadoutErrors
from qiskit_qml_ext.kernels.readings.walsh import walsh_coefficients

__all__ = [
    "READINGS",
    "BitFlipTolerantReading",
    "Definiteness",
    "FidelityReading",
    "HammingReading",
    "Reading",
    "ReadoutErrors",
    "definiteness_of",
    "is_of_fidelity",
    "order_matters",
    "reading_named",
    "rotations_commute",
    "values_of",
    "walsh_coefficients",
]
