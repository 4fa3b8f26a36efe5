"""Shots of Aer's probabilities, by a seed of each circuit instead of one for a whole job.

Where nothing but the final measurement is random, Aer computes the probabilities and the shots are drawn here: that is
the same distribution, needs no list of all shots as text, and lets each row of values have its own seed, which Aer's
jobs do not.
"""

from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, Delay, Gate, Measure

from qiskit_qml_ext.arrays import FloatArray, UintArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.exact.row_seeds import SamplerOfRows
from qiskit_qml_ext.primitives.measurement import final_readout
from qiskit_qml_ext.primitives.targets.aer.noise import noise_of
from qiskit_qml_ext.primitives.targets.aer.primitives import Prepared

MAX_QUBITS = 16
"""Circuits on more qubits are sampled by Aer: 2¹⁶ probabilities of a row take 512 KiB."""

_METHODS = ("automatic", "statevector", "density_matrix")


def draws_from_probabilities(simulator: Any, circuit: QuantumCircuit) -> bool:
    """Tell whether a circuit's shots on a simulator are independent draws from probabilities that it can give."""
    if noise_of(simulator) is not None or getattr(simulator.options, "method", None) not in (None, *_METHODS):
        return False
    if circuit.num_qubits > MAX_QUBITS:
        return False
    if not all(isinstance(item.operation, (Gate, Barrier, Delay, Measure)) for item in circuit.data):
        return False
    try:
        return bool(final_readout(circuit).qubits)
    except UnsupportedCircuitError:
        return False


class AerSamplerOfRows(SamplerOfRows):
    """Draws shots from the probabilities of circuits for which :func:`draws_from_probabilities` holds.

    Args:
        simulator: The ``AerSimulator``.
        seeds: From :func:`~qiskit_qml_ext.primitives.exact.row_seeds.row_seeds`.
    """

    def __init__(self, simulator: Any, seeds: UintArray):
        super().__init__(seeds)
        self._simulator = simulator

    def _check(self, circuit: QuantumCircuit) -> None:
        """Do nothing: the simulator itself refuses what it cannot run."""

    def _probabilities(self, circuit: QuantumCircuit, values: FloatArray, qubits: tuple[int, ...]) -> FloatArray:
        from qiskit_aer.library import SaveProbabilities

        saved = circuit.copy_empty_like()
        for item in circuit.data:
            if not isinstance(item.operation, Measure):
                saved.append(item)
        saved.append(SaveProbabilities(len(qubits)), qubits)
        binds = {parameter: values[:, column] for column, parameter in enumerate(circuit.parameters)}
        run = Prepared(self._simulator, [circuit]).run([saved], parameter_binds=[binds], shots=1)
        result = run.result()
        probabilities = np.array([result.data(index)["probabilities"] for index in range(len(result.results))])
        return np.broadcast_to(
            np.maximum(probabilities, 0.0), (len(values), 2 ** len(qubits))
        )  # a density matrix rounds
