"""Reduced states of few qubits: which ones, how they are measured or simulated, and how samples are compared by them.

Both kernels of reduced states (:class:`~qiskit_qml_ext.kernels.ProjectedKernel`,
:class:`~qiskit_qml_ext.kernels.LocalKernel`) go the same way: words or lists become *patches* (sets of qubits), patches
become the distinct *Paulis* on them, these become *settings* (a basis for each qubit) that a target measures, or are
read off exact states; the result are *projections*, the expectation values with their covariances, which are compared
by squared distances and inner products. ``outcomes`` and ``local_circuit`` serve randomised measurements too.
"""

from qiskit_qml_ext.kernels.reduced_states.features import PauliFeatures
from qiskit_qml_ext.kernels.reduced_states.measured_features import MeasuredFeaturesKernel

__all__ = ["MeasuredFeaturesKernel", "PauliFeatures"]
