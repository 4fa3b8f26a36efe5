"""The projected kernel of Bloch vectors that were measured elsewhere and come as data."""

from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import optional_whole_number
from qiskit_qml_ext.kernels.reduced_states.bandwidth import MEDIAN
from qiskit_qml_ext.kernels.reduced_states.comparison import Comparison
from qiskit_qml_ext.kernels.reduced_states.projection_kernel import ProjectionKernel
from qiskit_qml_ext.kernels.reduced_states.projections import IndependentEstimates, Projections
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import distinct_samples

if TYPE_CHECKING:
    from sklearn.gaussian_process.kernels import Kernel

_ROUNDING = 1e-9  # of an expectation value beyond 1


class MeasuredFeaturesKernel(ProjectionKernel):
    """The projected kernel whose samples are Bloch vectors: see ``ProjectedKernel.from_features``.

    Each row has ⟨X⟩, ⟨Y⟩, ⟨Z⟩ of the first qubit, then of the second, and so on. Covariances between them are not
    known, so the standard errors are those of values that were estimated each by itself.

    Args:
        outer: The classical kernel; see :class:`~qiskit_qml_ext.kernels.ProjectedKernel`.
        gamma: Its bandwidth.
        shots: The shots behind each value; ``None`` for exact ones.
        debias: Whether what shots add to squares in the mean is taken away.
        psd_repair: What to do with negative eigenvalues of a symmetric matrix.
    """

    def __init__(
        self,
        *,
        outer: "str | Kernel" = "rbf",
        gamma: float | str = MEDIAN,
        shots: int | None = None,
        debias: bool = True,
        psd_repair: str | Repair | None = None,
    ):
        self.outer = outer
        self.gamma = gamma
        self.shots = shots
        self.debias = debias
        self.psd_repair = psd_repair

    def made_with(self, num_features: int) -> object:
        """Return what the distances depend on."""
        return num_features, self.shots, self.debias

    def compared(self, x: FloatArray, y: FloatArray | None) -> tuple[Comparison, str]:
        """Return checked Bloch vectors, compared."""
        shots = optional_whole_number("shots", self.shots, minimum=2)
        for name, given in (("x_vec", x), ("y_vec", y)):
            if given is not None:
                _check_bloch_vectors(name, given, shots)
        samples, places = distinct_samples(x if y is None else np.concatenate([x, y]))
        index = np.arange(len(samples)) if places is None else places
        rows, columns = (index, index) if y is None else (index[: len(x)], index[len(x) :])
        if shots is None:
            projections = Projections(samples)
        else:
            behind = np.full(samples.shape, shots)
            projections = Projections(samples, behind, IndependentEstimates(samples, behind))
        weights = np.full(x.shape[1], 0.5)
        return Comparison(projections, rows, columns, weights, x.shape[1] / 6, self.debias), "data"


def _check_bloch_vectors(name: str, values: FloatArray, shots: int | None) -> None:
    if values.shape[1] % 3:
        raise ValueError(
            f"{name} must have three columns for each qubit (⟨X⟩, ⟨Y⟩, ⟨Z⟩), but it has {values.shape[1]} columns."
        )
    largest = float(np.abs(values).max(initial=0.0))
    if shots is not None and largest > 1 + _ROUNDING:
        raise ValueError(
            f"{name} must have values from -1 to 1 where shots are given, but {largest:g} is among them: fractions of "
            "shots are never beyond 1. Leave shots out for values that were corrected."
        )
