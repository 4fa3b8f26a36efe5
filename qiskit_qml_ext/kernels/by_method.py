"""Kernels that are read off U(y)†U(x), by a method that the user may choose."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import one_of
from qiskit_qml_ext.kernels.adaptive.even_errors import EvenErrors, even_errors_of, number_of
from qiskit_qml_ext.kernels.adaptive.even_inversion import EvenInversionTest
from qiskit_qml_ext.kernels.encoded import EncodedKernel
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel, ReinterpretedKernel
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal, fidelity_of_mixed_state
from qiskit_qml_ext.kernels.methods import (
    ChosenMethod,
    CircuitMethod,
    Fidelities,
    FidelityMethod,
    OutcomeMethod,
    ReadsMixedState,
    choose_circuit_method,
    choose_method,
    method_named,
)
from qiskit_qml_ext.kernels.methods.inversion_test import InversionTestCounts
from qiskit_qml_ext.kernels.outcomes import KEPT, ORDERS
from qiskit_qml_ext.kernels.outcomes.read_pairs import check_counted, needs_both_orders
from qiskit_qml_ext.kernels.readings import (
    FidelityReading,
    Reading,
    ReadoutErrors,
    reading_named,
    values_of,
    walsh_coefficients,
)
from qiskit_qml_ext.kernels.repairs import needs_diagonal, steps_of
from qiskit_qml_ext.kernels.samples import check_pair
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits
from qiskit_qml_ext.primitives.connection.views import with_shots


class KernelByMethod(EncodedKernel):
    """A kernel that is read off the outcomes of U(y)†U(x), or off fidelities.

    Attributes:
        method: A method or its name, or ``"auto"``.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to its exact value.
        keep: What is kept of the outcomes besides their Hamming weights.
        readout_correction: Readout errors that are undone.
        shots: Shots in place of the connection's, or how they are given out.
        orders: ``"both"`` if readings for which the order of a pair matters are means over both orders, else ``"one"``.
    """

    method: str | FidelityMethod = "auto"
    run_diagonal: bool = False
    keep: str = "weights"
    readout_correction: ReadoutErrors | str | None = None
    shots: int | str | EvenErrors | None = None
    orders: str = "both"

    @abstractmethod
    def reading(self) -> Reading:
        """Return what is read off the outcomes."""

    @abstractmethod
    def _advised(self, plan: RunPlan, wanted: Fidelities, entries: tuple[float, float] | None) -> RunPlan:
        """Return a plan with what its shots are worth.

        Args:
            plan: The plan.
            wanted: What is planned.
            entries: Mean and variance of the entries off the diagonal, where they are known.
        """

    def chosen_method(self, num_features: int) -> ChosenMethod:
        """Return the method that finds the kernel of so many features, and why it is the one."""
        return choose_method(self.method, self._connection(), self._encoding(num_features))

    def circuit(self, num_features: int) -> QuantumCircuit:
        """Return the measured circuit that the method runs, before transpilation; U(y)†U(x) for exact results.

        Where the target synthesises gates, they are synthesised; a feature map on a device's own qubits stays there.
        """
        connection, encoding = self._connection(), self._encoding(num_features)
        return choose_circuit_method(self.method, connection, encoding).circuit(connection, encoding)

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy of the kernel whose circuits run through another connection; ``None`` for exact results.

        Its method stays if it runs circuits; else ``"auto"`` takes its place. Exact results have no readout to correct
        and no shots.
        """
        copy = super().with_connection(connection)
        if connection is None:
            copy = copy._copy_with(readout_correction=None, shots=None)
        return copy if self._asks_for_circuits() else copy.set_params(method="auto")

    def exact_copy(self) -> Self:
        """Return a copy of the kernel with exact results, without a repair and without a measured diagonal."""
        method = "exact" if self._asks_for_circuits() else self.method  # that of wide circuits simulates as well
        return super().exact_copy().set_params(method=method, run_diagonal=False)

    def _asks_for_circuits(self) -> bool:
        """Whether the method is one that runs circuits, by its name."""
        return self.method != "auto" and isinstance(method_named(self.method), CircuitMethod)

    def _connection(self, *, draws: bool = False) -> Connection:
        """Return where circuits run, with the kernel's shots if it has some: exact results are drawn then too."""
        own = number_of(self.shots)
        connection = super()._connection(draws=draws or self.shots is not None)
        return connection if own is None else with_shots(connection, own)

    def _method(self, wanted: Fidelities) -> FidelityMethod:
        """Return the method that finds what is wanted, with the shots that it takes.

        Raises:
            ValueError: If it takes no shots, or cannot choose them, but the kernel says so.
        """
        method = choose_method(self.method, wanted.connection, wanted.encoding).method
        if not isinstance(wanted.reading, FidelityReading) and not isinstance(method, OutcomeMethod):
            raise _no_outcomes(method.name)
        if self.shots is None:
            return method
        even = even_errors_of(self.shots)
        if even is not None:
            even.with_shots_of(wanted.connection.shots)
        if not isinstance(method, CircuitMethod):
            raise ValueError(
                f"shots={self.shots!r} goes with a method that runs circuits, but method={method.name!r} is exact. "
                "Leave one of them out."
            )
        return method if even is None else self._even_method(method, even, wanted)

    def _even_method(self, method: CircuitMethod, even: EvenErrors, wanted: Fidelities) -> FidelityMethod:
        """Return the method that gives each pair shots of its own."""
        if type(method) is not InversionTestCounts or not isinstance(self.reading(), FidelityReading):
            raise self._no_fractions(method, wanted)
        if self.readout_correction is not None and wanted.may_run:
            raise ValueError(
                f"shots={self.shots!r} promises an error of fractions as they are read, not of corrected ones. "
                "Leave readout_correction out, say keep='outcomes', which errors of single qubits need, and correct "
                "what was read, kernel.set_params(readout_correction=…).reinterpret('fidelity', X); or give a whole "
                "number of shots."
            )
        return EvenInversionTest(even)

    def _no_fractions(self, method: CircuitMethod, wanted: Fidelities) -> ValueError:
        """Return the error for entries that are no fractions of shots, with what works in place of them."""
        what, instead = f"method={method.name!r}", ", or take method='sampled'"
        if not isinstance(self.reading(), FidelityReading):
            what, num_qubits = type(self).__name__, len(used_qubits(wanted.encoding.unitary))
            both = needs_both_orders(self.reading(), num_qubits, wanted.encoding, orders=wanted.orders)
            instead = "" if both else ", or take FidelityKernel(method='sampled') and its reinterpret"
        return ValueError(
            f"shots={self.shots!r} is for fidelities by the inversion test, whose entries are fractions of shots, but "
            f"those of {what} are not. Give a whole number{instead}."
        )

    def _wanted(self, x: FloatArray, y: FloatArray | None, reading: Reading) -> Fidelities:
        encoding = self._encoding(x.shape[1])
        if not isinstance(reading, FidelityReading):
            check_counted(reading, len(used_qubits(encoding.unitary)), encoding)
        return Fidelities(
            self._connection(draws=self._asks_for_circuits()),
            encoding,
            x,
            y,
            self.run_diagonal,
            every_diagonal=self.run_diagonal and needs_diagonal(steps_of(self.psd_repair)),
            keep=one_of("keep", self.keep, list(KEPT)),
            readout_correction=self.readout_correction,
            reading=reading,
            orders=one_of("orders", self.orders, ORDERS),
        )

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair."""
        wanted = self._wanted(x, y, self.reading())
        return self._method(wanted).estimate(wanted)

    @property
    def unit_diagonal(self) -> bool:
        """Whether k(x, x) is 1 for every sample: yes, unless it is measured."""
        return not self.run_diagonal

    def check_measures_diagonal(self) -> None:
        """Refuse, before anything is run, a repair that needs a measured diagonal where none is measured."""
        if not self.run_diagonal:
            raise ValueError(
                "A repair needs the measured kernel of samples with themselves, but run_diagonal=False sets it to 1. "
                "Set run_diagonal=True."
            )

    def measured_diagonal(self, samples: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return k(x, x) of checked samples as the target gives it, and its standard errors, each of shape (n,)."""
        self.check_measures_diagonal()
        wanted = replace(self._wanted(samples, None, self.reading()), only_diagonal=True)
        raw = self._method(wanted).estimate(wanted)
        return np.diagonal(raw.matrix).copy(), np.diagonal(raw.standard_errors).copy()

    def _diagonal_for_repairs(self, rows: FloatArray, columns: FloatArray) -> MeasuredDiagonal:
        """Return what a repair gets, with what this method and reading give a mixed state and one without noise."""
        reading, method = self.reading(), self.chosen_method(rows.shape[1]).method
        of_mixed_state: Callable[[int], float] = fidelity_of_mixed_state
        if isinstance(method, ReadsMixedState):
            of_mixed_state = method.of_mixed_state
        elif not isinstance(reading, FidelityReading):
            of_mixed_state = partial(_mean_reading, reading)
        return replace(
            super()._diagonal_for_repairs(rows, columns),
            of_mixed_state=of_mixed_state,
            noise_free=partial(_reading_of_zeros, reading),
        )

    def _synthesis_error(self, x: FloatArray, y: FloatArray | None) -> float | None:
        wanted = replace(self._wanted(x, y, self.reading()), may_run=False)
        method = self._method(wanted)
        return method.synthesis_error(wanted) if isinstance(method, CircuitMethod) else 0.0

    def reinterpret(
        self,
        reading: str | Reading,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        tolerance: int | None = None,
        orders: str = "both",
    ) -> ReinterpretedKernel:
        """Return another kernel of samples that were evaluated, from the same outcomes: nothing runs.

        What this process does not know is read from the connection's journal, if it has one. Exact kernels compute it
        from states. The kernel's ``readout_correction`` is applied, ``psd_repair`` is not.

        Args:
            reading: ``"fidelity"``, ``"bit_flip_tolerant"``, ``"hamming"``, or a reading of your own; see
                :meth:`KernelEstimate.reinterpret`.
            x_vec: Samples, shape (n, features).
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.
            tolerance: How many qubits may read 1 in ``"bit_flip_tolerant"``, 1 by default.
            orders: ``"both"`` for the mean over both orders of each pair, where they may differ; ``"one"`` for the one
                that ran.

        Returns:
            The kernel matrix with its standard errors.

        Raises:
            ValueError: If pairs of these samples have not run, or only in one order where both are needed, or the
                method keeps no outcomes, or the outcomes cannot give this kernel.
        """
        one_of("orders", orders, ORDERS)
        x, y = check_pair(x_vec, y_vec)
        wanted = replace(self._wanted(x, y, reading_named(reading, tolerance)), orders=orders, may_run=False)
        method = self._method(wanted)
        if not isinstance(method, OutcomeMethod):
            raise _no_outcomes(method.name)
        return replace(method.reinterpreted(wanted), synthesis_error=self._synthesis_error(x, y))

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Say what the sampled kernel matrix will take, and how its noise compares with its spread, without running it.

        Args:
            x_vec: Samples, shape (n, features).
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.
            shots: Shots of every circuit; by default what ``shots=`` of the kernel says, or the connection's.
            price_per_minute: The price of a minute of processor time.
            entries: Mean and variance of the entries off the diagonal, where they are known; by default those of up to
                40 samples are simulated, on up to 12 qubits.

        Returns:
            The plan; pairs that this process knows already are not counted. With adaptive shots it is the most that may
            run, and ``expected_executions`` what is expected; with a number of shots given here, that of uniform ones.

        Raises:
            ValueError: If the data are not valid, or the kernel is exact and runs no circuits.
        """
        x, y = check_pair(x_vec, y_vec)
        wanted = replace(self._wanted(x, y, self.reading()), moments=entries)
        method = self._method(wanted)
        if not isinstance(method, CircuitMethod):
            raise ValueError("An exact kernel runs no circuits, so there is nothing to plan. Connect to a device.")
        if isinstance(method, EvenInversionTest) and shots is None:
            return method.plan(wanted, price_per_minute=price_per_minute)
        uniform = choose_circuit_method(self.method, wanted.connection, wanted.encoding)
        return self._advised(uniform.plan(wanted, shots=shots, price_per_minute=price_per_minute), wanted, entries)


def _mean_reading(reading: Reading, num_qubits: int) -> float:
    """Return the mean of a reading over all outcomes alike."""
    return float(walsh_coefficients(values_of(reading, num_qubits))[0])


def _reading_of_zeros(reading: Reading, num_qubits: int) -> float:
    return float(values_of(reading, num_qubits)[0])


def _no_outcomes(method: str) -> ValueError:
    return ValueError(
        f"method={method!r} finds fidelities only; other kernels are read off the outcomes of U(y)†U(x). Take "
        "method='sampled' or 'exact'."
    )
