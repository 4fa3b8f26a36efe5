"""Batched exact simulation: states, probabilities, expectation values and adjoint gradients for thousands of samples.

All functions take arrays and return arrays; ``program`` is a :class:`~qiskit_qml_ext.program.RotationProgram` or a
``QuantumCircuit``, ``values`` holds one sample per row and one parameter per column. How it works:

- :mod:`~qiskit_qml_ext.engine.schedule` folds Clifford permutations into index arithmetic and gathers diagonal gates,
- :mod:`~qiskit_qml_ext.engine.plan` turns the result into tables,
- :mod:`~qiskit_qml_ext.engine.machine` is the one compiled interpreter that runs them on tiles of samples,
- :mod:`~qiskit_qml_ext.engine.reference` is the slow, simple oracle.
"""

from qiskit_qml_ext.engine.expectation import expectation_jacobian, expectation_vjp, expectations
from qiskit_qml_ext.engine.memory import available_memory, state_memory
from qiskit_qml_ext.engine.observables import Observable, Projector
from qiskit_qml_ext.engine.overlaps import gram
from qiskit_qml_ext.engine.states import probabilities, statevectors
from qiskit_qml_ext.engine.threads import thread_count

__all__ = [
    "Observable",
    "Projector",
    "available_memory",
    "expectation_jacobian",
    "expectation_vjp",
    "expectations",
    "gram",
    "probabilities",
    "state_memory",
    "statevectors",
    "thread_count",
]
