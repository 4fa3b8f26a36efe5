"""The tangent kernel of a trained circuit, and what the other kernels of gradients share with it."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import ParameterNames, numeric_array, wrong_kind, wrong_value
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import as_list
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.kernels.tangents.gradients import Gradients, GradientSource
from qiskit_qml_ext.kernels.tangents.products import ScalarProducts
from qiskit_qml_ext.kernels.tangents.split import split_parameters
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.targets.checked_primitives import ESTIMATOR

GRADIENTS = ("auto", "adjoint", "parameter_shift")


@runtime_checkable
class TrainedCircuitModel(Protocol):
    """A fitted model of a trained circuit, such as a ``VariationalClassifier``: what its kernels need of it."""

    @property
    def circuit_(self) -> QuantumCircuit:
        """The circuit, whose data are the elements of ``ParameterVector("x")``."""

    @property
    def observables_(self) -> Sequence[Observable]:
        """The observables that are read."""

    @property
    def weights_(self) -> FloatArray:
        """The trained weights, in the order of the other parameters."""


class GradientKernel(QuantumKernel):
    """A kernel Σ_t c_t Σ_m s_m² ∇⟨O_m⟩(x) · P ∇⟨O_m⟩(x') of the gradients at one or more points."""

    runs_samples: ClassVar[bool] = True

    circuit: QuantumCircuit
    observables: Observable | Sequence[Observable]
    input_parameters: ParameterNames | None
    output_scale: Sequence[float] | None
    gradient: str

    is_positive_semidefinite: bool | None = True
    runs_by = ESTIMATOR

    @property
    def entries_are_fractions(self) -> bool:
        """No: entries are inner products of gradients."""
        return False

    @abstractmethod
    def _points(self) -> Iterable[tuple[float, FloatArray]]:
        """Return the factors c_t, and the weights θ_t."""

    def _metric(self, source: GradientSource) -> FloatArray:
        """Return P, shape (W, W)."""
        return np.eye(len(source.weights))

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair."""
        factors, points = zip(*self._points(), strict=True)
        source = self._source(x.shape[1], points[0])
        samples, places = distinct_samples(x if y is None else np.concatenate([x, y]))
        everything = np.arange(len(samples)) if places is None else places
        rows, columns = everything[: len(x)], everything if y is None else everything[len(x) :]
        products, scale = ScalarProducts(rows, columns, self._metric(source)), self._scale(source)
        exact, matrix, noisy = source.connection.is_exact, np.zeros((len(rows), len(columns))), []
        for factor, gradients in zip(factors, source.along(points, samples), strict=True):
            found = gradients.scaled(scale)
            matrix += factor * products.estimates(found)
            noisy += [] if exact else [found]
        matrix = (matrix + matrix.T) / 2 if y is None else matrix
        errors = None if exact else self._errors(source, samples, products, factors, noisy)
        return RawKernel(matrix, errors, None if exact else source.connection.shots, source.connection.target_name)

    def _errors(
        self,
        source: GradientSource,
        samples: FloatArray,
        products: ScalarProducts,
        factors: Sequence[float],
        found: Sequence[Gradients],
    ) -> FloatArray:
        """Return the standard errors of the matrix; what they are at most where observables share shots.

        Args:
            source: Where the gradients came from.
            samples: The different samples.
            products: Which of their products are in the matrix.
            factors: c.
            found: The gradients at each point.
        """
        parts = zip(*(one.by_noise(source.observables_independent) for one in found), strict=True)
        return np.asarray(sum(np.sqrt(products.variances(factors, part)) for part in parts))

    def _source(self, num_features: int, point: FloatArray) -> GradientSource:
        """Check everything, and return where gradients come from."""
        if not isinstance(self.circuit, QuantumCircuit):
            raise wrong_kind(
                "circuit", "a QuantumCircuit", self.circuit, "Templates are built first: template.build(…)."
            )
        if self.gradient not in GRADIENTS:
            raise wrong_value("gradient", f"one of {', '.join(map(repr, GRADIENTS))}", self.gradient)
        data, weights = split_parameters(self.circuit, self.input_parameters)
        if len(data) != num_features:
            raise ValueError(
                f"The data have {num_features} columns but the circuit takes {len(data)} features. Give samples of "
                "that width, or name the parameters that are data with input_parameters."
            )
        if point.shape != (len(weights),):
            raise ValueError(
                f"weights must be {len(weights)} numbers, one for each weight of the circuit, but an array of shape "
                f"{point.shape} came."
            )
        observables = as_list(self.observables)
        return GradientSource(self.circuit, observables, data, weights, self._connection(), self.gradient)

    def _scale(self, source: GradientSource) -> FloatArray:
        if self.output_scale is None:
            return np.ones(len(source.observables))
        scale = checked_numbers("output_scale", self.output_scale, 1)
        if scale.shape != (len(source.observables),):
            raise wrong_value(
                "output_scale", f"{len(source.observables)} numbers, one for each observable", scale.tolist()
            )
        return scale


class TangentKernel(GradientKernel):
    r"""The tangent kernel of a trained circuit, k(x, x') = Σ_m s_m² ∇_θ⟨O_m⟩(x) · ∇_θ⟨O_m⟩(x').

    To first order it says how a step of training on x' changes what the model says of x: the model that is trained a
    little is a kernel machine with this kernel. Under shots its entries are unbiased, those of a sample with itself
    included, whose square of an estimate would be too large; so the matrix may have negative eigenvalues then. Its
    errors hold that derivatives by weights in one gate have their shots in common, and so have samples whose circuits
    are the same, which run once. Where a device measures several observables it may take one shot for more than one
    of them, and does not say so: their errors are added up then, which is what they are at most.

    Args:
        circuit: The whole circuit, data and weights.
        weights: θ, in the order of the weights in ``circuit.parameters``.
        observables: One observable or a list of M.
        input_parameters: The parameters that take the features, in the order of the columns; ``None`` for the elements
            of ``ParameterVector("x")``. All others are weights.
        output_scale: s, a factor of each observable; ``None`` for 1.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        gradient: ``"auto"``, ``"adjoint"`` or ``"parameter_shift"``.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.QuantumKernel`.

    References:
        Jacot, Gabriel, Hongler, arXiv:1806.07572; of circuits: Shirai et al., arXiv:2111.02951, and Liu et al.,
        arXiv:2111.04225 (abstracts and the form above, which is common to both).

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.circuit import Parameter, ParameterVector
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> from qiskit_qml_ext.kernels import TangentKernel
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(ParameterVector("x", 1)[0], 0), circuit.ry(Parameter("t"), 0)
        >>> kernel = TangentKernel(circuit, [0.0], SparsePauliOp("Z"))
        >>> kernel.evaluate([[0.5]]).round(4).tolist()  # sin² 0.5
        [[0.2298]]
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        weights: ArrayLike,
        observables: Observable | Sequence[Observable],
        *,
        input_parameters: ParameterNames | None = None,
        output_scale: Sequence[float] | None = None,
        connection: Connection | None = None,
        gradient: str = "auto",
        psd_repair: str | Repair | None = None,
    ):
        self.circuit = circuit
        self.weights = weights
        self.observables = observables
        self.input_parameters = input_parameters
        self.output_scale = output_scale
        self.connection = connection
        self.gradient = gradient
        self.psd_repair = psd_repair

    @classmethod
    def of_model(cls, model: TrainedCircuitModel, **settings: Any) -> Self:
        """Return the kernel of a fitted model, where its training ended.

        Args:
            model: A fitted model; its output scale, if it has one, is taken too.
            settings: Other arguments.

        Raises:
            TypeError: If it is no fitted model of a circuit.
        """
        return cls(model_circuit(model), model.weights_, list(model.observables_), **{**scale_of(model), **settings})

    def _points(self) -> Iterable[tuple[float, FloatArray]]:
        return [(1.0, checked_numbers("weights", self.weights, 1))]


def model_circuit(model: TrainedCircuitModel) -> QuantumCircuit:
    """Return the circuit of a fitted model.

    Raises:
        TypeError: If it is no fitted model of a circuit.
    """
    if not isinstance(model, TrainedCircuitModel):
        raise wrong_kind("model", "a fitted model with circuit_, observables_ and weights_", model, "Fit it first.")
    return model.circuit_


def scale_of(model: TrainedCircuitModel) -> dict[str, Any]:
    """Return the output scale of a model as a setting; none if it has none."""
    scale = getattr(model, "output_scale_", None)
    return {} if scale is None else {"output_scale": np.asarray(scale, dtype=np.float64)}


def checked_numbers(name: str, values: ArrayLike, axes: int) -> FloatArray:
    """Return finite numbers as an array with so many axes.

    Raises:
        TypeError: If they are no real numbers.
        ValueError: If one is not finite, or the number of axes is another.
    """
    numeric_array(name, values)
    array = np.array(values, dtype=np.float64)
    if array.ndim != axes or not np.isfinite(array).all():
        raise wrong_value(name, f"finite numbers on {axes} axes", f"an array of the shape {array.shape}")
    return array
