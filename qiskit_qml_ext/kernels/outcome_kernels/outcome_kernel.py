"""What kernels share that read more off the outcomes of U(y)†U(x) than the fidelity."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.engine.first_look import PLAN_QUBITS, spread_rows
from qiskit_qml_ext.kernels.by_method import KernelByMethod
from qiskit_qml_ext.kernels.methods import Fidelities
from qiskit_qml_ext.kernels.outcomes.read_pairs import check_counted, needs_both_orders
from qiskit_qml_ext.kernels.outcomes.reported_errors import readout_errors_on
from qiskit_qml_ext.kernels.plan import moments_of
from qiskit_qml_ext.kernels.readings import (
    READINGS,
    Definiteness,
    ReadoutErrors,
    definiteness_of,
    order_matters,
    values_of,
)
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager


class OutcomeKernel(KernelByMethod):
    """A kernel K_f(x, y) = Σ_z f(|z|) p_z, p_z the probability of the outcome z of U(y)†U(x), for a function f.

    Unlike the fidelity, K_f(x, y) and K_f(y, x) differ unless the rotations of the feature map commute or its qubits do
    not interact: then both orders of each pair run, and an entry is their mean. What ran in one order for another
    kernel on the same connection is not run again. Where one order is enough, noise, which may tell the two apart, is
    not averaged over them, as it is not for the fidelity. Exact results simulate a state for each pair and order
    instead of one for each sample.

    Args:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``. A circuit's parameters take the features
            in the order of ``circuit.parameters``.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        method: ``"exact"``, ``"sampled"`` (or ``"inversion"``), or ``"auto"``: exact if the connection is.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to f(0), which is 1 for the
            readings of this package.
        orders: ``"both"`` for the mean over both orders of each pair wherever they may differ, at twice the circuits;
            ``"one"`` for one of them, fixed by the values of the two samples: as many circuits as the fidelity takes,
            but a matrix that is no kernel of the samples, and errors that do not say how far it is from the mean.
        keep: What is kept of the outcomes; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`.
        readout_correction: Readout errors that are undone; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`.
        shots: Shots of every circuit in place of the connection's; exact results are drawn then too.
        training_parameters: Parameters of a feature-map circuit that are not data; the other parameters take the
            features.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
        psd_repair: What to do with negative eigenvalues of a symmetric matrix; see
            :class:`~qiskit_qml_ext.kernels.FidelityKernel`.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import OutcomeKernel
        >>> class Parity:
        ...     name = "parity"
        ...
        ...     def values(self, num_qubits):
        ...         return (-1.0) ** np.arange(num_qubits + 1)
        >>> class ParityKernel(OutcomeKernel):
        ...     def reading(self):
        ...         return Parity()
        >>> ParityKernel(AngleFeatureMap()).evaluate([[0.0], [np.pi]]).round(6).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        connection: Connection | None = None,
        method: str = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
        orders: str = "both",
        keep: str = "weights",
        readout_correction: ReadoutErrors | str | None = None,
        shots: int | None = None,
        psd_repair: str | Repair | None = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        self.feature_map = feature_map
        self.connection = connection
        self.method = method
        self.sampler = sampler
        self.pass_manager = pass_manager
        self.run_diagonal = run_diagonal
        self.orders = orders
        self.keep = keep
        self.readout_correction = readout_correction
        self.shots = shots
        self.psd_repair = psd_repair
        self.training_parameters = training_parameters
        self.training_values = training_values

    def definiteness(self, num_features: int) -> Definiteness:
        """Say whether the exact kernel of so many features is positive semi-definite for this feature map, and why."""
        encoding = self._encoding(num_features)
        values = values_of(self.reading(), len(used_qubits(encoding.unitary)))
        check_counted(self.reading(), len(values) - 1, encoding)
        if self.orders == "one" and order_matters(values, commuting=encoding.commutes):
            return Definiteness(False, "one order of each pair, filled in for both, is no kernel of the samples")
        return definiteness_of(values, commuting=encoding.commutes)

    @property
    def unit_diagonal(self) -> bool:
        """Whether k(x, x) is 1 for every sample: if it is not measured and f(0) is known to be 1 for any width."""
        return super().unit_diagonal and type(self.reading()) in READINGS.values()

    @property
    def entries_are_fractions(self) -> bool:
        """No: entries are means of numbers that are read off outcomes."""
        return False

    def _advised(self, plan: RunPlan, wanted: Fidelities, entries: tuple[float, float] | None) -> RunPlan:
        moments = self._exact_moments(wanted) if entries is None else entries
        if moments is None:
            return plan
        values = values_of(wanted.reading, len(used_qubits(wanted.encoding.unitary)))
        both = needs_both_orders(wanted.reading, len(values) - 1, wanted.encoding, orders=wanted.orders)
        counted = self._counted(values, wanted)
        if counted is None:
            return plan
        noise = float(np.ptp(counted)) / (2 * math.sqrt(plan.shots * (1 + both)))
        spread = math.sqrt(max(moments[1], 0.0))
        return plan.with_advice(
            f"Without errors the entries vary by {spread:.3g} from pair to pair; the noise of {plan.shots:,} shots"
            f"{' in each order' if both else ''} is at most {noise:.3g}. A model may need many times more shots."
        )

    def _counted(self, values: FloatArray, wanted: Fidelities) -> FloatArray | None:
        """Return what outcomes count after the readout correction; None where there are too many to look at."""
        circuit = self.circuit(wanted.x.shape[1])
        errors = readout_errors_on(wanted.readout_correction, wanted.connection, circuit)
        if errors is None:
            return values
        if errors.is_uniform:
            return errors.corrected(values)
        n = len(values) - 1
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 if n <= PLAN_QUBITS else None
        return None if bits is None else errors.corrected(values, bits)

    def _exact_moments(self, wanted: Fidelities) -> tuple[float, float] | None:
        """Return mean and variance of the exact entries of some samples; None where a look takes too long."""
        if len(used_qubits(wanted.encoding.unitary)) > PLAN_QUBITS:
            return None
        samples, _ = distinct_samples(wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y]))
        few = spread_rows(samples)
        return moments_of(self.exact_copy().evaluate(few)[np.triu_indices(len(few), 1)])
