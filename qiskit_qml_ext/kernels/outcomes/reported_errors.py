"""Whose readout errors a correction takes: the user's, or those that the device reports for the qubits it measures."""

from typing import Any

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.kernels.readings import ReadoutErrors
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.connection.views import packs_copies
from qiskit_qml_ext.primitives.measurement import final_readout

REPORTED = "reported"
"""The name of the device's own errors."""


def readout_errors_on(
    correction: ReadoutErrors | str | None, connection: Connection, circuit: QuantumCircuit
) -> ReadoutErrors | None:
    """Return the errors that are corrected, ``None`` for none.

    Args:
        correction: Errors, or ``"reported"``.
        connection: Where the circuit runs.
        circuit: The circuit, before transpilation, with one classical register.

    Raises:
        ValueError: If the device reports none, or copies of the circuit run on other qubits.
        TypeError: If the correction is of another kind.
    """
    if correction is None:
        return None
    expected = "None, 'reported' or ReadoutErrors(…)"
    if isinstance(correction, str) and correction != REPORTED:
        raise wrong_value("readout_correction", expected, correction)
    if not isinstance(correction, (str, ReadoutErrors)):
        raise wrong_kind("readout_correction", expected, correction)
    if isinstance(correction, ReadoutErrors) and correction.is_uniform:
        return correction
    if packs_copies(connection):
        raise ValueError(
            "readout_correction with an error for each qubit does not go with packing, where each copy of a circuit "
            "has qubits of its own. Give one rate for all qubits, or leave packing out."
        )
    return correction if isinstance(correction, ReadoutErrors) else _reported(connection, circuit)


def _reported(connection: Connection, circuit: QuantumCircuit) -> ReadoutErrors:
    """Return what the device reports for the qubits that the transpiled circuit measures."""
    ask = getattr(connection.backend, "properties", None)
    properties: Any = ask() if callable(ask) else None
    if properties is None:
        raise ValueError(
            f"{connection.target_name!r} reports no readout errors. Give them: readout_correction=ReadoutErrors(p, q)."
        )
    readout = final_readout(connection.isa_circuit(circuit))
    (register,) = readout.registers
    rates: list[tuple[float, float]] = []
    for source in register.sources:
        qubit = readout.qubits[source]
        known = properties.qubit_property(qubit)
        if not {"prob_meas1_prep0", "prob_meas0_prep1"} <= set(known):
            raise ValueError(
                f"{connection.target_name!r} does not report how often its qubit {qubit} reads 1 for 0 and 0 for 1. "
                "Give the errors: readout_correction=ReadoutErrors(p, q)."
            )
        rates.append((float(known["prob_meas1_prep0"][0]), float(known["prob_meas0_prep1"][0])))
    return ReadoutErrors(tuple(p for p, _ in rates), tuple(q for _, q in rates))
