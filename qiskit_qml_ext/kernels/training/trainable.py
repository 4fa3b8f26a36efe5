"""The trainable kernel: a fidelity kernel whose map is fitted to data by gradient."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import optional_whole_number, real_number, truth_value, whole_number, wrong_kind
from qiskit_qml_ext.circuits import FeatureMap, InitialDistribution, ZZFeatureMap
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.losses import KernelLoss, kernel_loss_of
from qiskit_qml_ext.kernels.methods import Fidelities, choose_method
from qiskit_qml_ext.kernels.methods.exact import ExactStates
from qiskit_qml_ext.kernels.methods.inversion_test import InversionTestCounts
from qiskit_qml_ext.kernels.readings import Reading
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_samples
from qiskit_qml_ext.kernels.training.counted_pairs import CountedPairs
from qiskit_qml_ext.kernels.training.estimated_pairs import EstimatedPairs
from qiskit_qml_ext.kernels.training.exact_pairs import ExactPairs
from qiskit_qml_ext.kernels.training.first_weights import first_weights
from qiskit_qml_ext.kernels.training.learned import LearningKernel
from qiskit_qml_ext.kernels.training.objective import KernelObjective
from qiskit_qml_ext.kernels.training.pairs import Pairs
from qiskit_qml_ext.kernels.training.targets import Targets, targets_of
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap, trained_map
from qiskit_qml_ext.kernels.training.training_run import KernelCallback, KernelTrainingRun
from qiskit_qml_ext.optimizers import SPSA, Optimizer, optimizer_of
from qiskit_qml_ext.optimizers.spsa import NUM_CALIBRATING
from qiskit_qml_ext.optimizers.stopping import StoppingRule
from qiskit_qml_ext.primitives import Connection, RunPlan

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager

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


class TrainableKernel(LearningKernel, FidelityKernel):
    r"""A fidelity kernel whose weights and bandwidth are fitted to data by gradient.

    ``fit(X, y)`` makes a loss of the kernel matrix small. Exact gradients take one reverse pass for each sample. On a
    target with shots every angle is shifted by its gate's rule, in one job for all pairs, which takes about 2 n² G
    circuits a step for n samples and G angles; smaller batches, or ``optimizer="spsa"`` with n² circuits a step, take
    less. A loss of an estimated matrix is biased by its noise where it is not linear.

    After that it is a kernel like any other, and so are its clones and pickled copies, which know what it learned: give
    it to a ``QuantumSVC``, or ask ``GridSearchCV`` for the best ``kernel__psd_repair``. Settings that change the
    circuit want a new fit. One circuit with all parameters free serves all steps and all matrices. Weights behind all
    data change no fidelity: their gradient is 0, and no circuit is shifted for them.

    Args:
        feature_map: A template, all of whose weights are trained, or a circuit; ``None`` is ``ZZFeatureMap()``. A
            circuit's parameters take the features in the order of ``circuit.parameters``, but for those that are
            trained.
        loss: ``"alignment"``, ``"likelihood"``, ``"svc"`` (classification), ``"svr"`` (regression), an object of
            :mod:`qiskit_qml_ext.kernels.losses`, or a callable of your own ``loss(matrix, targets)`` like
            :class:`~qiskit_qml_ext.kernels.losses.KernelLoss`.
        task: ``"classification"`` or ``"regression"``: what ``y`` is.
        trained_bandwidth: What is trained beside the weights: ``"common"``, one positive factor of all features,
            ``"each"``, one for each feature, or ``None``. They begin at 1, on top of the template's own bandwidth.
        optimizer: A name such as ``"adam"``, ``"spsa"`` or ``"L-BFGS-B"``, or an optimizer; see
            :func:`~qiskit_qml_ext.optimizers.optimizer_of`.
        initialization: How weights begin: a distribution of :mod:`qiskit_qml_ext.circuits`, its name, or the weights;
            ``None`` takes ``training_values`` if they are given, else uniform angles.
        batch_size: Samples in a batch, at most, each with its share of each class; ``None`` takes all.
        max_iter: The largest number of iterations: passes through the training data.
        early_stopping: Whether samples are put aside to see when to stop, and which point is best.
        validation_fraction: The share that is put aside.
        tol: An improvement of the loss by less counts as none.
        n_iter_no_change: After so many iterations without improvement the training stops.
        callbacks: Functions of a :class:`~qiskit_qml_ext.kernels.KernelTrainingStep`; one that returns ``True`` stops.
        random_state: For initial weights, batches, samples put aside and random optimizers.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        method: How fidelities are found; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to 1; not while training.
        psd_repair: What to do with negative eigenvalues; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`. Training
            sees matrices as they are.
        training_parameters: Of a circuit: the parameters that are trained.
        training_values: Their values before any training, for qiskit-machine-learning's ``QuantumKernelTrainer``.

    Attributes:
        weights_: The trained weights, shape (W,).
        bandwidth_: The trained factor of each feature, shape (features,).
        feature_map_: The circuit with both fixed, for other kernels.
        history_: A frame with a row for each iteration: loss, validation loss, norm of the gradient, seconds, shots.
        n_iter_: The number of iterations.
        stopped_: Why it ended: ``"max_iter"``, ``"no_change"``, ``"callback"``, or by the ``"optimizer"``.
        gradient_: How the gradient was found: ``"adjoint"``, ``"parameter_shift"``, or ``None``.

    References:
        Hubregtsen et al., arXiv:2105.02276; Glick et al., arXiv:2105.03406; bandwidth: Shaydulin and Wild,
        arXiv:2111.05451.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import TrainableKernel
        >>> X = np.linspace(-1, 1, 12)[:, None]
        >>> kernel = TrainableKernel(AngleFeatureMap(), max_iter=30, random_state=0).fit(X, X[:, 0] > 0)
        >>> bool(kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]), kernel.evaluate(X).shape
        (True, (12, 12))
    """

    learned: ClassVar[tuple[str, ...]] = (
        *("weights_", "bandwidth_", "feature_map_", "history_", "n_iter_", "stopped_", "gradient_", "_trained_key"),
    )

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        loss: str | KernelLoss = "alignment",
        task: str = "classification",
        trained_bandwidth: str | None = "common",
        optimizer: str | Optimizer = "adam",
        initialization: str | InitialDistribution | ArrayLike | None = None,
        batch_size: int | None = None,
        max_iter: int = 100,
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        callbacks: Sequence[KernelCallback] = (),
        random_state: int | np.random.RandomState | None = None,
        connection: Connection | None = None,
        method: str = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
        psd_repair: str | Repair | None = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        super().__init__(
            feature_map,
            connection=connection,
            method=method,
            sampler=sampler,
            pass_manager=pass_manager,
            run_diagonal=run_diagonal,
            psd_repair=psd_repair,
            training_parameters=training_parameters,
            training_values=training_values,
        )
        self.loss = loss
        self.task = task
        self.trained_bandwidth = trained_bandwidth
        self.optimizer = optimizer
        self.initialization = initialization
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.random_state = random_state

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
        start = trained.start(first_weights(trained, given, rng))
        run = self._run(KernelObjective(pairs, trained, loss, samples, targets.values), targets, optimizer, rng)
        run.before = start
        point = self._best_of(run, optimizer.minimize(run, start))
        self._learn(self._learned(run, trained, point, pairs if getattr(optimizer, "takes_gradients", True) else None))
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
        if not isinstance(pairs, CountedPairs):
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

    # --- how the kernel is evaluated ---------------------------------------------------------------------------------

    def _wanted(self, x: FloatArray, y: FloatArray | None, reading: Reading) -> Fidelities:
        trained = self._trained_map(x.shape[1])
        weights, bandwidth = self._values(trained)
        rows = None if y is None else trained.rows(y, weights, bandwidth)
        return replace(super()._wanted(x, y, reading), x=trained.rows(x, weights, bandwidth), y=rows)

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
                raise NotFittedError(
                    "This TrainableKernel is not trained yet. Call fit(X, y) first, or take a FidelityKernel."
                )
            if len(self.training_values) != len(trained.weights):
                raise ValueError(
                    f"{len(self.training_values)} training_values came for {len(trained.weights)} training parameters."
                )
            return super().parameter_values, np.ones(len(trained.data))
        if trained.key != self._trained_key or len(trained.data) != len(self.bandwidth_):
            raise ValueError(
                "The feature map, or the number of features, is not the one that this kernel was trained with. Call "
                "fit(X, y) again."
            )
        return self.weights_, self.bandwidth_

    # --- how it is trained -------------------------------------------------------------------------------------------

    def _pairs(self, trained: TrainedMap) -> Pairs:
        connection = self._connection(draws=self._asks_for_circuits())
        method = choose_method(self.method, connection, trained.encoding).method
        if isinstance(method, ExactStates):
            return ExactPairs(connection, trained.encoding)
        if isinstance(method, InversionTestCounts):
            return CountedPairs(connection, trained.encoding)
        return EstimatedPairs(connection, trained.encoding, method)

    def _check_training(self, trained: TrainedMap, optimizer: Optimizer, pairs: Pairs) -> None:
        if not trained.columns:
            raise ValueError(
                "The feature map has no weights before its last data, and trained_bandwidth=None trains none, so that "
                "nothing is left to train. Take trained_bandwidth='common', another map, or a FidelityKernel."
            )
        if self.batch_size is not None and not optimizer.in_steps:
            raise ValueError(
                f"batch_size={self.batch_size} needs an optimizer that goes in steps, such as 'adam' or 'spsa', but "
                f"optimizer={self.optimizer!r} takes all samples at once. Use batch_size=None."
            )
        if pairs.gradient is None and getattr(optimizer, "takes_gradients", True):
            raise ValueError(
                f"method={self.method!r} has no gradient, but optimizer={self.optimizer!r} asks for one. Take 'spsa'."
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
        if not isinstance(run.whole.pairs, ExactPairs):
            return point
        last, best = run.whole.values(np.array([point, run.best_point]))
        return run.best_point if best < last else point

    def _learned(
        self, run: KernelTrainingRun, trained: TrainedMap, point: FloatArray, pairs: Pairs | None
    ) -> dict[str, Any]:
        import pandas as pd

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
            "_trained_key": trained.key,
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
