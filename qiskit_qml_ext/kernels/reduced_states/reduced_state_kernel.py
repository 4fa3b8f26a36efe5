"""What the kernels of reduced states share: states that are simulated or measured once, and the plan of a run."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoded import EncodedKernel
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate
from qiskit_qml_ext.kernels.passed_qubits import not_counted
from qiskit_qml_ext.kernels.plan import spread_in_words
from qiskit_qml_ext.kernels.reduced_states.exact_projections import exact_values
from qiskit_qml_ext.kernels.reduced_states.local_circuit import local_circuit_on, pauli_turns
from qiskit_qml_ext.kernels.reduced_states.outcomes import LocalOutcomes
from qiskit_qml_ext.kernels.reduced_states.patches import Patch
from qiskit_qml_ext.kernels.reduced_states.paulis import PauliTable, pauli_table
from qiskit_qml_ext.kernels.reduced_states.projections import Projections, measured_paulis
from qiskit_qml_ext.kernels.reduced_states.settings import covering_settings
from qiskit_qml_ext.kernels.samples import check_pair, distinct_samples
from qiskit_qml_ext.primitives import RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits


class ReducedStateKernel(EncodedKernel):
    """A kernel of the states of few qubits at a time.

    A kernel of its own kind says which patches it looks at (:meth:`measured_patches`) and what it makes of them.
    """

    @abstractmethod
    def measured_patches(self, used: list[int]) -> tuple[Patch, ...]:
        """Return the patches whose states are measured, as positions among the qubits that the circuit uses."""

    @property
    def entries_are_fractions(self) -> bool:
        """Whether a measured entry is a fraction of its shots: no, it is made of products of such."""
        return False

    def circuit(self, num_features: int) -> QuantumCircuit:
        """Return the measured circuit of one sample, before transpilation: features, then two angles for each qubit."""
        return local_circuit_on(self._connection(), self._encoding(num_features)).circuit.copy()

    def num_settings(self, num_features: int) -> int:
        """Return the number of settings that each sample is measured in."""
        encoding = self._encoding(num_features)
        return len(covering_settings(*self._patches_of(encoding)))

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Say what measuring the samples will take, without running it.

        Args:
            x_vec: Samples, shape (n, features).
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.
            shots: Shots of every circuit; by default the connection's.
            price_per_minute: The price of a minute of processor time.
            entries: Mean and variance of the entries off the diagonal, where they are known.

        Returns:
            The plan; samples and settings that this process knows already are not counted.

        Raises:
            ValueError: If the data are not valid, or the kernel is exact and runs no circuits.
        """
        x, y = check_pair(x_vec, y_vec)
        connection, encoding = self._connection(), self._encoding(x.shape[1])
        if connection.is_exact:
            raise ValueError("An exact kernel runs no circuits, so there is nothing to plan. Connect to a device.")
        circuit, settings = local_circuit_on(connection, encoding), covering_settings(*self._patches_of(encoding))
        samples, _ = circuit.distinct(self._rows(x if y is None else np.concatenate([x, y])))
        values = LocalOutcomes(connection, circuit, shots=shots).missing(samples, pauli_turns(settings))
        plan = connection.plan([(circuit.circuit, values, shots)], price_per_minute=price_per_minute)
        plan = plan.with_advice(f"Each sample is measured in {len(settings)} settings.")
        return plan if entries is None else plan.with_advice(spread_in_words(entries[1]))

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Compute the kernel matrix with the standard error of each entry; see :meth:`evaluate`."""
        estimate = super().evaluate_with_errors(x_vec, y_vec)
        connection = self._connection()
        if connection.is_exact:
            return estimate
        x, y = check_pair(x_vec, y_vec)
        samples = self._rows(x if y is None else np.concatenate([x, y]))
        return replace(
            estimate, synthesis_error=local_circuit_on(connection, self._encoding(x.shape[1])).error(samples)
        )

    def _patches_of(self, encoding: Encoding) -> tuple[tuple[Patch, ...], int]:
        qubits = used_qubits(encoding.unitary)
        return self.measured_patches(qubits), len(qubits)

    def _refuse_passed(self, encoding: Encoding, patches: Iterable[Patch]) -> None:
        """Refuse patches with qubits that only pass a routed circuit.

        Args:
            encoding: Prepares the states.
            patches: Positions among the qubits that the circuit uses.

        Raises:
            ValueError: The message names these qubits.
        """
        used = used_qubits(encoding.unitary)
        seen = {used[place] for patch in patches for place in patch}
        passed = [qubit for qubit in encoding.passed if qubit in seen]
        if passed:
            raise not_counted(passed, f"This {type(self).__name__}")

    def _rows(self, samples: FloatArray) -> FloatArray:
        """Return the values of all parameters of the encoding's circuit for checked samples: the features."""
        return samples

    def _table(self, encoding: Encoding) -> PauliTable:
        return pauli_table(*self._patches_of(encoding))

    def _projections(self, x: FloatArray, y: FloatArray | None) -> tuple[Projections, IndexArray, IndexArray]:
        """Return the projections of the distinct samples, and that of each row and of each column."""
        connection, encoding = self._connection(), self._encoding(x.shape[1])
        x, y = self._rows(x), None if y is None else self._rows(y)
        samples = x if y is None else np.concatenate([x, y])
        if connection.is_exact:
            for factor in encoding.factors:
                check_domain(factor.program, factor.columns, x, y)
            distinct, places = distinct_samples(samples)
            index = np.arange(len(samples)) if places is None else places
            projections = Projections(exact_values(connection, encoding.factors, self._table(encoding), distinct))
        else:
            circuit = local_circuit_on(connection, encoding)
            distinct, index = circuit.distinct(samples)
            circuit.check(connection, x, y)
            projections = measured_paulis(connection, circuit, self._table(encoding), distinct).projections()
        return (projections, index, index) if y is None else (projections, index[: len(x)], index[len(x) :])
