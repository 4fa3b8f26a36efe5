"""Outcomes of pairs of samples, and the kernels that they can be read as."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from qiskit_qml_ext.checks import one_of, wrong_kind
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel, ReinterpretedKernel
from qiskit_qml_ext.kernels.outcomes.read_pairs import ORDERS, check_counted, needs_both_orders
from qiskit_qml_ext.kernels.readings import (
    Definiteness,
    Reading,
    ReadoutErrors,
    definiteness_of,
    order_matters,
    reading_named,
    values_of,
)


@dataclass(frozen=True, eq=False)
class PairOutcomes(ABC):
    """Outcomes of U(y)†U(x) for all pairs that a kernel matrix needs."""

    num_qubits: int
    """The measured qubits, n."""
    encoding: Encoding
    """Prepares the states."""

    @property
    def commuting(self) -> bool:
        """Whether both orders of a pair have one distribution, as far as that can be seen."""
        return self.encoding.commutes

    @abstractmethod
    def raw(self, reading: Reading, *, both: bool, errors: ReadoutErrors | None = None) -> RawKernel:
        """Return the matrix of a reading with its errors.

        Args:
            reading: The reading.
            both: Whether it is the mean over both orders of each pair, instead of the first one.
            errors: Readout errors that are undone.

        Raises:
            ValueError: If only one order is there, or the errors cannot be undone.
        """

    def needs_both(self, reading: Reading, orders: str = "both") -> bool:
        """Tell whether the kernel of a reading is the mean over both orders of each pair."""
        return needs_both_orders(reading, self.num_qubits, self.encoding, orders=orders)

    def reinterpret(
        self,
        reading: str | Reading,
        *,
        tolerance: int | None = None,
        orders: str = "both",
        readout_correction: ReadoutErrors | None = None,
    ) -> ReinterpretedKernel:
        """Return another kernel of the same outcomes; see :meth:`KernelEstimate.reinterpret`."""
        if not isinstance(readout_correction, ReadoutErrors | None):
            raise wrong_kind(
                "readout_correction",
                "None or ReadoutErrors(…)",
                readout_correction,
                "What a device reports is known to a kernel on it: kernel.set_params(readout_correction='reported')"
                ".reinterpret(…, X).",
            )
        one_of("orders", orders, ORDERS)
        chosen = reading_named(reading, tolerance)
        check_counted(chosen, self.num_qubits, self.encoding)
        raw = self.raw(chosen, both=self.needs_both(chosen, orders), errors=readout_correction)
        stated = self._definiteness(chosen, orders)
        return ReinterpretedKernel(
            raw.matrix,
            raw.standard_errors,
            raw.matrix,
            raw.shots,
            raw.target,
            outcomes=self,
            applied=raw.applied,
            entry_shots=raw.entry_shots,
            reading=chosen.name,
            orders=orders,
            is_positive_semidefinite=stated.is_positive_semidefinite,
            reason=stated.reason,
        )

    def _definiteness(self, reading: Reading, orders: str) -> Definiteness:
        values = values_of(reading, self.num_qubits)
        if orders == "one" and order_matters(values, commuting=self.commuting):
            return Definiteness(False, "one order of each pair, filled in for both, is no kernel of the samples")
        return definiteness_of(values, commuting=self.commuting)
