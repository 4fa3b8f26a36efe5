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
from qiskit_qml_ext.kernels.abilities import learns_from_labels, trained_clone
from qiskit_qml_ext.kernels.base import QuantumKernel, conditions_of, knowing_copy
from qiskit_qml_ext.kernels.combined.alignment_weights import alignment_weights
from qiskit_qml_ext.kernels.combined.combining import Combination, product, weighted_sum
from qiskit_qml_ext.kernels.combined.leaves import is_positive_semidefinite
from qiskit_qml_ext.kernels.combined.parts import PartEstimate, estimate_part, fewest_shots, is_kernel, part_diagonal
from qiskit_qml_ext.kernels.combined.plans import added, plans_of
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_pair, check_samples
from qiskit_qml_ext.kernels.training.learned import LearningKernel, frozen_copy
from qiskit_qml_ext.kernels.training.targets import targets_of
from qiskit_qml_ext.primitives import Connection, RunPlan

Part: TypeAlias = BaseKernel | ClassicalKernel | Callable[..., ArrayLike]
"""A quantum kernel, a kernel of ``sklearn.gaussian_process.kernels``, or a function of two sets of samples."""

_OPERATIONS = ("sum", "product")
_ALIGNMENT = "alignment"


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

    With ``weights="alignment"``, or with kernels that learn, such as a
    :class:`~qiskit_qml_ext.kernels.TrainableKernel`, it learns from labels: models train a clone of it on their own
    training samples; :meth:`frozen` keeps what :meth:`fit` found.

    Args:
        kernels: Pairs of a name and a kernel: a quantum kernel, a kernel of ``sklearn.gaussian_process.kernels``, or a
            function that takes samples (n, features) and (m, features) and returns a matrix (n, m), such as
            ``sklearn.metrics.pairwise.rbf_kernel``. Settings are reached by name, ``quantum__feature_map__bandwidth``,
            and ``set_params(quantum=…)`` puts another kernel in its place.
        operation: ``"sum"`` or ``"product"``.
        weights: Of a sum: a number for each kernel, at least 0, not all 0; ``"alignment"`` for those of the largest
            centred alignment with ``y``, which ``fit`` finds; ``None`` for the mean.
        task: What ``y`` of ``fit`` is: ``"classification"`` or ``"regression"``.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.QuantumKernel`.

    Attributes:
        weights_: The weights of a sum after ``fit``, shape (kernels,); those that it found have the sum 1.
        trained_kernels_: Pairs of a name and a kernel: those of ``kernels`` that learn from labels, trained by ``fit``.

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

    learned: ClassVar[tuple[str, ...]] = ("weights_", "trained_kernels_")

    trained_kernels_: list[tuple[str, Part]]

    def __init__(
        self,
        kernels: Sequence[tuple[str, Part]],
        *,
        operation: str = "sum",
        weights: Sequence[float] | str | None = None,
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
        """Change settings, those of the kernels by their names, or whole kernels, which forgets what was learned."""
        self._set_params("kernels", **params)
        if any(name == "kernels" or name not in self._get_param_names() for name in params):
            self._forget()
        return self

    @property
    def learns(self) -> bool:
        """Whether ``fit`` finds weights, or one of the kernels learns from labels."""
        parts = self.kernels if isinstance(self.kernels, (list, tuple)) else ()
        return self._finds_weights or any(learns_from_labels(one[-1]) for one in parts if isinstance(one, tuple))

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train clones of the kernels that learn, then find the weights with the largest centred alignment with ``y``.

        Args:
            X: Samples, shape (n, features).
            y: Their classes, or numbers for ``task="regression"``, shape (n,).

        Raises:
            TypeError: If a setting or the data are of the wrong kind.
            ValueError: If a setting or the data are not valid, there is nothing to learn, or no kernel is aligned with
                ``y``.
        """
        samples = check_samples("X", X)
        targets = targets_of(y, len(samples), self.task)
        parts = self._parts()
        if not self.learns:
            raise ValueError(
                f"fit has nothing to learn: the weights of this {self.operation} are no open question, and none of the "
                "kernels learns from labels. Use operation='sum' and weights='alignment' for weights that fit finds."
            )
        given = None if self._finds_weights else self._given_weights()
        trained = [
            (name, trained_clone(kernel, samples, y, owner=self, task=self.task))
            for name, kernel in parts
            if learns_from_labels(kernel)
        ]
        if self._finds_weights:
            known = dict(trained)
            matrices = [estimate_part(name, known.get(name, one), samples, None).final.matrix for name, one in parts]
            given = alignment_weights(matrices, targets.values)
        self._learn({"weights_": given, "trained_kernels_": trained})
        return self

    def frozen(self) -> "CombinedKernel":
        """Return the combination with what ``fit`` found as its arguments, which clones keep."""
        weights = None if self.operation == "product" else self._used_weights()
        assert weights is None or isinstance(weights, np.ndarray)
        kernels = [(name, frozen_copy(kernel)) for name, kernel in self._parts()]
        repair = clone(self.psd_repair, safe=False)
        return CombinedKernel(
            kernels,
            operation=self.operation,
            weights=None if weights is None else tuple(weights.tolist()),
            task=self.task,
            psd_repair=repair,
        )

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
                entry_shots=fewest_shots(parts),
            )

        return replace(
            together([one.final for one in parts]),
            applied=tuple(step for one in parts for step in one.applied),
            before=None if all(one.final is one.before for one in parts) else together([one.before for one in parts]),
            synthesis_error=None if None in synthesis else max(one for one in synthesis if one is not None),
        )

    def diag(self, X: ArrayLike) -> FloatArray:
        """Return k(x, x) of each sample, shape (n,); see :meth:`~qiskit_qml_ext.kernels.QuantumKernel.diag`."""
        samples, weights = check_samples("X", X), self._used_weights()
        each = np.array([part_diagonal(name, kernel, samples) for name, kernel in self._parts()])
        return np.asarray(each.prod(axis=0) if weights is None else weights @ each)

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
            entry_shots=before.entry_shots,
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

    def _copied(self, copy_of: Callable[[Any], Any]) -> Self:
        copy = super()._copied(copy_of)
        copy.kernels = _copies(self.kernels, copy_of)
        return copy

    def _take_over(self, other: Self) -> None:
        super()._take_over(other)
        if "trained_kernels_" in vars(self):
            self.trained_kernels_ = _copies(self.trained_kernels_, knowing_copy)

    def _with_kernels(self, change: Callable[[QuantumKernel], QuantumKernel]) -> Self:
        """Return a copy with other kernels, the trained ones among them."""
        copy = self._copy_with()
        for name in ("kernels", "trained_kernels_"):
            held = vars(copy).get(name, [])
            changed = [(one, change(kernel) if isinstance(kernel, QuantumKernel) else kernel) for one, kernel in held]
            if name in vars(copy):
                setattr(copy, name, changed)
        return copy

    @property
    def _finds_weights(self) -> bool:
        return isinstance(self.weights, str) and self.weights == _ALIGNMENT

    def _parts(self) -> list[tuple[str, Part]]:
        """Return the named kernels, checked; of those that learn what ``fit`` made of them, where it did."""
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
        trained = dict(vars(self).get("trained_kernels_", ()))
        return [(name, trained.get(name, kernel)) for name, kernel in parts]

    def _used_weights(self) -> FloatArray | None:
        """Return the weights of a sum, shape (kernels,); ``None`` for a product.

        Raises:
            NotFittedError: If they are still to be found.
        """
        if not self._finds_weights or self.operation == "product":
            return self._given_weights()
        if "weights_" not in vars(self):
            raise self._untrained("weights=None for the mean")
        weights: FloatArray = self.weights_
        if weights.shape != (len(self.kernels),):
            raise ValueError(
                f"fit found {len(weights)} weights, but there are {len(self.kernels)} kernels now. Fit again."
            )
        return weights

    def _given_weights(self) -> FloatArray | None:
        """Return the weights that the arguments say; ``None`` for a product."""
        number = len(self.kernels)
        if self.operation == "product":
            if self.weights is not None:
                raise ValueError("weights go with operation='sum'; a product has none. Leave them out.")
            return None
        if self.weights is None:
            return np.full(number, 1 / number)
        if isinstance(self.weights, str):
            raise wrong_value("weights", f"{_ALIGNMENT!r}, {number} numbers, or None for the mean", self.weights)
        weights = np.array(real_numbers("weights", self.weights))
        if weights.shape != (number,) or np.any(weights < 0) or not weights.any():
            raise wrong_value(
                "weights", f"{number} numbers of at least 0, not all 0, one for each kernel", weights.tolist()
            )
        return weights


def _copies(kernels: Any, copy_of: Callable[[Any], Any]) -> Any:
    """Return named kernels, copied; what is no list of pairs is refused when it is used."""
    if not isinstance(kernels, (list, tuple)) or not all(isinstance(one, tuple) and len(one) == 2 for one in kernels):
        return clone(kernels, safe=False)
    return [(name, copy_of(one) if isinstance(one, QuantumKernel) else clone(one, safe=False)) for name, one in kernels]


def _combination(parts: Sequence[PartEstimate], weights: FloatArray | None) -> Combination:
    return product(parts) if weights is None else weighted_sum(parts, weights)
