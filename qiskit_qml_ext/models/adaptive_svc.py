"""A support vector machine whose kernel is measured only as well as its decisions need."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IndexArray
from qiskit_qml_ext.checks import wrong_kind
from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import AdaptiveShots, FidelityKernel, KernelEstimate
from qiskit_qml_ext.kernels.abilities import trained_clone
from qiskit_qml_ext.kernels.adaptive import Decided, PairCounts, Trained, check_adaptive, decide, train
from qiskit_qml_ext.kernels.base import conditions_of
from qiskit_qml_ext.kernels.samples import DistinctPairs, distinct_pairs, distinct_samples
from qiskit_qml_ext.models.undoing import undone_if_it_fails
from qiskit_qml_ext.primitives import connect


class AdaptiveQuantumSVC(ClassifierMixin, BaseEstimator):
    """Support vector classification of two classes with a fidelity kernel and no more shots than its decisions need.

    Training measures all pairs with a few shots, then more and more of those that carry the decisions, until the noise
    of the matrix is expected to change no more than a share ``1 - agreement`` of decisions. Prediction measures a new
    sample against the support vectors until its own decision stands, or until its noise is as small as that of the
    training, whatever other samples are asked for. Most samples lie far from the boundary and need few shots. Where all
    do, uniform shots are as good. It is the sign of a decision value that stands: far from zero the value itself is
    known only roughly.

    A kernel that learns, such as :class:`~qiskit_qml_ext.kernels.TrainableKernel`, is trained first, with the
    connection's shots of each circuit; ``kernel_shots_`` says how many that took in all, which may be most of them.
    Shots of all later circuits are chosen here, whatever the connection's are, and also if the kernel says
    ``shots="adaptive"``, by which other models measure all entries equally well; a number of the kernel's own is
    refused. Budgets of the connection hold. When one is used up, what was measured so far is used, and
    ``stopped_because_`` says so. Everything that was run is remembered by the connection, so that fitting again runs
    nothing twice.

    Args:
        kernel: A :class:`~qiskit_qml_ext.kernels.FidelityKernel` whose target draws shots, without repairs; ``None``
            for ``AngleFeatureMap(bandwidth=0.5)`` with shots drawn from exact probabilities.
        C: The inverse strength of the regularisation, positive.
        class_weight: Weights of the classes, ``"balanced"``, or ``None``.
        tol: The tolerance of the stopping criterion of libsvm.
        shots: How shots are given out; ``None`` for ``AdaptiveShots()``.
        random_state: Draws the noise by which the training judges itself.

    Attributes:
        classes_: The two class labels, sorted.
        kernel_: The kernel that was fitted, a clone of ``kernel``.
        machine_: The underlying ``sklearn.svm.SVC`` on the precomputed kernel.
        kernel_estimate_: The training matrix with its errors and the shots behind each entry.
        support_: The rows of the training data that are support vectors.
        support_vectors_: The support vectors, shape (number of support vectors, features).
        expected_changes_: The share of decisions that the noise of the training matrix is expected to change.
        stopped_because_: ``"settled"``, ``"rounds"``, ``"limit"`` (no pair may have more shots) or ``"budget"``.
        shots_: The shots that ``fit`` took: those behind all pairs, and those by which the kernel was trained.
        kernel_shots_: The latter alone, as many as ran meanwhile; 0 for a kernel that learns nothing.

    Examples:
        >>> from sklearn.datasets import make_moons
        >>> from qiskit_qml_ext.models import AdaptiveQuantumSVC
        >>> X, y = make_moons(20, noise=0.1, random_state=0)
        >>> model = AdaptiveQuantumSVC(random_state=0).fit(X, y)
        >>> model.stopped_because_
        'settled'
    """

    def __init__(
        self,
        kernel: FidelityKernel | None = None,
        *,
        C: float = 1.0,
        class_weight: dict[Any, float] | str | None = None,
        tol: float = 1e-8,
        shots: AdaptiveShots | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.kernel = kernel
        self.C = C
        self.class_weight = class_weight
        self.tol = tol
        self.shots = shots
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Measure the training matrix until the decisions stand, and fit the machine.

        Args:
            X: Training samples, shape (n, features).
            y: Class labels, shape (n,), two classes.

        Raises:
            BudgetExceededError: The pilot alone would take more than the connection may spend.
        """
        with undone_if_it_fails(self):
            samples, labels = validate_data(self, X, y, dtype=np.float64)
            check_classification_targets(labels)
            self.classes_ = np.unique(labels)
            if len(self.classes_) != 2:
                raise ValueError(
                    f"Only binary classification is supported. The type of the target is {type_of_target(labels)}. "
                    f"AdaptiveQuantumSVC tells two classes apart, but y has {len(self.classes_)} class"
                    f"{'es' if len(self.classes_) > 1 else ''}. For more, wrap it in "
                    "sklearn.multiclass.OneVsOneClassifier, which needs no more of it than what it decides."
                )
            kernel = self._default_kernel() if self.kernel is None else self.kernel
            self.kernel_ = self._trained_kernel(kernel, samples, labels)
            needed = distinct_pairs(samples, None)
            counts, settings, target = self._counts(needed.samples, needed.pairs)
            rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
            self._trained = train(needed, counts, self._machine, labels, settings, rng)
            self._keep(self._trained, needed, counts, samples, target)
        return self

    def _trained_kernel(self, kernel: Any, samples: FloatArray, labels: AnyArray) -> Any:
        """Return a clone of a kernel that has learned what it can, and count its shots."""
        connection = check_adaptive(kernel)
        before = connection.usage.shots
        trained = trained_clone(kernel, samples, labels, owner=self, task="classification")
        self.kernel_shots_ = connection.usage.shots - before
        return trained

    def _keep(
        self, trained: Trained, needed: DistinctPairs, counts: PairCounts, samples: FloatArray, target: str
    ) -> None:
        self.machine_ = trained.machine
        self.expected_changes_ = trained.changes
        self.stopped_because_ = trained.reason
        self.shots_ = self.kernel_shots_ + int(counts.shots.sum())
        self.support_ = trained.machine.support_
        self.support_vectors_ = samples[self.support_]
        self._place, self._distinct = needed.row_index, needed.samples
        exact = np.zeros(len(needed.same))
        self.kernel_estimate_ = KernelEstimate(
            trained.matrix,
            needed.fill(np.sqrt(counts.variances), exact),
            trained.matrix.copy(),
            int(counts.shots.min()) if len(counts.shots) else None,
            target,
            entry_shots=needed.fill(counts.shots.astype(np.float64), exact).astype(np.int64),
            conditions=conditions_of(self.kernel_),
        )

    def decide(self, X: ArrayLike) -> Decided:
        """Measure samples until their decisions stand, and say how far they do.

        Args:
            X: Samples, shape (n, features).

        Returns:
            Decision values, their errors, and whether each is settled, in the order of the samples.
        """
        check_is_fitted(self)
        samples = validate_data(self, X, dtype=np.float64, reset=False)
        new, new_place = distinct_samples(samples)
        vectors = self._distinct[np.unique(self._place[self.support_])]
        same = np.all(new[:, None] == vectors[None], axis=-1)
        pairs = np.argwhere(np.ones(same.shape, dtype=bool)) + np.array([0, len(new)])
        counts, settings, _ = self._counts(np.concatenate([new, vectors]), pairs)
        decided = decide(self._trained, self._place, counts, np.where(same, 1.0, np.nan), settings)
        if new_place is None:
            return decided
        return Decided(decided.values[new_place], decided.errors[new_place], decided.settled[new_place], decided.reason)

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return signed distances, shape (n,); see :meth:`decide`."""
        return self.decide(X).values

    def predict(self, X: ArrayLike) -> AnyArray:
        """Predict class labels, shape (n,)."""
        values = self.decision_function(X)
        return self.classes_[(values > 0).astype(np.intp)]

    def _machine(self) -> SVC:
        return SVC(kernel="precomputed", C=self.C, class_weight=self.class_weight, tol=self.tol)

    def _default_kernel(self) -> FidelityKernel:
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return FidelityKernel(AngleFeatureMap(bandwidth=0.5), connection=connect("exact", shots=1, seed=int(seed)))

    def _counts(self, samples: FloatArray, pairs: IndexArray) -> tuple[PairCounts, AdaptiveShots, str]:
        """Return the counts of pairs before anything was run, how shots are given out, and where they run."""
        settings = AdaptiveShots() if self.shots is None else self.shots
        if not isinstance(settings, AdaptiveShots):
            raise wrong_kind("shots", "None or AdaptiveShots(…)", self.shots)
        circuits = self.kernel_.pair_circuits(samples, pairs)
        largest = 2 ** (circuits.connection.max_executions_per_job.bit_length() - 1)
        most = max(min(settings.max_shots_per_pair, largest), settings.pilot)
        settings = replace(settings, max_shots_per_pair=most)
        return PairCounts(len(pairs), circuits, settings), settings, circuits.connection.target_name

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
