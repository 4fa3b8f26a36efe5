"""The combined kernel: a weighted sum, or a product, of kernels of any kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import clone
from sklearn.gaussian_process.kernels import Kernel as ClassicalKernel
from sklearn.utils.metaestimators import _BaseComposition
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import real_numbers, wrong_kind, wrong_value
from qiskit_qml_ext.kernels.base import QuantumKernel, conditions_of
from qiskit_qml_ext.kernels.combined.alignment_weights import alignment_weights
from qiskit_qml_ext.kernels.combined.combining import Combination, product, weighted_sum
from qiskit_qml_ext.kernels.combined.leaves import is_positive_semidefinite
from qiskit_qml_ext.kernels.combined.parts import PartEstimate, estimate_part, is_kernel
from qiskit_qml_ext.kernels.combined.plans import added, plans_of
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_pair, check_samples
from qiskit_qml_ext.kernels.training.learned import LearningKernel
from qiskit_qml_ext.kernels.training.targets import targets_of
from qiskit_qml_ext.primitives import Connection, RunPlan

Part: TypeAlias = BaseKernel | ClassicalKernel | Callable[..., ArrayLike]
"""A quantum kernel, a kernel of ``sklearn.gaussian_process.kernels``, or a function of two sets of samples."""

_OPERATIONS = ("sum", "product")


@dataclass(frozen=True)
class CombinedRaw(RawKernel):
    """The combined matrix before its own repairs, and what was known before those of the kernels."""

    before: RawKernel | None = None
    """The combination of the kernels' matrices before their own repairs; ``None`` where they have none."""
    synthesis_error: float | None = 0.0
    """By how much states that ran differ from those that are meant, the most of all kernels."""


class CombinedKernel(LearningKernel, _BaseComposition):
    r"""A weighted sum Σ_k w_k K_k, or a product Π_k K_k, of quantum and classical kernels.

    Sums with weights of at least 0 and products of positive semi-definite kernels are positive semi-definite. Standard
    errors go along, those of repaired matrices where kernels have repairs of their own: independently where kernels are
    known to read different shots, and added where they read the same ones, which is the most that they can be, or may
    do so: kernels of gradients through one connection, all kernels on simulators with noise, kernels of other packages.
    A product of kernels that read the same shots is biased by their covariance.

    Args:
        kernels: Pairs of a name and a kernel: a quantum kernel, a kernel of ``sklearn.gaussian_process.kernels``, or a
            function that takes samples (n, features) and (m, features) and returns a matrix (n, m), such as
            ``sklearn.metrics.pairwise.rbf_kernel``. Settings are reached by name, ``quantum__feature_map__bandwidth``,
            and ``set_params(quantum=…)`` puts another kernel in its place.
        operation: ``"sum"`` or ``"product"``.
        weights: Of a sum: a number for each kernel, at least 0, not all 0; ``None`` takes what ``fit`` found, else the
            mean.
        task: What ``y`` of ``fit`` is: ``"classification"`` or ``"regression"``.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.QuantumKernel`.

    Attributes:
        weights_: The weights that ``fit`` found, shape (kernels,), with the sum 1. Clones know them.

    References:
        Cortes, Mohri, Rostamizadeh, arXiv:1203.0550 (alignf).

    Examples:
        >>> import numpy as np
        >>> from sklearn.gaussian_process.kernels import RBF
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import CombinedKernel, FidelityKernel
        >>> kernel = CombinedKernel([("quantum", FidelityKernel(AngleFeatureMap())), ("rbf", RBF())], weights=[1, 3])
        >>> kernel.evaluate([[0.0], [np.pi]]).round(4).tolist()  # cos²(π/2) = 0, exp(-π²/2) = 0.0072
        [[4.0, 0.0216], [0.0216, 4.0]]
    """

    learned: ClassVar[tuple[str, ...]] = ("weights_",)

    def __init__(
        self,
        kernels: Sequence[tuple[str, Part]],
        *,
        operation: str = "sum",
        weights: Sequence[float] | None = None,
        task: str = "classification",
        psd_repair: str | Repair | None = None,
    ):
        self.kernels = kernels
        self.operation = operation
        self.weights = weights
        self.task = task
        self.psd_repair = psd_repair

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings, those of the kernels by their names if ``deep``."""
        return dict(self._get_params("kernels", deep=deep))

    def set_params(self, **params: Any) -> Self:
        """Change settings, those of the kernels by their names, or whole kernels."""
        self._set_params("kernels", **params)
        return self

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Find the weights of the sum whose centred alignment with ``y`` is largest.

        Args:
            X: Samples, shape (n, features).
            y: Their classes, or numbers for ``task="regression"``, shape (n,).

        Raises:
            TypeError: If a setting or the data are of the wrong kind.
            ValueError: If a setting or the data are not valid, weights are given, or no kernel is aligned with ``y``.
        """
        samples = check_samples("X", X)
        targets = targets_of(y, len(samples), self.task)
        parts = self._parts()
        if self.operation != "sum" or self.weights is not None:
            what = f"operation={self.operation!r}" if self.operation != "sum" else f"weights={self.weights!r}"
            raise ValueError(f"fit finds the weights of a sum, but {what} came. Use operation='sum' and weights=None.")
        matrices = [estimate_part(name, kernel, samples, None).final.matrix for name, kernel in parts]
        self._learn({"weights_": alignment_weights(matrices, targets.values)})
        return self

    @property
    def entries_are_fractions(self) -> bool:
        """No: entries are sums or products of those of several kernels."""
        return False

    @property
    def is_positive_semidefinite(self) -> bool | None:  # type: ignore[override]
        """Whether every matrix is positive semi-definite: so if all kernels are; ``None`` where it is not known."""
        return True if all(is_positive_semidefinite(kernel) for _, kernel in self.kernels) else None

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair of its own; the kernels' own repairs are in it."""
        named, weights = self._parts(), self._used_weights()
        parts = [estimate_part(name, kernel, x, y) for name, kernel in named]
        shots = [one.shots for one in parts if one.shots is not None]
        targets = list(dict.fromkeys(one.target for one in parts if one.target is not None))
        synthesis = [one.synthesis_error for one in parts]

        def together(matrices: list[PartEstimate]) -> CombinedRaw:
            both = _combination(matrices, weights)
            return CombinedRaw(
                both.matrix,
                both.errors if shots or both.errors.any() else None,
                min(shots, default=None),
                " and ".join(targets) or "exact",
                truncation_errors=both.truncation,
            )

        return replace(
            together([one.final for one in parts]),
            applied=tuple(step for one in parts for step in one.applied),
            before=None if all(one.final is one.before for one in parts) else together([one.before for one in parts]),
            synthesis_error=None if None in synthesis else max(one for one in synthesis if one is not None),
        )

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Compute the combined matrix with the standard error of each entry; see :meth:`evaluate`.

        ``raw`` is the combination of matrices before any repair, the kernels' own ones included; ``applied`` names
        those with their kernels.
        """
        raw, final = self._repaired(x_vec, y_vec)
        before = getattr(raw, "before", None) or raw
        return KernelEstimate(
            final.matrix if final is not before else final.matrix.copy(),
            before.standard_errors,
            before.matrix,
            raw.shots,
            raw.target,
            getattr(raw, "synthesis_error", 0.0),
            applied=final.applied,
            truncation_errors=before.truncation_errors,
            repaired_errors=None if final is before else final.standard_errors,
            conditions=conditions_of(self),
        )

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Say what the matrices of all kernels will take together; circuits that two of them share count once.

        Of kernels in a cache the entries that it knows are counted too, unless it can plan.

        Args:
            x_vec: Samples, shape (n, features).
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.
            shots: Shots of every circuit; by default those of each kernel's connection.
            price_per_minute: The price of a minute of processor time.
            entries: Mean and variance of the entries off the diagonal; see
                :meth:`~qiskit_qml_ext.kernels.FidelityKernel.plan`.

        Raises:
            ValueError: If no kernel runs circuits, or one may do so that cannot plan.
        """
        x, y = check_pair(x_vec, y_vec)
        plans = plans_of(self._parts(), x, y, shots=shots, price_per_minute=price_per_minute, entries=entries)
        if not plans:
            raise ValueError("None of the kernels runs circuits, so there is nothing to plan. Connect one to a device.")
        return added(plans)

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy whose quantum kernels run through another connection; ``None`` for exact results."""
        return self._with_kernels(lambda kernel: kernel.with_connection(connection))

    def exact_copy(self) -> Self:
        """Return a copy with exact results and without any repair."""
        return self._with_kernels(lambda kernel: kernel.exact_copy())._copy_with(psd_repair=None)

    def __sklearn_clone__(self) -> Self:
        copy = super().__sklearn_clone__()
        copy.kernels = clone(self.kernels, safe=False)
        return copy

    def _with_kernels(self, change: Callable[[QuantumKernel], QuantumKernel]) -> Self:
        kernels = [(name, change(one) if isinstance(one, QuantumKernel) else one) for name, one in self.kernels]
        copy: Self = clone(self)
        copy.kernels = kernels
        return copy

    def _parts(self) -> list[tuple[str, Part]]:
        """Return the named kernels, checked."""
        if self.operation not in _OPERATIONS:
            raise wrong_value("operation", "'sum' or 'product'", self.operation)
        parts: object = self.kernels
        if isinstance(parts, str) or not isinstance(parts, Sequence) or not len(parts):
            raise wrong_kind("kernels", "a list of pairs of a name and a kernel, at least one", parts)
        for part in parts:
            if not isinstance(part, tuple) or len(part) != 2:
                raise wrong_kind("kernels", "a list of pairs of a name and a kernel, at least one", parts)
            if not is_kernel(part[1]):
                raise wrong_kind(f"the kernel {part[0]!r}", "a kernel, or a function of two sets of samples", part[1])
        self._validate_names([name for name, _ in parts])
        return list(parts)

    def _used_weights(self) -> FloatArray | None:
        """Return the weights of a sum, shape (kernels,); ``None`` for a product."""
        number = len(self.kernels)
        if self.operation == "product":
            if self.weights is not None:
                raise ValueError("weights go with operation='sum'; a product has none. Leave them out.")
            return None
        learned: FloatArray | None = getattr(self, "weights_", None)
        if self.weights is None and learned is None:
            return np.full(number, 1 / number)
        weights = learned if self.weights is None else np.array(real_numbers("weights", self.weights))
        assert weights is not None
        if weights.shape != (number,) or np.any(weights < 0) or not weights.any():
            raise wrong_value(
                "weights", f"{number} numbers of at least 0, not all 0, one for each kernel", weights.tolist()
            )
        return weights


def _combination(parts: Sequence[PartEstimate], weights: FloatArray | None) -> Combination:
    return product(parts) if weights is None else weighted_sum(parts, weights)
