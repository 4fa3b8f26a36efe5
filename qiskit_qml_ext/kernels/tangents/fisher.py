"""The Fisher kernel of a trained circuit: its tangent kernel in the metric of the Fisher information."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import ParameterNames, positive_number, wrong_value
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import metric_tensor
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_samples, distinct_samples
from qiskit_qml_ext.kernels.tangents.gradients import Gradients, GradientSource
from qiskit_qml_ext.kernels.tangents.tangent import TangentKernel
from qiskit_qml_ext.primitives import Connection

INFORMATION = ("outputs", "states")
_MOST_NOISE = 0.25  # of F beside F + λ: the inverse is off by about the square of it, and by chance by the share itself
_LEAST = 0.05  # of a variance: what noise that the metric shares may leave of it, as far as draws can tell
_DRAWS = 200  # of the noise of gradients: they know a standard deviation to 5 %


class FisherKernel(TangentKernel):
    r"""The Fisher kernel of a trained circuit, k(x, x') = Σ_m s_m² ∇⟨O_m⟩(x) · (F + λ)⁻¹ ∇⟨O_m⟩(x').

    Jaakkola and Haussler's Fisher kernel U_x · F⁻¹ U_x' takes the scores U of a model of probabilities. Here the model
    says y of x with the mean f_m(x) = s_m⟨O_m⟩(x) and unit variance: the score at a residual r is Σ_m r_m ∇f_m(x), and
    for unit residuals, output by output, the kernel is the one above. Unlike the tangent kernel it does not change when
    the weights are other functions of as many numbers (for λ = 0). F is

    - ``"outputs"``: the Fisher information of that model, the mean of Σ_m ∇f_m(x) ∇f_m(x)ᵀ over reference samples;
    - ``"states"``: the quantum Fisher information of the states, four times the metric tensor, averaged over them: the
      kernel of a training by natural gradient. It is computed from states on this machine, whatever the connection.

    With shots ``"outputs"`` measures F by the same gradients. Its noise goes through the inverse, which is unbiased to
    first order only, and is in the standard errors; where it is not small beside F + λ the kernel is refused.

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

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair.

        Raises:
            ValueError: If the Fisher information is not known well enough to be inverted.
        """
        raw = super().raw_kernel(x, y)
        if raw.errors is None or self.information != "outputs":
            return raw
        return replace(raw, errors=self._errors_with_metric(x, x if y is None else y, raw.errors))

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
        values, vectors = np.linalg.eigh(by(source, reference) + ridge * np.eye(len(source.weights)))
        if self.information == "outputs" and not source.connection.is_exact:
            self._check_noise(source, reference, values, vectors)
        return np.asarray((vectors / values) @ vectors.T)

    def _of_outputs(self, source: GradientSource, reference: FloatArray) -> FloatArray:
        found, counts = self._reference(source, reference)
        bias = np.einsum("i,imv->v", counts, found.errors**2)  # an estimate's square is too large by its variance
        return np.asarray(np.einsum("i,imv,imw->vw", counts, found.values, found.values) - np.diag(bias))

    def _of_states(self, source: GradientSource, reference: FloatArray) -> FloatArray:
        rows = source.rows(reference)
        return np.asarray(4 * metric_tensor(self.circuit, rows, parameters=list(source.weights)).matrix.mean(axis=0))

    def _reference(self, source: GradientSource, reference: FloatArray) -> tuple[Gradients, FloatArray]:
        """Return the scaled gradients of the different reference samples, and the share of each."""
        samples, places = distinct_samples(reference)
        counts = np.ones(len(samples)) if places is None else np.bincount(places)
        return source.of(samples).scaled(self._scale(source)), counts / len(reference)

    def _check_noise(
        self, source: GradientSource, reference: FloatArray, values: FloatArray, vectors: FloatArray
    ) -> None:
        """Raise unless the noise of F is small beside F + λ, whose eigenvalues and eigenvectors these are."""
        found, counts = self._reference(source, reference)
        rng = np.random.default_rng(0)
        draws = np.array([_moved(found, rng.normal(size=found.values.shape), counts) for _ in range(_DRAWS)])
        size = float(np.sqrt(np.mean(np.linalg.norm(draws, 2, axis=(1, 2)) ** 2)))
        share = np.inf
        if values[0] > 0:
            half = vectors / np.sqrt(values)
            share = float(np.sqrt(np.mean(np.linalg.norm(half.T @ draws @ half, 2, axis=(1, 2)) ** 2)))
        if share > _MOST_NOISE:
            enough = self.regularization - values[0] + size / _MOST_NOISE
            raise ValueError(
                f"The Fisher information is too noisy to be inverted: its shots move it by {size:.2g}, and the least "
                f"eigenvalue of F + regularization is {values[0]:.2g}. Take more shots or reference samples, "
                f"regularization={enough * 1.01:.3g}, or information='states'."
            )

    def _errors_with_metric(self, x: FloatArray, y: FloatArray, errors: FloatArray) -> FloatArray:
        """Return the errors of the matrix with what the noise of F adds, which is that of gradients in the matrix too.

        For noise δ of the gradients an entry g·Pg' moves by δ·Pg' + Pg·δ' - Pg·(δF)Pg'. The errors hold the first two
        terms, also to second order; draws of δ add the variance of the last one, and its covariance with them.
        """
        reference = check_samples("reference", self.reference)
        source = self._source(x.shape[1], next(iter(self._points()))[1])
        metric = self._metric(source)
        samples, places = distinct_samples(np.concatenate([x, y, reference]))
        places = np.arange(len(samples)) if places is None else places
        rows, columns = places[: len(x)], places[len(x) : len(x) + len(y)]
        found = source.of(samples).scaled(self._scale(source))
        counts = np.bincount(places[len(x) + len(y) :], minlength=len(samples)) / len(reference)
        turned, rng, variances = found.values @ metric, np.random.default_rng(0), errors**2
        added = np.zeros_like(variances)
        for _ in range(_DRAWS):
            noise = rng.normal(size=found.values.shape)
            delta = found.errors * noise
            direct = np.einsum("imw,jmw->ij", delta[rows], turned[columns])
            direct += np.einsum("imw,jmw->ij", turned[rows], delta[columns])
            moved = turned[rows] @ _moved(found, noise, counts)
            through = -np.einsum("imw,jmw->ij", moved, turned[columns])
            added += through * (through + 2 * direct) / _DRAWS
        return np.asarray(np.sqrt(np.maximum(variances + added, variances * _LEAST)))


def _moved(found: Gradients, noise: FloatArray, counts: FloatArray) -> FloatArray:
    """Return by how much noise in units of the errors moves the mean of Σ_m g_m g_mᵀ, shape (W, W)."""
    delta = found.errors * noise
    cross = np.einsum("i,imv,imw->vw", counts, found.values, delta)
    second = np.einsum("i,imv,imw->vw", counts, delta, delta)
    bias = np.einsum("i,imv->v", counts, found.errors**2)
    return np.asarray(cross + cross.T + second - np.diag(bias))
