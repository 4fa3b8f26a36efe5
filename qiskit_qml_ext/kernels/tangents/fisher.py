"""The Fisher kernel of a trained circuit: its tangent kernel in the metric of the Fisher information."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import ParameterNames, positive_number, wrong_value
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import metric_tensor
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_samples, distinct_samples
from qiskit_qml_ext.kernels.tangents.gradients import Gradients, GradientSource
from qiskit_qml_ext.kernels.tangents.products import ScalarProducts
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
        samples, shares = _with_shares(reference)
        found = self._scaled(source, samples)
        return np.asarray(np.einsum("i,imv,imw->vw", shares, found.values, found.values) - _bias(found, shares))

    def _of_states(self, source: GradientSource, reference: FloatArray) -> FloatArray:
        rows = source.rows(self._point(), reference)
        return np.asarray(4 * metric_tensor(self.circuit, rows, parameters=list(source.weights)).matrix.mean(axis=0))

    def _point(self) -> FloatArray:
        return next(iter(self._points()))[1]

    def _scaled(self, source: GradientSource, samples: FloatArray) -> Gradients:
        """Return the scaled gradients of different samples."""
        return next(source.along([self._point()], samples)).scaled(self._scale(source))

    def _check_noise(
        self, source: GradientSource, reference: FloatArray, values: FloatArray, vectors: FloatArray
    ) -> None:
        """Raise unless the noise of F is small beside F + λ, whose eigenvalues and eigenvectors these are."""
        samples, shares = _with_shares(reference)
        size, share, half = 0.0, 0.0, vectors / np.sqrt(np.maximum(values, np.finfo(np.float64).tiny))
        for part in self._scaled(source, samples).by_noise(source.observables_independent):
            draws = np.array([_moved(part, noise, shares) for noise in _noises(part)])
            size += _usual_norm(draws)
            share += _usual_norm(half.T @ draws @ half) if values[0] > 0 else np.inf
        if share > _MOST_NOISE:
            enough = self.regularization - values[0] + size / _MOST_NOISE
            raise ValueError(
                f"The Fisher information is too noisy to be inverted: its shots move it by {size:.2g}, and the least "
                f"eigenvalue of F + regularization is {values[0]:.2g}. Take more shots or reference samples, "
                f"regularization={enough * 1.01:.3g}, or information='states'."
            )

    def _errors(
        self,
        source: GradientSource,
        samples: FloatArray,
        products: ScalarProducts,
        factors: Sequence[float],
        found: Sequence[Gradients],
    ) -> FloatArray:
        """Return the errors of the matrix with what the noise of F adds, which is that of gradients in the matrix too.

        For noise δ of the gradients an entry g·Pg' moves by δ·Pg' + Pg·δ' - Pg·(δF)Pg'. The variances hold the first
        two terms, also to second order; draws of δ add the variance of the last one, and its covariance with them.
        """
        if self.information != "outputs":
            return super()._errors(source, samples, products, factors, found)
        reference = check_samples("reference", self.reference)
        together, places = distinct_samples(np.concatenate([samples, reference]))
        places = np.arange(len(together)) if places is None else places
        shares = np.bincount(places[len(samples) :], minlength=len(together)) / len(reference)
        errors = np.zeros((len(products.rows), len(products.columns)))
        for part in self._scaled(source, together).by_noise(source.observables_independent):
            variances = products.variances([1.0], [part])
            added = _added_by_metric(part, products, shares)
            errors += np.sqrt(np.maximum(variances + added, variances * _LEAST))
        return errors


def _with_shares(reference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the different reference samples, and the share of each."""
    samples, places = distinct_samples(reference)
    counts = np.ones(len(samples)) if places is None else np.bincount(places)
    return samples, counts / len(reference)


def _noises(found: Gradients) -> Iterator[FloatArray]:
    """Yield draws of the noise of circuits, in units of the errors."""
    rng = np.random.default_rng(0)
    shape = (int(found.circuits.max()) + 1, *found.errors.shape[1:])
    return (rng.normal(size=shape) for _ in range(_DRAWS))


def _bias(found: Gradients, shares: FloatArray) -> FloatArray:
    """Return by how much squares of estimates are too large: the mean of the covariances of g, shape (W, W)."""
    variances = shares[:, None] * np.sum(found.errors**2, axis=1)
    return np.asarray(np.einsum("idv,idw->vw", found.slopes * variances[:, :, None], found.slopes))


def _moved(found: Gradients, noise: FloatArray, shares: FloatArray) -> FloatArray:
    """Return by how much noise in units of the errors moves the mean of Σ_m g_m g_mᵀ, shape (W, W)."""
    delta = found.moved(noise)
    cross = np.einsum("i,imv,imw->vw", shares, found.values, delta)
    second = np.einsum("i,imv,imw->vw", shares, delta, delta)
    return np.asarray(cross + cross.T + second - _bias(found, shares))


def _added_by_metric(found: Gradients, products: ScalarProducts, shares: FloatArray) -> FloatArray:
    """Return what the noise of F adds to the variances of products, shape (n, m)."""
    rows, columns = products.rows, products.columns
    turned, added = found.values @ products.metric, np.zeros((len(rows), len(columns)))
    for noise in _noises(found):
        delta = found.moved(noise)
        direct = np.einsum("imw,jmw->ij", delta[rows], turned[columns])
        direct += np.einsum("imw,jmw->ij", turned[rows], delta[columns])
        through = -np.einsum("imw,jmw->ij", turned[rows] @ _moved(found, noise, shares), turned[columns])
        added += through * (through + 2 * direct) / _DRAWS
    return added


def _usual_norm(draws: FloatArray) -> float:
    """Return the root mean square of the spectral norms of matrices."""
    return float(np.sqrt(np.mean(np.linalg.norm(draws, 2, axis=(1, 2)) ** 2)))
