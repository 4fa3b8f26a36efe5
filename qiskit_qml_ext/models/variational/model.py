"""What variational classifier and regressor share: the circuit, the training, the outputs."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import copy, deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import (
    numeric_array,
    optional_whole_number,
    real_number,
    truth_value,
    whole_number,
    wrong_kind,
    wrong_value,
)
from qiskit_qml_ext.circuits import InitialDistribution, WarmStartDistribution
from qiskit_qml_ext.models.guard.plateau_guard import GUARD_MODES, PlateauGuard
from qiskit_qml_ext.models.guard.plateau_report import PlateauReport
from qiskit_qml_ext.models.losses import loss_of
from qiskit_qml_ext.models.variational.account import Account
from qiskit_qml_ext.models.variational.checkpoint import Checkpoint, check_can_keep, read_checkpoint
from qiskit_qml_ext.models.variational.choosing import choose_evaluator
from qiskit_qml_ext.models.variational.guarding import Untrained
from qiskit_qml_ext.models.variational.head import Head
from qiskit_qml_ext.models.variational.identity import described, described_circuit, described_connection, is_same
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit, build_model_circuit, initial_distribution
from qiskit_qml_ext.models.variational.objective import MeanLoss
from qiskit_qml_ext.models.variational.readout import observables_for
from qiskit_qml_ext.models.variational.training_data import TrainingData
from qiskit_qml_ext.models.variational.training_run import TrainingRun, progress
from qiskit_qml_ext.optimizers import Optimizer, SteppingOptimizer, optimizer_of
from qiskit_qml_ext.optimizers.stopping import StoppingRule
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.connection.views import as_new_program
from qiskit_qml_ext.private_files import check_writable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_POINT = 1e-12  # the radius of a distribution that is one point


def _guard_mode(name: str, value: object) -> object:
    if not isinstance(value, str) or value not in GUARD_MODES:
        raise wrong_value(name, f"one of {', '.join(map(repr, GUARD_MODES))}", value)
    return value


_CHECKS: dict[str, Callable[[str, Any], object]] = {
    "batch_size": optional_whole_number,
    "max_iter": whole_number,
    "early_stopping": truth_value,
    "validation_fraction": partial(real_number, above=0.0, below=1.0),
    "n_iter_no_change": whole_number,
    "tol": partial(real_number, minimum=0.0),
    "warm_start": truth_value,
    "verbose": truth_value,
    "plateau_guard": _guard_mode,
    "output_scale": lambda name, value: None if value is None else real_number(name, value),
    "output_bias": lambda name, value: None if value is None else real_number(name, value),
}


_HISTORY = {
    **{"iteration": np.int64, "loss": np.float64, "validation_loss": np.float64, "gradient_norm": np.float64},
    **{"seconds": np.float64, "shots": np.int64, "gradient_error": np.float64},
}
"""The columns of ``history_``, attributes of a :class:`TrainingStep`."""

_OF_THE_MODEL = (
    *("feature_map", "ansatz", "input_parameters", "observables", "loss", "optimizer", "initialization"),
    *("output_scale", "output_bias", "gradient", "connection", "random_state"),
)
"""Settings that make the model; the others say how it is trained."""


class VariationalModel(BaseEstimator):
    """A trained circuit behind a scale and a bias."""

    _task: ClassVar[str]
    _first_scale: ClassVar[float]

    def plot_history(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the loss over the iterations, with that of the validation samples if there are any.

        Args:
            ax: Where to draw; ``None`` makes a figure.
        """
        check_is_fitted(self)
        from matplotlib import pyplot

        axes = pyplot.figure().add_subplot() if ax is None else ax
        for column, label in (("loss", "training"), ("validation_loss", "validation")):
            if self.history_[column].notna().any():
                axes.plot(self.history_["iteration"], self.history_[column], label=label)
        axes.set(xlabel="iteration", ylabel="mean loss")
        axes.legend()
        return axes

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy of the fitted model whose circuit runs elsewhere; ``None`` for exact results.

        Args:
            connection: Where the circuit runs, from :func:`~qiskit_qml_ext.primitives.connect`.

        Raises:
            ValueError: If the gradient method cannot be used there, or an observable cannot be measured.
        """
        check_is_fitted(self)
        other = deepcopy(self).set_params(connection=connection)
        other._evaluator, other.gradient_ = choose_evaluator(
            other._model, other.observables_, connection, other.gradient, other.optimizer_
        )
        other._made_with = other._settings_of_the_model()
        return other

    def _check_settings(self) -> None:
        for name, check in _CHECKS.items():
            check(name, getattr(self, name))
        if isinstance(self.callbacks, str) or not isinstance(self.callbacks, Sequence):
            raise wrong_kind("callbacks", "a list of functions of a TrainingStep", self.callbacks)
        for callback in self.callbacks:
            if not callable(callback):
                raise wrong_kind("each of callbacks", "a function of a TrainingStep", callback)

    def _go_on(self) -> None:
        """Check that the model can be trained on as it is: with the settings that it was made with.

        Raises:
            ValueError: If one of them was changed.
        """
        self._check_settings()
        self._check_optimizer(self.optimizer_)
        now = self._settings_of_the_model()
        changed = [name for name in {**self._made_with, **now} if not is_same(now.get(name), self._made_with.get(name))]
        if changed:
            raise ValueError(
                f"{changed[0]} was changed since the model was made, and training goes on with the model as it is. "
                "Make it anew: fit with warm_start=False."
            )

    def _settings_of_the_model(self) -> dict[str, object]:
        """Return the settings, those of nested objects included, that a training which goes on cannot change."""
        parameters = self.get_params(deep=True).items()
        return {name: value for name, value in parameters if name.partition("__")[0] in _OF_THE_MODEL}

    def _check_optimizer(self, optimizer: Optimizer) -> None:
        if self.checkpoint is not None:
            check_can_keep(self.checkpoint, optimizer, warm_start=self.warm_start)
        if self.batch_size is not None and not optimizer.in_steps:
            raise ValueError(
                f"batch_size={self.batch_size} needs an optimizer that goes in steps, such as 'adam' or 'spsa', but "
                f"optimizer={self.optimizer!r} takes all samples at once. Use batch_size=None."
            )

    def _begin(self, num_features: int, num_observables: int, mixing: FloatArray) -> None:
        """Make everything that a training needs anew."""
        self._check_settings()
        optimizer = optimizer_of(self.optimizer)
        self._check_optimizer(optimizer)
        loss = loss_of(self.loss, self._task)
        model = build_model_circuit(self.feature_map, self.ansatz, num_features, self.input_parameters)
        observables = observables_for(self.observables, num_observables, model.circuit.num_qubits)
        connection = self.connection
        if self.checkpoint is not None and isinstance(connection, Connection):
            connection = as_new_program(connection)  # begun again, the same training finds what was paid for
        evaluator, chosen = choose_evaluator(model, observables, connection, self.gradient, optimizer)
        self._seed = self._first_seed()
        self._rng = np.random.default_rng(self._seed)
        weights = self._first_weights(model)
        scale, bias = self._fixed_head(num_observables)
        head = Head(
            len(weights),
            np.full(num_observables, self._first_scale) if scale is None else scale,
            np.zeros(num_observables) if bias is None else bias,
            scale is None,
            bias is None,
            mixing,
        )
        self.__dict__.pop("weights_", None)  # what was trained before is not of this circuit
        self.circuit_, self.observables_, self.gradient_ = model.circuit, observables, chosen
        self.optimizer_, self.loss_ = optimizer, loss
        self._made_with = self._settings_of_the_model()
        self._model, self._evaluator, self._head, self._point = model, evaluator, head, head.start(weights)

    def _first_seed(self) -> int:
        """Draw the seed of this training, or take that of the training which goes on, if none is given."""
        drawn = int(check_random_state(self.random_state).randint(2**31 - 1))
        kept = None if self.checkpoint is None else read_checkpoint(self.checkpoint)
        return drawn if kept is None or isinstance(self.random_state, (int, np.integer)) else int(kept["seed"])

    def _first_weights(self, model: ModelCircuit) -> FloatArray:
        """Return the weights with which a training begins, shape (W,): given, or drawn."""
        if not isinstance(self.initialization, (np.ndarray, list, tuple)):
            return model.draw(initial_distribution(self.initialization), self._rng)
        numeric_array("initialization", self.initialization)
        weights = np.array(self.initialization, dtype=np.float64)
        if weights.shape != model.weights.shape:
            raise ValueError(
                f"initialization has the shape {weights.shape} but the circuit has {len(model.weights)} weights. Give "
                "one number for each, first those of the feature map, or a distribution."
            )
        if not np.isfinite(weights).all():
            raise ValueError("initialization must be finite numbers, but NaN or an infinity is among them.")
        return weights

    def _fixed_head(self, num_observables: int) -> tuple[FloatArray | None, FloatArray | None]:
        """Return the scales and the biases that are given, in the units in which the model is trained."""
        given = (self.output_scale, self.output_bias)
        scale, bias = (None if one is None else np.full(num_observables, float(one)) for one in given)
        return scale, bias

    def _train(self, data: TrainingData, max_iter: int) -> None:
        """Train from where the model is."""
        self._set_apart()
        kept: TrainingData = data
        aside: TrainingData | None = None
        if self.early_stopping:  # drawn once for each training
            kept, aside = data.split(self.validation_fraction, int(self._rng.integers(2**31 - 1)))
        is_exact = aside is None and (self.connection is None or self.connection.is_exact)
        objective = self._objective(kept)
        guard = self._guarded(objective, kept.samples)
        run = TrainingRun(
            objective,
            None if aside is None else self._objective(aside),
            self.batch_size,
            max_iter,
            self._rng,
            StoppingRule(self.tol, self.n_iter_no_change, watches_training=self.optimizer_.in_steps),
            tuple(self.callbacks),
            guard,
        )
        if self.checkpoint is not None:
            self._take_up(run, data)
        run.before = self._point
        if not run.is_finished:
            with progress(run, type(self).__name__) if self.verbose else nullcontext():
                self._point = self.optimizer_.minimize(run, self._point)
        if aside is not None and run.best_point is not None:
            self._point = run.best_point
        # steps that were asked for are taken; who was stopped on the way, in a climb or at a trial, goes back
        goes_back = is_exact and (run.stopped == "no_change" or not self.optimizer_.in_steps)
        self._publish(run, self._best_of(run, objective) if goes_back else self._point)
        self.plateau_: PlateauReport | None = guard.report
        self._guarded_so_far = guard.begun, guard.readings

    def _set_apart(self) -> None:
        """Go on with copies of what a training changes, so that one that fails leaves the model as it was."""
        self.optimizer_, self._rng = deepcopy((self.optimizer_, self._rng))
        self._evaluator = copy(self._evaluator)
        self._evaluator.account = copy(self._evaluator.account)

    def _guarded(self, objective: MeanLoss, samples: FloatArray) -> PlateauGuard:
        """Return the guard of a training, which has looked at the start if it is one from the beginning."""
        goes_on = hasattr(self, "weights_")
        shots = self._shots()
        guard = PlateauGuard(
            self.plateau_guard,
            getattr(self, "_guarded_so_far", None) if goes_on else None,
            num_qubits=self.circuit_.num_qubits,
            num_weights=self._head.num_weights,
            shots=shots,
            is_exact=self.connection is None or self.connection.is_exact,
        )
        if not goes_on:
            distribution, draw = self._starts()
            untrained = Untrained(
                self._model,
                tuple(self.observables_),
                distribution,
                draw,
                self.feature_map,
                self.ansatz,
                self.input_parameters,
            )
            start = untrained.start(
                objective,
                samples,
                self._point,
                batch_size=self.batch_size,
                shots=shots,
                tol=self.tol,
                draws_normal_noise=self.connection is not None and self.connection.estimator_draws_normal_noise,
                takes_gradients=self.gradient_.method is not None,
            )
            guard.look(start)
        return guard

    def _starts(self) -> tuple[InitialDistribution, Callable[[np.random.Generator], FloatArray]]:
        """Return the distribution of the starts, and what draws from it: one point where the weights are given."""
        if isinstance(self.initialization, (np.ndarray, list, tuple)):
            weights, _, _ = self._head.split(self._point)
            return WarmStartDistribution(weights.tolist(), radius=_POINT), lambda rng: weights
        distribution = initial_distribution(self.initialization)
        return distribution, partial(self._model.draw, distribution)

    def _shots(self) -> int | None:
        """Shots of each circuit; None where results are exact."""
        connection: Connection | None = self.connection
        return None if connection is None else connection.shots

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")

    def _take_up(self, run: TrainingRun, data: TrainingData) -> None:
        """Go on where the checkpoint ends, if there is one, and write it from now on."""
        optimizer = self.optimizer_
        assert isinstance(optimizer, SteppingOptimizer)  # checked by check_can_keep
        is_exact = self.connection is None or self.connection.is_exact
        run.keeper = checkpoint = Checkpoint(
            check_writable(self.checkpoint), self._identity(data), self._seed, optimizer, self._evaluator, not is_exact
        )
        point = checkpoint.restore(run)
        self._point = self._point if point is None else point

    def _identity(self, data: TrainingData) -> dict[str, str]:
        """Return what must be the same for a training to go on from a checkpoint."""
        named = ("batch_size", "max_iter", "early_stopping", "validation_fraction", "n_iter_no_change", "tol")
        connection = "exact" if self.connection is None else described_connection(self.connection)
        values = {
            "X": data.samples,
            "y": data.targets,
            "sample_weight": data.sample_weight,
            "initial point": self._point,
            "output_scale in units of the training": None if self._head.trains_scale else self._head.scale.tolist(),
            "output_bias in units of the training": None if self._head.trains_bias else self._head.bias.tolist(),
            "seed of random_state": self._seed,
            "loss": self.loss_,
            "optimizer": self.optimizer_,
            "gradient": getattr(self._evaluator, "method", None),
            **{name: getattr(self, name) for name in named},
        }
        return {
            "model": type(self).__name__,
            **described_circuit(self._model, self.observables_),
            "connection": connection,
            "plateau_guard": "'stop'" if self.plateau_guard == "stop" else "'warn' or 'off'",
            **{name: described(value, name) for name, value in values.items()},
        }

    def _go_once(self, data: TrainingData) -> None:
        """Train for one pass, for ``partial_fit``."""
        if self.checkpoint is not None:
            raise ValueError("checkpoint keeps a whole fit; partial_fit is one pass. Pickle the model between passes.")
        if self.early_stopping:
            raise ValueError("early_stopping puts samples aside once for all of them; partial_fit sees only some.")
        if not self.optimizer_.in_steps:
            raise ValueError(
                f"partial_fit needs an optimizer that goes in steps, such as 'adam', but {self.optimizer!r} came."
            )
        self._train(data, 1)

    def _best_of(self, run: TrainingRun, objective: MeanLoss) -> FloatArray:
        """Return the better of two points by their exact losses: where the training ended, and its best before.

        A training that goes on does so from where it ended.
        """
        if run.best_point is None:
            return self._point
        ends, best = objective.values(np.array([self._point, run.best_point]))
        return run.best_point if best < ends else self._point

    def _publish(self, run: TrainingRun, point: FloatArray) -> None:
        import pandas as pd

        self.history_ = pd.DataFrame(
            {
                name: np.array([getattr(step, name) for step in run.history], dtype=kind)
                for name, kind in _HISTORY.items()
            }
        )
        self.n_iter_, self.stopped_ = len(run.history), run.stopped
        self.weights_, self._scale, self._bias = (part.copy() for part in self._head.split(point))

    def _objective(self, data: TrainingData) -> MeanLoss:
        weight = data.sample_weight / data.sample_weight.mean()
        rows = self._evaluator.rows(data.samples)
        return MeanLoss(self._evaluator, self._head, self.loss_, rows, data.targets, weight)

    def _outputs(self, X: ArrayLike) -> FloatArray:
        """Return the outputs in the units of the training, shape (n, K)."""
        check_is_fitted(self)
        samples: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        numeric_array("X", X)  # scikit-learn drops masks, and makes numbers of dates and text
        evaluator = copy(self._evaluator)
        evaluator.account = Account()  # nothing that is estimated later changes how a training goes on
        values = evaluator.values(evaluator.rows(samples), self.weights_)
        return (values * self._scale + self._bias) @ self._head.mixing
