"""Exact fidelities: one state for each distinct sample, then the squared moduli of all inner products.

A circuit whose qubits fall into groups that never interact is a product, and so is its kernel: each group is simulated
alone. Encodings without entanglement therefore work for any number of features.
"""

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.kernels.samples import FloatArray, IndexArray
from qiskit_qml_ext.primitives import Connection


def exact_fidelities(
    connection: Connection, encoding: QuantumCircuit, x: FloatArray, y: FloatArray | None
) -> FloatArray:
    """Return |⟨φ(y_j)|φ(x_i)⟩|², shape (n, m); ``y=None`` means ``x`` again, with a diagonal of exactly 1.

    Args:
        connection: Does the simulation.
        encoding: The feature map's circuit; its parameters take the features in the order of ``encoding.parameters``.
        x: Samples, shape (n, features).
        y: Samples, shape (m, features), or ``None``.
    """
    product: FloatArray | None = None
    for factor, columns in independent_factors(encoding):
        kernel = _fidelities(connection, factor, x[:, columns], None if y is None else y[:, columns])
        product = kernel if product is None else np.multiply(product, kernel, out=product)
    assert product is not None
    return product


def independent_factors(circuit: QuantumCircuit) -> list[tuple[QuantumCircuit, IndexArray]]:
    """Split a circuit into factors that share no instruction.

    Returns:
        For each group of interacting qubits its circuit and the places of its parameters among the circuit's, in
        ascending order. The global phase is left out.
    """
    groups = _interacting_qubits(circuit)
    if len(groups) == 1:
        return [(circuit, np.arange(circuit.num_parameters))]
    place = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    factors = []
    for group in groups:
        factor = QuantumCircuit(len(group))
        new_index = {qubit: index for index, qubit in enumerate(group)}
        for instruction in circuit.data:
            qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
            if instruction.operation.name != "barrier" and qubits[0] in new_index:
                factor.append(instruction.operation, [new_index[qubit] for qubit in qubits])
        columns = np.array([place[parameter] for parameter in factor.parameters], dtype=np.intp)
        factors.append((factor, columns))
    return factors


def _interacting_qubits(circuit: QuantumCircuit) -> list[list[int]]:
    """List the groups of qubits that instructions join, directly or through others."""
    group_of = {qubit: {qubit} for qubit in range(circuit.num_qubits)}
    for instruction in circuit.data:
        if instruction.operation.name == "barrier" or len(instruction.qubits) < 2:
            continue
        joined = set().union(*(group_of[circuit.find_bit(qubit).index] for qubit in instruction.qubits))
        for qubit in joined:
            group_of[qubit] = joined
    return sorted({min(group): sorted(group) for group in group_of.values()}.values())


def _fidelities(connection: Connection, encoding: QuantumCircuit, x: FloatArray, y: FloatArray | None) -> FloatArray:
    samples, rows = _distinct(x)
    states = connection.statevectors(encoding, samples)
    if y is None:
        kernel: FloatArray = np.abs(states.conj() @ states.T) ** 2
        np.fill_diagonal(kernel, 1.0)
        columns = rows
    else:
        others, columns = _distinct(y)
        kernel = np.abs(states.conj() @ connection.statevectors(encoding, others).T) ** 2
    return kernel[np.ix_(rows, columns)]


def _distinct(samples: FloatArray) -> tuple[FloatArray, IndexArray]:
    """Return the distinct samples and, for each sample, its place among them."""
    if samples.shape[1] == 0:  # a factor without data: one state serves all samples
        return samples[:1], np.zeros(len(samples), dtype=np.intp)
    distinct, place = np.unique(samples, axis=0, return_inverse=True)
    return distinct, place.reshape(-1)
