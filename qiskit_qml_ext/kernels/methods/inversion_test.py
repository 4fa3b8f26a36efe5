"""Fidelities by the inversion test: run U(y)†U(x) and count how often all qubits read 0.

Havlíček et al., arXiv:1804.11326: |⟨φ(y)|φ(x)⟩|² is the probability of the all-zeros outcome. With S shots its standard
error is √(k(1-k)/S).
"""

from warnings import warn

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import IndexArray
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.methods.inversion_circuit import InversionTest, inversion_test_on
from qiskit_qml_ext.kernels.methods.method import Fidelities
from qiskit_qml_ext.kernels.methods.zero_counts import ZeroCounts, binomial_error
from qiskit_qml_ext.kernels.samples import DistinctPairs
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import NOTICEABLE, approximation_in_words


class InversionTestCounts:
    """Fidelities as the fraction of shots of U(y)†U(x) that read all zeros; an unordered pair of samples runs once."""

    name = "sampled"

    def reason(self, connection: Connection, encoding: Encoding) -> str | None:
        """Return why ``"auto"`` takes this method: any target that takes shots can run it."""
        return f"{connection.target_name!r} runs circuits with shots"

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Measure the matrix; what the connection knows already is not run again.

        Raises:
            ValueError: If a sample takes an angle out of its domain.

        Warns:
            ApproximateCircuitWarning: Once for each circuit, if the target runs it noticeably differently.
        """
        connection, test = wanted.connection, _test_of(wanted.connection, wanted.encoding)
        if test.program is not None:
            check_domain(test.program, test.columns, wanted.x, wanted.y)
        if test.approximated and connection.results.first(("said", test.key)):
            error = self.synthesis_error(wanted)
            if error is None or error > NOTICEABLE:
                said = approximation_in_words(connection.target_name, test.approximated, error)
                warn(said, ApproximateCircuitWarning, stacklevel=4)
        needed = wanted.pairs()
        zeros, shots = ZeroCounts(connection, test).of(needed.samples, _pairs_to_run(needed, wanted.run_diagonal))
        values, errors = zeros / np.maximum(shots, 1), binomial_error(zeros, np.maximum(shots, 1))
        split = len(needed.pairs)
        same = (values[split:], errors[split:]) if wanted.run_diagonal else (np.ones(len(needed.same)), 0.0)
        return RawKernel(
            needed.fill(values[:split], np.asarray(same[0])),
            needed.fill(errors[:split], np.asarray(same[1])),
            int(shots.min()) if shots.size else connection.shots,
            connection.target_name,
        )

    def circuit(self, connection: Connection, encoding: Encoding) -> QuantumCircuit:
        """Return the measured circuit U(y)†U(x), before transpilation."""
        return _test_of(connection, encoding).circuit.copy()

    def plan(self, wanted: Fidelities, *, shots: int | None = None, price_per_minute: float | None = None) -> RunPlan:
        """Say what the circuits of the pairs that are not known yet will take."""
        connection, test = wanted.connection, _test_of(wanted.connection, wanted.encoding)
        needed = wanted.pairs()
        pairs = _pairs_to_run(needed, wanted.run_diagonal)
        values = ZeroCounts(connection, test, shots=shots).missing(needed.samples, pairs)
        plan = connection.plan([(test.circuit, values, shots)], price_per_minute=price_per_minute)
        if not test.approximated:
            return plan
        error = self.synthesis_error(wanted)
        return plan.with_advice(approximation_in_words(connection.target_name, test.approximated, error))

    def synthesis_error(self, wanted: Fidelities) -> float | None:
        """Return by how much the states that run differ from the encoding's; see :meth:`InversionTest.error`."""
        samples = wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y])
        return _test_of(wanted.connection, wanted.encoding).error(samples)


def _test_of(connection: Connection, encoding: Encoding) -> InversionTest:
    return inversion_test_on(connection, *encoding.circuit_for(connection))


def _pairs_to_run(needed: DistinctPairs, run_diagonal: bool) -> IndexArray:
    if not run_diagonal:
        return needed.pairs
    return np.concatenate([needed.pairs, np.stack([needed.same, needed.same], axis=1)])
