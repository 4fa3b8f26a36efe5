"""The Fisher kernel of a trained circuit: its tangent kernel in the metric of the Fisher information."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from scipy.linalg import cho_factor, cho_solve

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import ParameterNames, positive_number, wrong_value
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import metric_tensor
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_samples, distinct_samples
from qiskit_qml_ext.kernels.tangents.gradients import GradientSource
from qiskit_qml_ext.kernels.tangents.tangent import TangentKernel
from qiskit_qml_ext.primitives import Connection

INFORMATION = ("outputs", "states")


class FisherKernel(TangentKernel):
    r"""The Fisher kernel of a trained circuit, k(x, x') = Σ_m s_m² ∇⟨O_m⟩(x) · (F + λ)⁻¹ ∇⟨O_m⟩(x').

    Jaakkola and Haussler's Fisher kernel U_x · F⁻¹ U_x' takes the scores U of a model of probabilities. Here the model
    says y of x with the mean f_m(x) = s_m⟨O_m⟩(x) and unit variance: the score at a residual r is Σ_m r_m ∇f_m(x), and
    for unit residuals, output by output, the kernel is the one above. Unlike the tangent kernel it does not change when
    the weights are other functions of as many numbers (for λ = 0). F is

    - ``"outputs"``: the Fisher information of that model, the mean of Σ_m ∇f_m(x) ∇f_m(x)ᵀ over reference samples;
    - ``"states"``: the quantum Fisher information of the states, four times the metric tensor, averaged over them: the
      kernel of a training by natural gradient. It is computed from states on this machine, whatever the connection.

    It is not the quantum Fisher kernel of Suzuki et al. (arXiv:2210.16581), of which the abstract could be read only,
    and which differentiates states by the weights of a generative model with another logarithmic derivative.

    Args:
        circuit: The whole circuit, data and weights.
        weights: θ, in the order of the weights in ``circuit.parameters``.
        observables: One observable or a list of M.
        reference: Samples over which F is averaged, shape (N, features), such as the training samples.
        information: ``"outputs"`` or ``"states"``.
        regularization: λ, positive, in units of F.
        input_parameters: The parameters that take the features; see :class:`TangentKernel`.
        output_scale: s, a factor of each observable; ``None`` for 1.
        connection: Where circuits run; by default exact results.
        gradient: ``"auto"``, ``"adjoint"`` or ``"parameter_shift"``.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.QuantumKernel`.

    References:
        Jaakkola and Haussler, Advances in Neural Information Processing Systems 11 (1998); natural gradient: Stokes et
        al., arXiv:1909.02108.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        weights: ArrayLike,
        observables: Observable | Sequence[Observable],
        *,
        reference: ArrayLike,
        information: str = "outputs",
        regularization: float = 1e-3,
        input_parameters: ParameterNames | None = None,
        output_scale: Sequence[float] | None = None,
        connection: Connection | None = None,
        gradient: str = "auto",
        psd_repair: str | Repair | None = None,
    ):
        super().__init__(
            circuit,
            weights,
            observables,
            input_parameters=input_parameters,
            output_scale=output_scale,
            connection=connection,
            gradient=gradient,
            psd_repair=psd_repair,
        )
        self.reference = reference
        self.information = information
        self.regularization = regularization

    def _metric(self, source: GradientSource) -> FloatArray:
        """Return (F + λ)⁻¹, shape (W, W)."""
        ridge = positive_number("regularization", self.regularization)
        reference = check_samples("reference", self.reference)
        if self.information not in INFORMATION:
            raise wrong_value("information", "'outputs' or 'states'", self.information)
        if reference.shape[1] != len(source.data):
            raise wrong_value(
                "the number of features of reference", f"that of x_vec, {len(source.data)}", reference.shape[1]
            )
        by = {"outputs": self._of_outputs, "states": self._of_states}[self.information]
        information = by(source, reference)
        try:
            factor = cho_factor(information + ridge * np.eye(len(information)))
        except np.linalg.LinAlgError as error:
            least = float(np.linalg.eigvalsh(information)[0])
            raise ValueError(
                f"The Fisher information has an eigenvalue of {least:.3g}: it is too noisy. Take more shots, or a "
                f"regularization above {-least:.3g}."
            ) from error
        inverse = np.asarray(cho_solve(factor, np.eye(len(information))))
        return (inverse + inverse.T) / 2

    def _of_outputs(self, source: GradientSource, reference: FloatArray) -> FloatArray:
        samples, places = distinct_samples(reference)
        found = source.of(samples).scaled(self._scale(source))
        found = found if places is None else found.of(places)
        outer = np.einsum("imv,imw->vw", found.values, found.values)
        bias = np.diag((found.errors**2).sum(axis=(0, 1)))  # the square of an estimate is too large by its variance
        return np.asarray((outer - bias) / len(reference))

    def _of_states(self, source: GradientSource, reference: FloatArray) -> FloatArray:
        rows = source.rows(reference)
        return np.asarray(4 * metric_tensor(self.circuit, rows, parameters=list(source.weights)).matrix.mean(axis=0))
