"""Fidelities by the inversion test: run U(y)†U(x) and count how often all qubits read 0.

Havlíček et al., arXiv:1804.11326: |⟨φ(y)|φ(x)⟩|² is the probability of the all-zeros outcome. With S shots its standard
error is √(k(1-k)/S).
"""

from dataclasses import replace
from warnings import warn

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel, ReinterpretedKernel
from qiskit_qml_ext.kernels.methods.inversion_circuit import InversionTest, inversion_test_on
from qiskit_qml_ext.kernels.methods.method import Fidelities
from qiskit_qml_ext.kernels.outcomes import OutcomeCounts, PairCounts, SampledOutcomes, readout_errors_on
from qiskit_qml_ext.kernels.outcomes.read_pairs import needs_both_orders
from qiskit_qml_ext.kernels.readings import ReadoutErrors, values_of
from qiskit_qml_ext.kernels.samples import DistinctPairs
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import NOTICEABLE, approximation_in_words


class InversionTestCounts:
    """Fidelities as the fraction of shots of U(y)†U(x) that read all zeros; an unordered pair of samples runs once.

    What else the outcomes say is kept, so that other readings of them need no other run.
    """

    name = "sampled"

    def reason(self, connection: Connection, encoding: Encoding) -> str | None:
        """Return why ``"auto"`` takes this method: any target that takes shots can run it."""
        return f"{connection.target_name!r} runs circuits with shots"

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Measure the matrix; what the connection knows already is not run again.

        Raises:
            ValueError: If a sample takes an angle out of its domain, or readout errors cannot be undone.

        Warns:
            ApproximateCircuitWarning: Once for each circuit, if the target runs it noticeably differently.
        """
        test = inversion_test_of(wanted.connection, wanted.encoding)
        warn_of_approximation(wanted, test)
        errors = _errors_undone(wanted, test)
        kept = self.outcomes(wanted)
        return kept.raw(wanted.reading, both=kept.needs_both(wanted.reading, wanted.orders), errors=errors)

    def reinterpreted(self, wanted: Fidelities) -> ReinterpretedKernel:
        """Return the matrix of the wanted reading from what is known; nothing runs.

        Raises:
            ValueError: If a pair is not known, or one order of it that the reading takes.
        """
        errors = _errors_undone(wanted, inversion_test_of(wanted.connection, wanted.encoding))
        kept = self.outcomes(replace(wanted, may_run=False))
        return kept.reinterpret(wanted.reading, orders=wanted.orders, readout_correction=errors)

    def outcomes(self, wanted: Fidelities) -> SampledOutcomes:
        """Return the counts of the matrix; what the connection knows already is not run again.

        Raises:
            ValueError: If a sample takes an angle out of its domain, or something may not run that is not known.
        """
        connection, test = wanted.connection, inversion_test_of(wanted.connection, wanted.encoding)
        if test.program is not None:
            check_domain(test.program, test.columns, wanted.x, wanted.y)
        errors = _errors_undone(wanted, test)
        keep = wanted.keep if errors is None or errors.is_uniform else "outcomes"
        needed = wanted.pairs()
        pairs = pairs_to_run(needed, wanted.run_diagonal)
        orders = self._counted(wanted, test, keep, needed.samples, pairs)
        split = slice(0, len(needed.pairs))
        return SampledOutcomes(
            num_qubits=test.num_qubits,
            encoding=wanted.encoding,
            needed=needed,
            counts=tuple(one.part(split) for one in orders),
            same=orders[0].part(slice(split.stop, None)) if wanted.run_diagonal else None,
            shots=connection.shots,
            target=connection.target_name,
        )

    def _counted(
        self, wanted: Fidelities, test: InversionTest, keep: str, samples: FloatArray, pairs: IndexArray
    ) -> list[PairCounts]:
        """Return the counts of pairs, in the first order and, if it is wanted and may run or is known, the other."""
        counts = OutcomeCounts(wanted.connection, test, keep=keep)
        return counts.of(samples, pairs, both=wants_both(wanted, test), run=wanted.may_run)

    def circuit(self, connection: Connection, encoding: Encoding) -> QuantumCircuit:
        """Return the measured circuit U(y)†U(x), before transpilation."""
        return inversion_test_of(connection, encoding).circuit.copy()

    def plan(self, wanted: Fidelities, *, shots: int | None = None, price_per_minute: float | None = None) -> RunPlan:
        """Say what the circuits of the pairs that are not known yet will take."""
        connection, test = wanted.connection, inversion_test_of(wanted.connection, wanted.encoding)
        needed = wanted.pairs()
        pairs = pairs_to_run(needed, wanted.run_diagonal)
        both = wants_both(wanted, test)
        values = OutcomeCounts(connection, test, shots=shots).missing(needed.samples, pairs, both=both)
        plan = connection.plan([(test.circuit, values, shots)], price_per_minute=price_per_minute)
        return self._with_approximation(plan, wanted, test)

    def _with_approximation(self, plan: RunPlan, wanted: Fidelities, test: InversionTest) -> RunPlan:
        """Return a plan that says by how much the target runs other states, if it does."""
        if not test.approximated:
            return plan
        error = self.synthesis_error(wanted)
        return plan.with_advice(approximation_in_words(wanted.connection.target_name, test.approximated, error))

    def synthesis_error(self, wanted: Fidelities) -> float | None:
        """Return by how much the states that run differ from the encoding's; see :meth:`InversionTest.error`."""
        return error_of_states(wanted, inversion_test_of(wanted.connection, wanted.encoding))


def warn_of_approximation(wanted: Fidelities, test: InversionTest) -> None:
    """Warn, once for each circuit, if the target runs states that are noticeably different from the encoding's."""
    connection = wanted.connection
    if test.approximated and connection.results.first(("said", test.key)):
        error = error_of_states(wanted, test)
        if error is None or error > NOTICEABLE:
            said = approximation_in_words(connection.target_name, test.approximated, error)
            warn(said, ApproximateCircuitWarning, stacklevel=5)


def error_of_states(wanted: Fidelities, test: InversionTest) -> float | None:
    """Return by how much the states that run differ from the encoding's; see :meth:`InversionTest.error`."""
    return test.error(wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y]))


def inversion_test_of(connection: Connection, encoding: Encoding) -> InversionTest:
    """Return what a connection runs for an encoding."""
    return inversion_test_on(connection, *encoding.circuit_for(connection))


def wants_both(wanted: Fidelities, test: InversionTest) -> bool:
    """Tell whether the wanted reading takes both orders of each pair."""
    return needs_both_orders(wanted.reading, test.num_qubits, wanted.encoding, orders=wanted.orders)


def _errors_undone(wanted: Fidelities, test: InversionTest) -> ReadoutErrors | None:
    """Return the readout errors that are undone, refused before anything runs where they are too large."""
    errors = readout_errors_on(wanted.readout_correction, wanted.connection, test.circuit)
    if errors is not None:
        errors.check_size(values_of(wanted.reading, test.num_qubits), wanted.connection.shots)
    return errors


def pairs_to_run(needed: DistinctPairs, run_diagonal: bool) -> IndexArray:
    """Return the pairs that run: those of different samples, then those of samples with themselves, if they run."""
    if not run_diagonal:
        return needed.pairs
    return np.concatenate([needed.pairs, np.stack([needed.same, needed.same], axis=1)])
