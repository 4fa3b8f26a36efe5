"""Derivatives of the probabilities of outcomes, by the shift rules of the circuit's own gates."""

from dataclasses import dataclass, field

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import probabilities
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.gradients.methods.shifted_points import ShiftedPoints, shifted_points
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.measurement import RegisterReadout, final_readout
from qiskit_qml_ext.program import lower

_MAX_BITS = 62  # of an outcome, so that it is a positive integer of 64 bits


@dataclass(frozen=True, eq=False)
class OutcomeDerivatives:
    """Derivatives of outcome probabilities at B points."""

    outcomes: tuple[int, ...] = field(repr=False)
    """K outcomes as integers, bit i from bit i of the circuit's classical register; others were not seen."""
    probabilities: FloatArray = field(repr=False)
    """Shape (B, K)."""
    jacobian: FloatArray = field(repr=False)
    """Shape (B, K, P), columns in the order of ``circuit.parameters``."""


def outcome_derivatives(circuit: QuantumCircuit, values: FloatArray, connection: Connection) -> OutcomeDerivatives:
    """Return the probabilities of a measured circuit's outcomes and their derivatives.

    Args:
        circuit: A circuit with final measurements into one classical register.
        values: Parameter values, shape (B, P).
        connection: Where to run: exact probabilities, or frequencies of the connection's shots.

    Raises:
        UnsupportedCircuitError: The circuit has no or several classical registers, or cannot be lowered.
    """
    readout = final_readout(circuit)
    if len(readout.registers) != 1 or len(readout.registers[0].sources) > _MAX_BITS:
        raise UnsupportedCircuitError(
            f"Outcomes are integers of one classical register of at most {_MAX_BITS} bits, but the circuit has "
            f"{len(readout.registers)} registers of {[len(one.sources) for one in readout.registers]} bits. "
            "Measure into one (measure_all)."
        )
    shifted = shifted_points(circuit, values, range(circuit.num_parameters))
    outcomes, read = _chances(shifted, readout.qubits, readout.registers[0], connection)
    chances = read.reshape(*shifted.points.shape[:2], len(outcomes))
    return OutcomeDerivatives(outcomes, chances[:, 0], shifted.derivatives(chances))


def _chances(
    shifted: ShiftedPoints, qubits: tuple[int, ...], register: RegisterReadout, connection: Connection
) -> tuple[tuple[int, ...], FloatArray]:
    """Return outcomes and their probabilities, or frequencies, at each point."""
    points = shifted.rows
    if connection.is_exact:
        read = probabilities(
            lower(shifted.circuit), points, qubits=qubits, dtype=connection.dtype, max_memory=connection.max_memory
        )
        states = np.arange(1 << len(qubits))
        names = np.zeros(len(states), dtype=np.int64)
        for bit, source in enumerate(register.sources):
            if source >= 0:
                names |= (states >> source & 1) << bit
        outcomes, columns = np.unique(names, return_inverse=True)
        summed = np.zeros((len(outcomes), len(points)))
        np.add.at(summed, columns, read.T)
        return tuple(outcomes.tolist()), summed.T
    measured = shifted.circuit.copy()
    bits = ClassicalRegister(len(register.sources), register.name)
    measured.add_register(bits)
    for bit, source in zip(bits, register.sources, strict=True):
        if source >= 0:
            measured.measure(qubits[source], bit)
    counts: list[dict[int, int]] = [{} for _ in points]
    for rows, data in connection.sample(measured, points):
        for place, row in enumerate(range(*rows.indices(len(points)))):
            counts[row] = data[register.name].get_int_counts(place)
    seen = sorted(set().union(*counts))
    frequencies = np.array([[one.get(outcome, 0) / sum(one.values()) for outcome in seen] for one in counts])
    return tuple(seen), frequencies.reshape(len(points), len(seen))
