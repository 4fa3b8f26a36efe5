"""Batched exact simulation: states, probabilities, expectation values and adjoint gradients for thousands of samples.

All functions take arrays and return arrays; ``program`` is a :class:`~qiskit_qml_ext.program.RotationProgram` or a
``QuantumCircuit``, ``values`` holds one sample per row and one parameter per column. How it works:

- :mod:`~qiskit_qml_ext.engine.planning` folds Clifford permutations into index arithmetic, gathers diagonal gates and
  turns what is left into tables, once for each program,
- :mod:`~qiskit_qml_ext.engine.compiled` is the interpreter that runs them on tiles of samples, compiled once for all,
- ``batch`` is what every entry point does before and after: checks, memory (``memory``) and threads (``threads``),
- ``states``, ``expectation``, ``overlaps``, ``sampling``, ``loss_gradient`` are the entry points,
- ``observables`` is what can be measured,
- :mod:`~qiskit_qml_ext.engine.pauli` carries observables backwards instead, for circuits of any width,
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
