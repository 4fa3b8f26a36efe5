"""Regression with a trained circuit."""

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import ParameterNames, numeric_array
from qiskit_qml_ext.circuits import Ansatz, FeatureMap, InitialDistribution
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import GradientMethod
from qiskit_qml_ext.models.losses import Loss
from qiskit_qml_ext.models.undoing import undone_if_it_fails
from qiskit_qml_ext.models.variational.model import VariationalModel
from qiskit_qml_ext.models.variational.training_data import TrainingData, checked_weights
from qiskit_qml_ext.models.variational.training_run import Callback
from qiskit_qml_ext.optimizers import Optimizer
from qiskit_qml_ext.primitives import Connection


class VariationalRegressor(RegressorMixin, VariationalModel):
    """Regression by expectation values of a trained circuit, on any connection: exact, with shots, on devices.

    The prediction for target k is scale_k ⟨O_k⟩ + bias_k. Targets are trained on in units of their standard deviation,
    from their mean, so that the losses in ``history_`` and the tolerance ``tol`` are in these units, and a fit does not
    change with the units of the targets. A bounded observable can only reach what its scale lets it.

    Args:
        feature_map: What encodes a sample: a template, or a circuit whose data are a ``ParameterVector("x")`` and
            whose other parameters are trained; ``None`` takes ``AngleFeatureMap()``.
        ansatz: What is trained: a template, or a circuit. ``None`` takes nothing after a feature map with weights
            of its own (a re-uploading model), and ``RealAmplitudesAnsatz()`` after one without.
        input_parameters: Of a circuit as ``feature_map``: the parameters that take a sample, in the order of the
            columns, or the name of their vector, such as ``"inputs"``; all others are trained. By default the vector
            ``x``.
        observables: One for each target, or ``"local"`` (the mean of Z over the qubits, dealt out in turn
            to the targets), ``"parity"`` (of all qubits, for one target) or ``"separated_states"`` (2F - 1, with F
            the fidelity with the k-th of up to six states of one qubit that are as far apart as they can be, averaged
            over the qubits; for one target Z); ``None`` is ``"local"``.
        loss: ``"squared"``, ``"huber"``, or a callable with the signature of
            :class:`~qiskit_qml_ext.models.losses.Loss`.
        optimizer: A name, or an object: ours, SciPy's or qiskit-machine-learning's; see
            :func:`~qiskit_qml_ext.optimizers.optimizer_of`.
        initialization: The distribution of the initial weights, or its name, or the weights themselves, shape (W,);
            ``None`` is the uniform one.
        output_scale: The scale of every output, in units of the targets; ``None`` trains one for each.
        output_bias: The bias of every output, in units of the targets; ``None`` trains one for each.
        batch_size: Samples in a step, at most: the steps of a pass are of one size, or differ by one sample; ``None``
            takes all. Only for optimizers that go in steps.
        max_iter: The largest number of iterations: of passes through the data, each a number of steps; with other
            people's optimizers that say nothing of iterations, of points at which they ask for the loss or its
            gradient.
        early_stopping: Whether samples are put aside, training stops when the loss on them does not get better, and the
            weights that were best for them are kept.
        validation_fraction: The share of samples that are put aside for ``early_stopping``.
        n_iter_no_change: After so many iterations in which the loss got better by less than ``tol`` training stops,
            with ``early_stopping`` or an optimizer that goes in steps. Not while the training loss climbs and falls on
            a smooth curve, as optimizers with momentum do; a climb ends it after ten times as many iterations.
        tol: See ``n_iter_no_change``.
        warm_start: Whether ``fit`` goes on where it ended before. The settings of the circuit, of its outputs, of the
            loss and of the optimizer must then be those of the first ``fit``.
        callbacks: Functions that are told a :class:`~qiskit_qml_ext.models.TrainingStep` after each iteration; one that
            returns ``True`` stops the training.
        plateau_guard: What happens if the gradient is smaller than what shots, or ``tol``, let one see, at the start or
            while training: ``"warn"``, ``"stop"`` (before the training with an error, in it with ``stopped_`` as
            ``"plateau"``), or ``"off"``: then nothing is looked at but whether any weight has an effect. A start
            that drowns among others of its distribution that do not is said in ``plateau_`` alone.
        verbose: Whether a progress bar is shown.
        gradient: How the gradient by the weights is found: ``"auto"`` (by states where the connection is exact, by
            shift rules elsewhere), ``"adjoint"``, ``"parameter_shift"``, ``"finite_difference"``, ``"spsa"``,
            ``"hadamard_test"``, or such an object with settings of its own; see
            :func:`~qiskit_qml_ext.gradients.jacobian`.
        connection: Where the circuit runs, in training and in prediction, from
            :func:`~qiskit_qml_ext.primitives.connect`; ``None`` is exact. Observables that are no Pauli sums are
            measured as such. All samples are one PUB. On a simulator with a seed every estimate has noise of its own,
            and a fit as a whole is reproducible; an estimator of your own with a seed repeats its noise.
        checkpoint: The path of a file that is written while ``fit`` trains, and from which a run that was killed goes
            on at the same iteration with the same history; a finished training is taken from it at once. It is JSON,
            written after every iteration where values are estimated; where they are exact, as often as takes 2 % of the
            time, and at the end. A file of other data or settings is an error (losses and optimizers of your own are
            known by their code and what they hold, connections by their estimator and its noise; what holds anything
            that is another in each run is refused); of ``plateau_guard`` only whether it stops must be the same. The
            guard says again what it said before. Together with a journal nothing that was
            paid for is paid for again. Only for ``fit``, with this package's optimizers that go in steps.
        random_state: For initial weights, batches, validation samples and random optimizers.

    Attributes:
        weights_: The trained weights, first those of the feature map, shape (W,): the last; where values are
            exact and it ended as ``"no_change"``, or the optimizer does not go in steps, the best that it came by.
        output_scale_: The scale of each output, in units of the targets, shape (K,).
        output_bias_: The bias of each output, in units of the targets, shape (K,).
        circuit_: The circuit, with parameters ``x`` for a sample and ``θ`` for the weights.
        observables_: The observables that are read.
        optimizer_: The optimizer, with what it remembers.
        history_: A frame with a row for each iteration of the last training: iteration, loss, validation_loss,
            gradient_norm, seconds, shots (since the training began), gradient_error (see
            :class:`~qiskit_qml_ext.models.TrainingStep`).
        gradient_: The name of the gradient method, ``None`` with an optimizer that takes values only, and the reason.
        n_iter_: The number of iterations of the last training.
        stopped_: Why it ended: ``"max_iter"``, ``"no_change"``, ``"callback"``, ``"plateau"`` or ``"optimizer"``.
        plateau_: What the guard found, a :class:`~qiskit_qml_ext.models.PlateauReport`; ``None`` if it is off.

    References:
        Mitarai et al., arXiv:1803.00745; Schuld, Sweke and Meyer, arXiv:2008.08605.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models import VariationalRegressor
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> model = VariationalRegressor(optimizer="l-bfgs-b", random_state=0).fit(X, np.sin(X[:, 0]))
        >>> bool(model.score(X, np.sin(X[:, 0])) > 0.999)
        True
    """

    _task: ClassVar[str] = "regression"
    _first_scale: ClassVar[float] = 2.0  # values in [-1, 1] then reach two standard deviations

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        ansatz: Ansatz | QuantumCircuit | None = None,
        *,
        input_parameters: ParameterNames | None = None,
        observables: str | Observable | Sequence[Observable] | None = None,
        loss: str | Loss = "squared",
        optimizer: str | Optimizer | Any = "adam",
        initialization: InitialDistribution | str | ArrayLike | None = None,
        output_scale: float | None = None,
        output_bias: float | None = None,
        batch_size: int | None = None,
        max_iter: int = 200,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        callbacks: Sequence[Callback] = (),
        plateau_guard: str = "warn",
        verbose: bool = False,
        gradient: str | GradientMethod = "auto",
        connection: Connection | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        random_state: Any = None,
    ):
        self.feature_map = feature_map
        self.ansatz = ansatz
        self.input_parameters = input_parameters
        self.observables = observables
        self.loss = loss
        self.optimizer = optimizer
        self.initialization = initialization
        self.output_scale = output_scale
        self.output_bias = output_bias
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.plateau_guard = plateau_guard
        self.verbose = verbose
        self.gradient = gradient
        self.connection = connection
        self.checkpoint = checkpoint
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the circuit. If that fails, or is interrupted, the model is as it was before.

        Args:
            X: Samples, shape (n, features).
            y: Targets, shape (n,) or (n, outputs).
            sample_weight: Weights of the samples, shape (n,), not negative.
        """
        with undone_if_it_fails(self):
            goes_on = self.warm_start and hasattr(self, "weights_")
            data = self._data(X, y, sample_weight, goes_on=goes_on)
            self._train(data, self.max_iter)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Go once through some samples, from where the model is; the first call sets the units of the targets.

        Raises:
            ValueError: If the optimizer does not go in steps, or with ``early_stopping``, which needs all samples.
        """
        with undone_if_it_fails(self):
            data = self._data(X, y, sample_weight, goes_on=hasattr(self, "weights_"))
            self._go_once(data)
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predict targets, shape (n,), or (n, outputs) if the model was trained on such."""
        predictions = self._outputs(X) * self._spread + self._center
        return predictions[:, 0] if self._is_flat else predictions

    def _data(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, goes_on: bool) -> TrainingData:
        samples, targets = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, reset=not goes_on
        )
        numeric_array("X", X)
        numeric_array("y", y)
        weights = checked_weights(sample_weight, samples)
        columns = np.asarray(targets, dtype=np.float64).reshape(len(samples), -1)
        rows = np.flatnonzero(weights)
        samples, columns, weights = samples[rows], columns[rows], weights[rows]
        if goes_on:
            self._go_on()
        else:
            self._is_flat = np.ndim(targets) == 1
            self._center = np.average(columns, axis=0, weights=weights)
            spread = np.sqrt(np.average((columns - self._center) ** 2, axis=0, weights=weights))
            self._spread = np.where(spread > 0, spread, 1.0)
            self._begin(samples.shape[1], columns.shape[1], np.eye(columns.shape[1]))
        if columns.shape[1] != len(self._center):
            raise ValueError(f"y has {columns.shape[1]} outputs but the model was trained on {len(self._center)}.")
        return TrainingData(samples, (columns - self._center) / self._spread, weights)

    def _fixed_head(self, num_observables: int) -> tuple[FloatArray | None, FloatArray | None]:
        scale, bias = super()._fixed_head(num_observables)
        return (
            None if scale is None else scale / self._spread,
            None if bias is None else (bias - self._center) / self._spread,
        )

    @property
    def output_scale_(self) -> FloatArray:
        """The scale of each output, in units of the targets, shape (K,)."""
        return np.asarray(self._scale * self._spread)

    @property
    def output_bias_(self) -> FloatArray:
        """The bias of each output, in units of the targets, shape (K,)."""
        return np.asarray(self._bias * self._spread + self._center)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
