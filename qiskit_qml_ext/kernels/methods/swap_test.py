"""Fidelities by the swap test: two registers, one with each state, swapped under the control of one more qubit.

Buhrman et al., arXiv:quant-ph/0102001: the control reads 0 with the probability (1 + Tr ρσ)/2, so k̂ = 2 P(0) - 1, with
the variance (1 - k²)/S for S shots. The estimate is unbiased, and negative where fewer than half of the shots read 0.
"""

from dataclasses import dataclass

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.arrays import IndexArray
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.methods.inversion_circuit import REGISTER, InversionTest
from qiskit_qml_ext.kernels.methods.inversion_test import (
    error_of_states,
    inversion_test_of,
    pairs_to_run,
    warn_of_approximation,
)
from qiskit_qml_ext.kernels.methods.method import Fidelities
from qiskit_qml_ext.kernels.outcomes import OutcomeCounts, PairCounts, readout_errors_on
from qiskit_qml_ext.kernels.outcomes.read_pairs import ReadPairs, means_of_histograms
from qiskit_qml_ext.kernels.readings import ReadoutErrors
from qiskit_qml_ext.primitives import Connection, RunPlan, circuit_key
from qiskit_qml_ext.primitives.approximation import approximation_in_words, circuit_on, used_qubits
from qiskit_qml_ext.primitives.content import renamed

_MAX_KEPT_TESTS = 256  # of feature maps; a kernel that is trained has another one at each step
_CONTROL = np.array([1.0, -1.0])  # what a control that reads 0, or 1, counts in k̂


@dataclass(frozen=True, eq=False)
class SwapTest:
    """What a target runs for a feature map."""

    circuit: QuantumCircuit
    """The measured circuit on 2n + 1 qubits; its parameters are those of x, then those of y."""
    key: str
    """Its content key."""
    columns: IndexArray
    """The features that the feature map depends on, ascending."""


class SwapTestCounts:
    """Fidelities as 2 P(0) - 1 of the control of a swap test.

    It takes 2n + 1 qubits where the inversion test takes n, but half of its depth, and is right for states that noise
    made mixed in their preparation: it gives Tr ρσ. So a sample against itself has its purity, which is measured with
    ``run_diagonal=True``. ``"auto"`` does not take it: the inversion test has a smaller variance and fewer qubits.
    """

    name = "swap"

    def reason(self, connection: Connection, encoding: Encoding) -> str | None:
        """Return ``None``: it is taken where it is asked for."""
        return None

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Measure the matrix; what the connection knows already is not run again.

        Raises:
            ValueError: If a sample takes an angle out of its domain, outcomes are to be kept that this circuit does not
                have, or readout errors cannot be undone.

        Warns:
            ApproximateCircuitWarning: Once for each circuit, if the target runs it noticeably differently.
        """
        _refuse_kept_outcomes(wanted)
        connection, (test, prepared) = wanted.connection, _tests_of(wanted.connection, wanted.encoding)
        errors = readout_errors_on(wanted.readout_correction, connection, test.circuit)
        if errors is not None:
            errors.check_size(_CONTROL, connection.shots)
        if prepared.program is not None:
            check_domain(prepared.program, prepared.columns, wanted.x, wanted.y)
        warn_of_approximation(wanted, prepared)
        needed = wanted.pairs()
        (counts,) = OutcomeCounts(connection, test).of(needed.samples, pairs_to_run(needed, wanted.run_diagonal))
        split = len(needed.pairs)
        read, itself = (_read(counts.part(part), errors) for part in (slice(0, split), slice(split, None)))
        same = itself if wanted.run_diagonal else ReadPairs(np.ones(len(needed.same)), np.zeros(len(needed.same)))
        return RawKernel(
            needed.fill(read.means, same.means),
            needed.fill(read.errors, same.errors),
            int(counts.shots.min()) if counts.shots.size else connection.shots,
            connection.target_name,
            applied=() if errors is None else (str(errors),),
        )

    def of_mixed_state(self, num_qubits: int) -> float:
        """Return 0: the control of a circuit of which nothing survived reads 0 and 1 alike, so that 2 P(0) - 1 is 0."""
        return 0.0

    def circuit(self, connection: Connection, encoding: Encoding) -> QuantumCircuit:
        """Return the measured circuit, before transpilation."""
        return _tests_of(connection, encoding)[0].circuit.copy()

    def plan(self, wanted: Fidelities, *, shots: int | None = None, price_per_minute: float | None = None) -> RunPlan:
        """Say what the circuits of the pairs that are not known yet will take."""
        _refuse_kept_outcomes(wanted)
        connection, (test, prepared) = wanted.connection, _tests_of(wanted.connection, wanted.encoding)
        needed = wanted.pairs()
        values = OutcomeCounts(connection, test, shots=shots).missing(
            needed.samples, pairs_to_run(needed, wanted.run_diagonal)
        )
        plan = connection.plan([(test.circuit, values, shots)], price_per_minute=price_per_minute)
        if not prepared.approximated:
            return plan
        error = error_of_states(wanted, prepared)
        return plan.with_advice(approximation_in_words(connection.target_name, prepared.approximated, error))

    def synthesis_error(self, wanted: Fidelities) -> float | None:
        """Return by how much the states that run differ from the encoding's."""
        return error_of_states(wanted, inversion_test_of(wanted.connection, wanted.encoding))


def swap_test(unitary: QuantumCircuit) -> QuantumCircuit:
    """Return the measured swap test of the states that a circuit U prepares from zeros.

    Its parameters are ``ParameterVector("left", d)`` for x and ``ParameterVector("right", d)`` for y, d those of U in
    order. Qubit 0 is the control; it is measured into the register ``"meas"``.

    Args:
        unitary: U, on qubits that it uses.
    """
    n, parameters = unitary.num_qubits, list(unitary.parameters)
    circuit = QuantumCircuit(QuantumRegister(2 * n + 1, "q"), ClassicalRegister(1, REGISTER), name="swap_test")
    for side, name in enumerate(("left", "right")):
        vector = ParameterVector(name, len(parameters))
        half = renamed(unitary, dict(zip(parameters, vector, strict=True)))
        circuit.compose(half, range(1 + side * n, 1 + (side + 1) * n), inplace=True)
    circuit.h(0)
    for qubit in range(1, n + 1):
        circuit.cswap(0, qubit, qubit + n)
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


def _refuse_kept_outcomes(wanted: Fidelities) -> None:
    if wanted.keep != "weights":
        raise ValueError(f"keep={wanted.keep!r} goes with method='sampled': a swap test measures its control only.")


def _tests_of(connection: Connection, encoding: Encoding) -> tuple[SwapTest, InversionTest]:
    """Return what a connection runs for an encoding, and the inversion test, whose U prepares the states of both."""
    prepared = inversion_test_of(connection, encoding)
    made = connection.results.once("swap tests", prepared.key, lambda: _made(prepared), limit=_MAX_KEPT_TESTS)
    return made, prepared


def _made(prepared: InversionTest) -> SwapTest:
    unitary = circuit_on(prepared.unitary, used_qubits(prepared.unitary))
    circuit = swap_test(unitary)
    return SwapTest(circuit, circuit_key(circuit), prepared.columns)


def _read(counts: PairCounts, errors: ReadoutErrors | None) -> ReadPairs:
    return means_of_histograms(counts.histograms, _CONTROL if errors is None else errors.mean.corrected(_CONTROL))
