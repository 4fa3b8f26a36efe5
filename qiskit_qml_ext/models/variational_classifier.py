"""Classification with a trained circuit."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.checks import ParameterNames, numeric_array
from qiskit_qml_ext.circuits import Ansatz, FeatureMap, InitialDistribution
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import GradientMethod
from qiskit_qml_ext.models.losses import GivesProbabilities, Loss, loss_of
from qiskit_qml_ext.models.undoing import undone_if_it_fails
from qiskit_qml_ext.models.variational.model import VariationalModel
from qiskit_qml_ext.models.variational.training_data import TrainingData, checked_weights, weights_of_classes
from qiskit_qml_ext.models.variational.training_run import Callback
from qiskit_qml_ext.optimizers import Optimizer
from qiskit_qml_ext.primitives import Connection


def _knows_probabilities(model: "VariationalClassifier") -> bool:
    if not isinstance(loss_of(model.loss, "classification"), GivesProbabilities):
        raise AttributeError(f"predict_proba needs a loss that knows probabilities, but loss={model.loss!r} came.")
    return True


class VariationalClassifier(ClassifierMixin, VariationalModel):
    """Classification by expectation values of a trained circuit, on any connection: exact, with shots, on devices.

    Each class has a score scale_k ⟨O_k⟩ + bias_k; two classes share one observable, f = scale ⟨O⟩ + bias, with the
    scores -f and f. The class with the largest score is predicted.

    Args:
        feature_map: What encodes a sample: a template, or a circuit whose data are a ``ParameterVector("x")`` and
            whose other parameters are trained; ``None`` takes ``AngleFeatureMap()``.
        ansatz: What is trained: a template, or a circuit. ``None`` takes nothing after a feature map with weights
            of its own (a re-uploading model), and ``RealAmplitudesAnsatz()`` after one without.
        input_parameters: Of a circuit as ``feature_map``: the parameters that take a sample, in the order of the
            columns, or the name of their vector, such as ``"inputs"``; all others are trained. By default the vector
            ``x``.
        observables: One for each class, or one for two classes; or ``"local"`` (the mean of Z over
            the qubits, dealt out in turn to the classes; for more classes than qubits the outcomes, as numbers, modulo
            the number of classes), ``"parity"`` (the number of ones modulo the number of classes) or
            ``"separated_states"`` (2F - 1, with F the fidelity with the k-th of up to six states of one qubit that are
            as far apart as they can be, averaged over the qubits; for two classes Z); ``None`` is ``"local"``.
        loss: ``"cross_entropy"``, ``"hinge"``, ``"huber"``, ``"squared"``, or a callable with the signature of
            :class:`~qiskit_qml_ext.models.losses.Loss`.
        optimizer: A name, or an object: ours, SciPy's or qiskit-machine-learning's; see
            :func:`~qiskit_qml_ext.optimizers.optimizer_of`.
        initialization: The distribution of the initial weights, or its name, or the weights themselves, shape (W,);
            ``None`` is the uniform one.
        output_scale: The scale of every observable; ``None`` trains one for each, from 1.
        output_bias: The bias of every observable; ``None`` trains one for each, from 0.
        batch_size: Samples in a step, at most: the steps of a pass are of one size, or differ by one sample; ``None``
            takes all. Only for optimizers that go in steps.
        max_iter: The largest number of iterations: of passes through the data, each a number of steps; with other
            people's optimizers that say nothing of iterations, of points at which they ask for the loss or its
            gradient.
        early_stopping: Whether samples are put aside, training stops when the loss on them does not get better, and the
            weights that were best for them are kept.
        validation_fraction: The share of samples that are put aside for ``early_stopping``, the same of each class.
        n_iter_no_change: After so many iterations in which the loss got better by less than ``tol`` training stops,
            with ``early_stopping`` or an optimizer that goes in steps. Not while the training loss climbs and falls on
            a smooth curve, as optimizers with momentum do; a climb ends it after ten times as many iterations.
        tol: See ``n_iter_no_change``.
        class_weight: A weight for each class, or ``"balanced"`` (for ``fit`` only); it multiplies the weights of the
            samples.
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
        classes_: The class labels, sorted.
        weights_: The trained weights, first those of the feature map, shape (W,): the last; where values are
            exact and it ended as ``"no_change"``, or the optimizer does not go in steps, the best that it came by.
        output_scale_: The scale of each observable, shape (M,).
        output_bias_: The bias of each observable, shape (M,).
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
        Schuld et al., arXiv:1804.00633; Pérez-Salinas et al., arXiv:1907.02085.

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import MinMaxScaler
        >>> from qiskit_qml_ext.models import VariationalClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> X = MinMaxScaler((0, 3)).fit_transform(X)
        >>> bool(VariationalClassifier(optimizer="l-bfgs-b", random_state=0).fit(X, y).score(X, y) > 0.9)
        True
    """

    _task: ClassVar[str] = "classification"
    _first_scale: ClassVar[float] = 1.0

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        ansatz: Ansatz | QuantumCircuit | None = None,
        *,
        input_parameters: ParameterNames | None = None,
        observables: str | Observable | Sequence[Observable] | None = None,
        loss: str | Loss = "cross_entropy",
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
        class_weight: Mapping[Any, float] | str | None = None,
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
        self.class_weight = class_weight
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
            y: Class labels, shape (n,), at least two classes.
            sample_weight: Weights of the samples, shape (n,), not negative.
        """
        with undone_if_it_fails(self):
            goes_on = self.warm_start and hasattr(self, "weights_")
            data = self._data(X, y, sample_weight, None, goes_on=goes_on)
            self._train(data, self.max_iter)
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Go once through some samples, from where the model is.

        Args:
            X: Samples, shape (n, features).
            y: Class labels, shape (n,).
            classes: All class labels that will ever come; needed in the first call if ``y`` has not all of them. In
                later calls the same, or ``None``.
            sample_weight: Weights of the samples, shape (n,), not negative.

        Raises:
            ValueError: If the optimizer does not go in steps, with ``early_stopping`` or balanced weights of classes,
                which need all samples, or if other ``classes`` come than in the first call.
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' counts the classes of all samples, and partial_fit sees only some. Give the "
                "weights: compute_class_weight('balanced', classes=…, y=…) of scikit-learn, as a dictionary."
            )
        with undone_if_it_fails(self):
            data = self._data(X, y, sample_weight, classes, goes_on=hasattr(self, "weights_"))
            self._go_once(data)
        return self

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the scores: shape (n,), positive for the second of two classes, or (n, classes)."""
        scores = self._outputs(X)
        return (scores[:, 1] - scores[:, 0]) / 2 if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> AnyArray:
        """Predict class labels, shape (n,)."""
        best = self._outputs(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    @available_if(_knows_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probability of each class, shape (n, classes); only with a loss that knows it."""
        outputs = self._outputs(X)
        assert isinstance(self.loss_, GivesProbabilities)  # or there were no such method
        return np.asarray(self.loss_.probabilities(outputs))

    def _data(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        classes: ArrayLike | None,
        *,
        goes_on: bool,
    ) -> TrainingData:
        samples, labels = validate_data(self, X, y, dtype=np.float64, reset=not goes_on)
        numeric_array("X", X)
        if np.ma.is_masked(y):
            raise TypeError("y must have a label for every row, but some of this masked array are missing.")
        check_classification_targets(labels)
        weights = checked_weights(sample_weight, samples)
        rows = np.flatnonzero(weights)
        samples, labels, weights = samples[rows], labels[rows], weights[rows]
        names = np.unique(labels) if classes is None else np.unique(_flat_labels(classes))
        if goes_on:
            self._go_on()
            if classes is not None and not np.array_equal(names, self.classes_):
                raise ValueError(
                    f"classes must be those of the first call, {self.classes_.tolist()}, but {classes!r} came. Leave "
                    "classes out, or make a new model."
                )
        else:
            if len(names) < 2:
                raise ValueError(f"The number of classes has to be at least 2, but 1 class came: {names}.")
            self.classes_: AnyArray = names
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(f"y has the class {unknown[0]!r}, which is none of {self.classes_.tolist()}.")
        if not goes_on:
            mixing = self._mixing(len(self.classes_))
            self._begin(samples.shape[1], len(mixing), mixing)
        weights = weights * weights_of_classes(self.class_weight, labels, self.classes_)
        rows = np.flatnonzero(weights)
        targets = 2.0 * (labels[rows, None] == self.classes_) - 1.0
        return TrainingData(samples[rows], targets, weights[rows], labels[rows])

    def _mixing(self, num_classes: int) -> FloatArray:
        """How scaled values become scores: one value counts for the second of two classes, against the first."""
        given = self.observables
        is_pair = isinstance(given, (list, tuple)) and len(given) == 2
        return np.array([[-1.0, 1.0]]) if num_classes == 2 and not is_pair else np.eye(num_classes)

    @property
    def output_scale_(self) -> FloatArray:
        """The scale of each observable, shape (M,)."""
        return np.asarray(self._scale)

    @property
    def output_bias_(self) -> FloatArray:
        """The bias of each observable, shape (M,)."""
        return np.asarray(self._bias)


def _flat_labels(classes: ArrayLike) -> AnyArray:
    labels = np.asarray(classes)
    if labels.ndim != 1 or (labels != labels).any():  # a missing label is not equal to itself
        raise ValueError(f"classes must be a list of class labels, none of them missing, but {classes!r} came.")
    return labels
