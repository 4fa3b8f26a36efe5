"""Wires of a routed circuit on which no qubit of the feature map ends, which kernels must not count."""

from collections.abc import Iterator, Sequence

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.kernels.factors import Factor

_MAX_QUBITS = 16  # of a group whose state is looked at
_NOTHING = 1e-20  # a probability: that of a wire that only swaps pass is a square of rounding


def passed_qubits(circuit: QuantumCircuit, used: Sequence[int], factors: Sequence[Factor]) -> tuple[int, ...]:
    """Return used qubits that interact with others but end in |0⟩ for every input, ascending.

    Where a group of qubits is small enough, its state at arbitrary values of the parameters decides: a probability is
    an analytic function of them, so that it is 0 everywhere if it is 0 there. In a circuit that was transpiled, wires
    count too that held no qubit of the feature map at its beginning, if so many states are not looked at.

    Args:
        circuit: The encoding, with its layout if it was transpiled.
        used: Its qubits on which something acts.
        factors: Its groups of interacting qubits.
    """
    looked_at = {qubit for factor in factors if factor.program.num_qubits <= _MAX_QUBITS for qubit in factor.qubits}
    passed = {qubit for factor in factors if 2 <= factor.program.num_qubits <= _MAX_QUBITS for qubit in _zeros(factor)}
    if circuit.layout is not None:
        began = circuit.layout.initial_index_layout(filter_ancillas=True)
        passed |= set(used) - looked_at - set(began)
    return tuple(sorted(passed))


def _zeros(factor: Factor) -> Iterator[int]:
    values = np.random.default_rng(0).uniform(0.1, 0.9, (1, factor.program.num_parameters))
    with np.errstate(all="ignore"):  # an angle out of its domain is refused where the samples are
        state = statevectors(factor.program, values)[0]
    weights = np.abs(state) ** 2
    for place, qubit in enumerate(factor.qubits):
        reads_one = (np.arange(len(weights)) >> place & 1).astype(bool)
        if weights[reads_one].sum() < _NOTHING:
            yield qubit


def not_counted(passed: Sequence[int], what: str) -> ValueError:
    """Return the error for a kernel that would count such wires.

    Args:
        passed: The wires.
        what: What counts qubits, in words.
    """
    wires = ", ".join(map(str, passed))
    return ValueError(
        f"Qubits {wires} of the feature map end in |0⟩ for every input although gates join them to others: in a "
        f"circuit that was transpiled, swaps moved another qubit over such wires. {what} would count them, and "
        "would depend on the routing. Give the feature map before transpilation; the connection transpiles it."
    )
