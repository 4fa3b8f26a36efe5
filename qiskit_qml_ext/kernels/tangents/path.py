"""The path kernel of a training: the tangent kernel along the way of the weights."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import ParameterNames
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.kernels.tangents.tangent import (
    GradientKernel,
    TrainedCircuitModel,
    checked_numbers,
    model_circuit,
    scale_of,
)
from qiskit_qml_ext.primitives import Connection


class PathKernel(GradientKernel):
    r"""The path kernel of a training, k(x, x') = ∫ k_θ(t)(x, x') dt of the tangent kernels along the path θ(t).

    A model that was trained by gradient descent in small steps is a kernel machine with this kernel, with the
    derivatives of the loss, averaged along the path, as its coefficients. From recorded points the integral is taken by
    the trapezoidal rule over ``times``; without times it is the mean of the tangent kernels at the points. Under shots
    all points are one job and its entries are unbiased; points that occur again are measured once, and so are those
    whose circuits are the same.

    Args:
        circuit: The whole circuit, data and weights.
        path: The weights at T points of the training, shape (T, W): as a callback records them,
            ``callbacks=[lambda step: path.append(step.weights)]``.
        observables: One observable or a list of M.
        times: When they were reached, ascending, shape (T,), such as steps times learning rate; ``None`` for the mean.
        input_parameters: The parameters that take the features; see :class:`TangentKernel`.
        output_scale: A factor of each observable; ``None`` for 1.
        connection: Where circuits run; by default exact results.
        gradient: ``"auto"``, ``"adjoint"`` or ``"parameter_shift"``.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.QuantumKernel`.

    References:
        Domingos, arXiv:2012.00152; of circuits: Incudini et al., arXiv:2212.11826, whose authors' code takes the mean
        over the recorded epochs.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        path: ArrayLike,
        observables: Observable | Sequence[Observable],
        *,
        times: ArrayLike | None = None,
        input_parameters: ParameterNames | None = None,
        output_scale: Sequence[float] | None = None,
        connection: Connection | None = None,
        gradient: str = "auto",
        psd_repair: str | Repair | None = None,
    ):
        self.circuit = circuit
        self.path = path
        self.observables = observables
        self.times = times
        self.input_parameters = input_parameters
        self.output_scale = output_scale
        self.connection = connection
        self.gradient = gradient
        self.psd_repair = psd_repair

    @classmethod
    def of_model(cls, model: TrainedCircuitModel, path: ArrayLike, **settings: Any) -> Self:
        """Return the kernel of the way that a fitted model took.

        Args:
            model: A fitted model; its output scale at the end, if it has one, is taken for the whole way.
            path: The weights at T points, shape (T, W).
            settings: Other arguments.

        Raises:
            TypeError: If it is no fitted model of a circuit.
        """
        return cls(model_circuit(model), path, list(model.observables_), **{**scale_of(model), **settings})

    def _points(self) -> Iterable[tuple[float, FloatArray]]:
        path = checked_numbers("path", self.path, 2)
        if not len(path):
            raise ValueError("path must hold the weights of at least one point, but it is empty.")
        points, places = distinct_samples(path)
        factors = self._factors(len(path))
        if places is not None:  # points that occur again are one measurement, with one noise
            factors = np.asarray(np.bincount(places, weights=factors), dtype=np.float64)
        return zip(factors.tolist(), points, strict=True)

    def _factors(self, number: int) -> FloatArray:
        """Return the factors of the tangent kernels, shape (T,)."""
        if self.times is None:
            return np.full(number, 1 / number)
        times = checked_numbers("times", self.times, 1)
        if times.shape != (number,) or number < 2 or not np.all(np.diff(times) > 0):
            raise ValueError(
                f"times must be ascending, one for each of the {number} points of the path, at least two, but "
                f"{times.tolist()} came."
            )
        steps = np.diff(times)
        return (np.append(steps, 0.0) + np.append(0.0, steps)) / 2
