"""By how much what a device runs differs from a circuit's exact unitary."""

from collections.abc import Sequence

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Barrier

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.engine.first_look import PLAN_QUBITS, spread_rows
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import approximations, synthesised, unitary_part
from qiskit_qml_ext.program.unitary_part import is_directive

NOTICEABLE = 1e-9
"""A difference of states far above rounding and far below what any number of shots shows."""


def synthesis_error(exact: QuantumCircuit, run: QuantumCircuit, values: FloatArray) -> float | None:
    """Return the largest 1 - |⟨ψ_exact|ψ_run⟩|² over rows of parameter values, ``None`` where it cannot be computed.

    Args:
        exact: A unitary circuit.
        run: What runs in its place, on the same qubits, with some of its parameters.
        values: Values of the parameters of ``exact``, shape (rows, parameters); at most 40 rows, spread evenly, count.
    """
    qubits = used_qubits(exact)
    if len(qubits) > PLAN_QUBITS:
        return None
    few = spread_rows(values)
    place = {parameter: column for column, parameter in enumerate(exact.parameters)}
    states = []
    try:
        for circuit in (exact, run):
            columns = [place[parameter] for parameter in circuit.parameters]
            states.append(statevectors(circuit_on(circuit, qubits), few[:, columns]))
    except UnsupportedCircuitError:
        return None
    overlaps = np.abs(np.einsum("ij,ij->i", states[0].conj(), states[1])) ** 2
    return max(0.0, 1.0 - float(overlaps.min(initial=1.0)))


def approximation_in_words(target: str, names: Sequence[str], error: float | None) -> str:
    """Say that a target runs some instructions approximately, and by how much the states differ."""
    if error is None:
        said = f"how far the states that run are from the exact ones is not known (beyond {PLAN_QUBITS} qubits)"
    else:
        said = f"for these samples the states that run differ from the exact ones by 1 - |⟨exact|run⟩|² ≤ {error:.2g}"
    return _in_words(target, names, said)


def _in_words(target: str, names: Sequence[str], said: str) -> str:
    return (
        f"{target} runs {', '.join(map(repr, names))} as a product formula (Trotter), not as the exact exponential; "
        f"{said}. Higher orders or more steps, such as synthesis=SuzukiTrotter(order=2, reps=4), come closer."
    )


def warning_before_values(target: str, circuit: QuantumCircuit) -> str | None:
    """Say that a target will miss a circuit, before its parameters have values; ``None`` if it runs what is asked for.

    Args:
        target: The target's name.
        circuit: Any circuit; without parameters, differences that no number of shots shows are not worth a word.
    """
    names = approximations(circuit)
    if not names:
        return None
    if circuit.parameters:
        return _in_words(target, names, "by how much depends on the parameters; connection.plan says it for values")
    try:
        error = synthesis_error(unitary_part(circuit), synthesised(circuit), np.empty((1, 0)))
    except UnsupportedCircuitError:
        error = None
    if error is not None and error <= NOTICEABLE:
        return None
    return approximation_in_words(target, names, error)


def approximation_of(target: str, circuit: QuantumCircuit, values: FloatArray) -> str | None:
    """Say by how much a target that synthesises gates will miss a circuit; ``None`` if it runs what is asked for.

    Args:
        target: The target's name.
        circuit: Any circuit.
        values: Values of its parameters, shape (rows, parameters).
    """
    names = approximations(circuit)
    if not names:
        return None
    try:
        error = synthesis_error(unitary_part(circuit), synthesised(circuit), values)
    except UnsupportedCircuitError:
        error = None
    return approximation_in_words(target, names, error)


def used_qubits(circuit: QuantumCircuit) -> list[int]:
    """List the qubits on which something acts, ascending; barriers and delays do not."""
    acting = (item for item in circuit.data if not is_directive(item.operation))
    return sorted({circuit.find_bit(qubit).index for item in acting for qubit in item.qubits})


def circuit_on(circuit: QuantumCircuit, qubits: Sequence[int]) -> QuantumCircuit:
    """Return a unitary circuit on some of its qubits, numbered anew in their order, with its global phase.

    Args:
        circuit: A circuit that does nothing to the other qubits; barriers and delays there are left out.
        qubits: Indices of qubits.
    """
    narrow = QuantumCircuit(len(qubits), global_phase=circuit.global_phase)
    new_index = {circuit.qubits[qubit]: index for index, qubit in enumerate(qubits)}
    for item in circuit.data:
        chosen = [new_index[qubit] for qubit in item.qubits if qubit in new_index]
        if isinstance(item.operation, Barrier) and chosen:
            narrow.append(Barrier(len(chosen), label=item.operation.label), chosen)
        elif len(chosen) == len(item.qubits) or not is_directive(item.operation):
            narrow.append(item.operation, chosen)
    return narrow
