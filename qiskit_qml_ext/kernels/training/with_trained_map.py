"""What all kernels share whose map is fitted to data by gradient."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit.circuit import Parameter
from sklearn.utils import check_random_state
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import optional_whole_number, real_number, truth_value, whole_number, wrong_kind
from qiskit_qml_ext.circuits import InitialDistribution, ZZFeatureMap
from qiskit_qml_ext.kernels.encoded import EncodedKernel
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.losses import KernelLoss, kernel_loss_of
from qiskit_qml_ext.kernels.samples import check_samples
from qiskit_qml_ext.kernels.training.first_weights import first_weights
from qiskit_qml_ext.kernels.training.learned import LearningKernel
from qiskit_qml_ext.kernels.training.objective import KernelObjective
from qiskit_qml_ext.kernels.training.pairs import Pairs, PlansSteps
from qiskit_qml_ext.kernels.training.targets import Targets, targets_of
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap, trained_map
from qiskit_qml_ext.kernels.training.training_run import KernelCallback, KernelTrainingRun
from qiskit_qml_ext.optimizers import SPSA, Optimizer, optimizer_of
from qiskit_qml_ext.optimizers.spsa import NUM_CALIBRATING
from qiskit_qml_ext.optimizers.stopping import StoppingRule
from qiskit_qml_ext.primitives import RunPlan

_CHECKS: dict[str, Any] = {
    "batch_size": partial(optional_whole_number, minimum=2),
    "max_iter": whole_number,
    "early_stopping": truth_value,
    "validation_fraction": partial(real_number, above=0.0, below=1.0),
    "n_iter_no_change": whole_number,
    "tol": partial(real_number, minimum=0.0),
}

_HISTORY = {
    **{"iteration": np.int64, "loss": np.float64, "validation_loss": np.float64, "gradient_norm": np.float64},
    **{"seconds": np.float64, "shots": np.int64},
}
"""The columns of ``history_``, attributes of a :class:`KernelTrainingStep`."""


class KernelWithTrainedMap(LearningKernel, EncodedKernel):
    """A kernel of states whose map's weights and bandwidth are fitted to a loss of its matrix.

    A kernel of its own kind says where matrices and gradients come from (:meth:`_pairs`), and stores these settings.
    """

    learned: ClassVar[tuple[str, ...]] = (
        *("weights_", "bandwidth_", "feature_map_", "history_", "n_iter_", "stopped_", "gradient_", "_trained_key"),
    )

    _untrained_kind: ClassVar[str]
    """What to take where nothing is to be trained."""
    _kept: ClassVar[str] = "The feature map"
    """What the trained numbers belong to, in words."""
    _nothing_to_train: ClassVar[str]
    """What is said where nothing is."""

    trained_bandwidth: str | None
    loss: str | KernelLoss
    optimizer: str | Optimizer
    initialization: str | InitialDistribution | ArrayLike | None
    batch_size: int | None
    max_iter: int
    early_stopping: bool
    validation_fraction: float
    tol: float
    n_iter_no_change: int
    callbacks: Sequence[KernelCallback]
    random_state: int | np.random.RandomState | None

    @abstractmethod
    def _pairs(self, trained: TrainedMap) -> Pairs:
        """Return where matrices and gradients of a training come from."""

    @property
    @abstractmethod
    def _without_gradient(self) -> str:
        """The setting because of which only values are known, where :meth:`_pairs` has no gradient."""

    def _begin(self, run: KernelTrainingRun, weights: FloatArray) -> None:
        """Take from the training samples at the first weights what a training begins with: nothing here."""

    def _key(self, trained: TrainedMap) -> object:
        """Return what the trained numbers belong to."""
        return trained.key

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train the kernel; one that was trained before begins anew.

        Args:
            X: Samples, shape (n, features), at least two.
            y: Their classes, or numbers for ``task="regression"``, shape (n,).

        Raises:
            TypeError: If a setting or the data are of the wrong kind.
            ValueError: If a setting or the data are not valid, nothing is left to train, or the loss is not defined.
        """
        samples = check_samples("X", X)
        targets = targets_of(y, len(samples), self.task)
        for name, check in _CHECKS.items():
            check(name, getattr(self, name))
        optimizer, loss = optimizer_of(self.optimizer), kernel_loss_of(self.loss, self.task)
        trained = self._trained_map(samples.shape[1])
        pairs = self._pairs(trained)
        self._check_training(trained, optimizer, pairs)
        rng = np.random.default_rng(int(check_random_state(self.random_state).randint(2**31 - 1)))
        given = self.training_values if self.initialization is None else self.initialization
        weights = first_weights(trained, given, rng)
        run = self._run(KernelObjective(pairs, trained, loss, samples, targets.values), targets, optimizer, rng)
        self._begin(run, weights)
        run.before = start = run.whole.trained.start(weights)
        point = self._best_of(run, optimizer.minimize(run, start))
        self._learn(self._learned(run, point, pairs if getattr(optimizer, "takes_gradients", True) else None))
        return self

    def plan_step(self, X: ArrayLike, *, price_per_minute: float | None = None) -> RunPlan:
        """Say what one step of a training on all samples takes, without running it; a whole training has many.

        Args:
            X: Samples, shape (n, features).
            price_per_minute: The price of a minute of processor time.

        Returns:
            The plan, whose advice says what it is of: of a gradient where the optimizer takes gradients; else of as
            many matrices as a step reads, two for each direction of SPSA, one for other optimizers.

        Raises:
            ValueError: If the data or a setting are not valid, or the kernel counts no shots.
        """
        samples = check_samples("X", X)
        trained, optimizer = self._trained_map(samples.shape[1]), optimizer_of(self.optimizer)
        pairs = self._pairs(trained)
        if not isinstance(pairs, PlansSteps):
            raise ValueError(
                "A step by exact states runs no circuits, so there is nothing to plan. Connect to a device."
            )
        somewhere = trained.start(np.full(len(trained.weights), 0.1))
        columns = trained.columns if getattr(optimizer, "takes_gradients", True) else ()
        number, words = _read_in_a_step(optimizer)
        plan = pairs.plan(
            trained.rows_at(samples, somewhere), columns, num_matrices=number, price_per_minute=price_per_minute
        )
        return replace(plan, advice=(words, *plan.advice))

    @property
    def parameter_values(self) -> FloatArray:
        """The weights: trained, or assigned; shape (W,)."""
        known: FloatArray | None = getattr(self, "weights_", None)
        return super().parameter_values if known is None else known

    def assign_training_parameters(self, parameter_values: Mapping[Parameter, float] | ArrayLike) -> None:
        """Set the weights of a circuit, as qiskit-machine-learning's trainer does; a trained bandwidth stays.

        Args:
            parameter_values: Values in the order of ``training_parameters``, or a mapping that changes some of them.

        Raises:
            ValueError: If the number of values or a parameter of the mapping does not fit.
        """
        super().assign_training_parameters(parameter_values)
        if "weights_" in vars(self):
            weights = np.array(self.training_values, dtype=np.float64)
            fixed = self._trained_map(len(self.bandwidth_)).bound(weights, self.bandwidth_)
            self._learn({"weights_": weights, "feature_map_": fixed})

    def _encoding(self, num_features: int) -> Encoding:
        return self._trained_map(num_features).encoding

    def _trained_map(self, num_features: int) -> TrainedMap:
        feature_map = ZZFeatureMap() if self.feature_map is None else self.feature_map
        return trained_map(feature_map, num_features, self.training_parameters, self.trained_bandwidth)

    def _values(self, trained: TrainedMap) -> tuple[FloatArray, FloatArray]:
        """Return the weights and the bandwidth of each feature.

        Raises:
            NotFittedError: If there are none yet.
            ValueError: If the kernel was trained for another circuit.
        """
        if "weights_" not in vars(self):
            if self.training_values is None:
                raise self._untrained(self._untrained_kind)
            if len(self.training_values) != len(trained.weights):
                raise ValueError(
                    f"{len(self.training_values)} training_values came for {len(trained.weights)} training parameters."
                )
            return super().parameter_values, np.ones(len(trained.data))
        if self._key(trained) != self._trained_key or len(trained.data) != len(self.bandwidth_):
            raise ValueError(
                f"{self._kept} or the number of features is not the one that this kernel was trained with. Call "
                "fit(X, y) again."
            )
        return self.weights_, self.bandwidth_

    def _check_training(self, trained: TrainedMap, optimizer: Optimizer, pairs: Pairs) -> None:
        if not trained.trains:
            raise ValueError(self._nothing_to_train)
        if self.batch_size is not None and not optimizer.in_steps:
            raise ValueError(
                f"batch_size={self.batch_size} needs an optimizer that goes in steps, such as 'adam' or 'spsa', but "
                f"optimizer={self.optimizer!r} takes all samples at once. Use batch_size=None."
            )
        if pairs.gradient is None and getattr(optimizer, "takes_gradients", True):
            raise ValueError(
                f"{self._without_gradient} has no gradient, but optimizer={self.optimizer!r} asks for one. Take 'spsa'."
            )
        callbacks: object = self.callbacks
        if isinstance(callbacks, str) or not isinstance(callbacks, Sequence):
            raise wrong_kind("callbacks", "a list of functions of a KernelTrainingStep", callbacks)
        for callback in callbacks:
            if not callable(callback):
                raise wrong_kind("each of callbacks", "a function of a KernelTrainingStep", callback)

    def _run(
        self, objective: KernelObjective, targets: Targets, optimizer: Optimizer, rng: np.random.Generator
    ) -> KernelTrainingRun:
        """Put samples aside if they are wanted, and cut the others into batches."""
        validation = None
        if self.early_stopping:
            kept, aside = targets.put_aside(self.validation_fraction, rng)
            validation, objective, targets = objective.batch(aside), objective.batch(kept), targets.of(kept)
        num_batches = 1 if self.batch_size is None else -(-objective.num_samples // self.batch_size)
        targets.check_batches(num_batches, self.batch_size)
        connection = objective.pairs.connection
        before = connection.usage.shots
        return KernelTrainingRun(
            objective,
            targets,
            validation,
            num_batches,
            self.max_iter,
            rng,
            StoppingRule(self.tol, self.n_iter_no_change, watches_training=optimizer.in_steps),
            lambda: connection.usage.shots - before,
            tuple(self.callbacks),
        )

    def _best_of(self, run: KernelTrainingRun, point: FloatArray) -> FloatArray:
        """Return the point with the least validation loss, or of exact losses the better of the last and the best."""
        if run.best_point is None:
            return point
        if run.validation is not None:
            return run.best_point
        if not run.whole.pairs.is_exact:
            return point
        last, best = run.whole.values(np.array([point, run.best_point]))
        return run.best_point if best < last else point

    def _learned(self, run: KernelTrainingRun, point: FloatArray, pairs: Pairs | None) -> dict[str, Any]:
        import pandas as pd

        trained = run.whole.trained
        weights, bandwidth = (part.copy() for part in trained.split(point))
        columns = {name: np.array([getattr(one, name) for one in run.history], kind) for name, kind in _HISTORY.items()}
        return {
            "weights_": weights,
            "bandwidth_": bandwidth,
            "feature_map_": trained.bound(weights, bandwidth),
            "history_": pd.DataFrame(columns),
            "n_iter_": len(run.history),
            "stopped_": run.stopped,
            "gradient_": None if pairs is None else pairs.gradient,
            "_trained_key": self._key(trained),
        }


def _read_in_a_step(optimizer: Optimizer) -> tuple[int, str]:
    """Return how many matrices a step without gradients reads, and in words what is planned of a training."""
    if isinstance(optimizer, SPSA):
        number = 2 * optimizer.num_directions
        return number, f"This is a step of {number} matrices; the first one takes up to {NUM_CALIBRATING} more."
    kind = "gradient" if getattr(optimizer, "takes_gradients", True) else "matrix"
    if optimizer.in_steps:
        return 1, f"This is one {kind}: that of a step."
    return 1, f"This is one {kind}; an iteration of this optimizer may take several, and its start more."
