"""What kernels share that read more off the outcomes of U(y)†U(x) than the fidelity."""

import math

import numpy as np

from qiskit_qml_ext.engine.first_look import PLAN_QUBITS, spread_rows
from qiskit_qml_ext.kernels.by_method import KernelByMethod
from qiskit_qml_ext.kernels.methods import Fidelities
from qiskit_qml_ext.kernels.plan import moments_of
from qiskit_qml_ext.kernels.readings import Definiteness, definiteness_of, order_matters
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.primitives import RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits


class OutcomeKernel(KernelByMethod):
    """A kernel K_f(x, y) = Σ_z f(|z|) p_z, p_z the probability of the outcome z of U(y)†U(x), for a function f.

    Unlike the fidelity, K_f(x, y) and K_f(y, x) differ unless the rotations of the feature map commute or its qubits do
    not interact: then both orders of each pair run, and an entry is their mean. What ran in one order for another
    kernel on the same connection is not run again. Exact results simulate a state for each pair and order instead of
    one for each sample.
    """

    def definiteness(self, num_features: int) -> Definiteness:
        """Say whether the exact kernel of so many features is positive semi-definite for this feature map, and why."""
        encoding = self._encoding(num_features)
        values = self.reading().values(len(used_qubits(encoding.unitary)))
        if self.orders == "one" and order_matters(values, commuting=encoding.commutes):
            return Definiteness(False, "one order of each pair, filled in for both, is no kernel of the samples")
        return definiteness_of(values, commuting=encoding.commutes)

    def _advised(self, plan: RunPlan, wanted: Fidelities, entries: tuple[float, float] | None) -> RunPlan:
        moments = self._exact_moments(wanted) if entries is None else entries
        if moments is None:
            return plan
        values = wanted.reading.values(len(used_qubits(wanted.encoding.unitary)))
        both = wanted.orders == "both" and order_matters(values, commuting=wanted.encoding.commutes)
        noise = float(np.ptp(values)) / (2 * math.sqrt(plan.shots * (1 + both)))
        spread = math.sqrt(max(moments[1], 0.0))
        return plan.with_advice(
            f"Without errors the entries vary by {spread:.3g} from pair to pair; the noise of {plan.shots:,} shots"
            f"{' in each order' if both else ''} is at most {noise:.3g}. A model may need many times more shots."
        )

    def _exact_moments(self, wanted: Fidelities) -> tuple[float, float] | None:
        """Return mean and variance of the exact entries of some samples; None where a look takes too long."""
        if len(used_qubits(wanted.encoding.unitary)) > PLAN_QUBITS:
            return None
        samples, _ = distinct_samples(wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y]))
        few = spread_rows(samples)
        return moments_of(self.exact_copy().evaluate(few)[np.triu_indices(len(few), 1)])
