"""What variational classifier and regressor share: the circuit, the training, the outputs."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IntArray
from qiskit_qml_ext.checks import (
    numeric_array,
    optional_whole_number,
    real_number,
    truth_value,
    whole_number,
    wrong_kind,
    wrong_value,
)
from qiskit_qml_ext.models.guard.plateau_guard import GUARD_MODES, PlateauGuard
from qiskit_qml_ext.models.guard.plateau_report import PlateauReport
from qiskit_qml_ext.models.losses import loss_of
from qiskit_qml_ext.models.optimizers import Optimizer, optimizer_of
from qiskit_qml_ext.models.variational.evaluator import ExactEvaluator
from qiskit_qml_ext.models.variational.guarding import Untrained
from qiskit_qml_ext.models.variational.head import Head
from qiskit_qml_ext.models.variational.model_circuit import build_model_circuit, initial_distribution
from qiskit_qml_ext.models.variational.objective import MeanLoss
from qiskit_qml_ext.models.variational.readout import observables_for
from qiskit_qml_ext.models.variational.training_run import StoppingRule, TrainingRun, progress

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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


_OF_THE_MODEL = (
    *("feature_map", "ansatz", "observables", "loss", "optimizer", "initialization", "output_scale", "output_bias"),
    "random_state",
)
"""Settings that make the model; the others say how it is trained."""


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a model is trained on."""

    samples: FloatArray
    """Shape (n, features)."""
    targets: FloatArray
    """What the outputs should be, shape (n, K)."""
    sample_weight: FloatArray
    """Positive, shape (n,)."""
    groups: AnyArray | None = None
    """Labels of which the validation samples keep the shares, shape (n,)."""

    def part(self, rows: IntArray) -> "TrainingData":
        """Return some of the samples."""
        groups = None if self.groups is None else self.groups[rows]
        return TrainingData(self.samples[rows], self.targets[rows], self.sample_weight[rows], groups)


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
        self._check_batches(self.optimizer_)
        now = self._settings_of_the_model()
        changed = [
            name for name in {**self._made_with, **now} if not _is_same(now.get(name), self._made_with.get(name))
        ]
        if changed:
            raise ValueError(
                f"{changed[0]} was changed since the model was made, and training goes on with the model as it is. "
                "Make it anew: fit with warm_start=False."
            )

    def _settings_of_the_model(self) -> dict[str, object]:
        """Return the settings, those of nested objects included, that a training which goes on cannot change."""
        parameters = self.get_params(deep=True).items()
        return {name: value for name, value in parameters if name.partition("__")[0] in _OF_THE_MODEL}

    def _check_batches(self, optimizer: Optimizer) -> None:
        if self.batch_size is not None and not optimizer.in_steps:
            raise ValueError(
                f"batch_size={self.batch_size} needs an optimizer that goes in steps, such as 'adam' or 'spsa', but "
                f"optimizer={self.optimizer!r} takes all samples at once. Use batch_size=None."
            )

    def _begin(self, num_features: int, num_observables: int, mixing: FloatArray) -> None:
        """Make everything that a training needs anew."""
        self._check_settings()
        optimizer = optimizer_of(self.optimizer)
        self._check_batches(optimizer)
        loss = loss_of(self.loss, self._task)
        distribution = initial_distribution(self.initialization)
        model = build_model_circuit(self.feature_map, self.ansatz, num_features)
        observables = observables_for(self.observables, num_observables, model.circuit.num_qubits)
        evaluator = ExactEvaluator(model, observables)
        self._rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        weights = model.draw(distribution, self._rng)
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
        self.circuit_, self.observables_ = model.circuit, observables
        self._untrained = Untrained(model, tuple(observables), distribution, self.feature_map, self.ansatz)
        self.optimizer_, self.loss_ = optimizer, loss
        self._made_with = self._settings_of_the_model()
        self._evaluator, self._head, self._point = evaluator, head, head.start(weights)

    def _fixed_head(self, num_observables: int) -> tuple[FloatArray | None, FloatArray | None]:
        """Return the scales and the biases that are given, in the units in which the model is trained."""
        given = (self.output_scale, self.output_bias)
        scale, bias = (None if one is None else np.full(num_observables, float(one)) for one in given)
        return scale, bias

    def _train(self, data: TrainingData, max_iter: int, *, puts_aside: bool) -> None:
        """Train from where the model is."""
        kept, aside = self._split(data) if puts_aside else (data, None)
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
        with progress(run, type(self).__name__) if self.verbose else nullcontext():
            self._point = self.optimizer_.minimize(run, self._point)
        if run.best_point is not None:
            self._point = run.best_point
        self._publish(run)
        self.plateau_: PlateauReport | None = guard.report

    def _guarded(self, objective: MeanLoss, samples: FloatArray) -> PlateauGuard:
        """Return the guard of a training, which has looked at the start if it is one from the beginning."""
        goes_on = hasattr(self, "weights_")
        guard = PlateauGuard(
            self.plateau_guard,
            getattr(self, "plateau_", None) if goes_on else None,
            num_qubits=self.circuit_.num_qubits,
            num_weights=self._head.num_weights,
            shots=self._shots(),
        )
        if not goes_on:
            limits = {"batch_size": self.batch_size, "shots": self._shots(), "tol": self.tol}
            guard.look(self._untrained.start(objective, samples, self._point, **limits))
            del self._untrained
        return guard

    def _shots(self) -> int | None:
        """Shots of each circuit; None where results are exact."""
        return None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")

    def _go_once(self, data: TrainingData) -> None:
        """Train for one pass, for ``partial_fit``."""
        if self.early_stopping:
            raise ValueError("early_stopping puts samples aside once for all of them; partial_fit sees only some.")
        if not self.optimizer_.in_steps:
            raise ValueError(
                f"partial_fit needs an optimizer that goes in steps, such as 'adam', but {self.optimizer!r} came."
            )
        self._train(data, 1, puts_aside=False)

    def _publish(self, run: TrainingRun) -> None:
        import pandas as pd

        columns = ("iteration", "loss", "validation_loss", "gradient_norm", "gradient_error", "shots", "seconds")
        self.history_ = pd.DataFrame(
            {name: np.array([getattr(step, name) for step in run.history], dtype=np.float64) for name in columns}
        ).astype({"iteration": np.int64, "shots": np.int64})
        self.n_iter_, self.stopped_ = len(run.history), run.stopped
        self.weights_, self._scale, self._bias = (part.copy() for part in self._head.split(self._point))

    def _objective(self, data: TrainingData) -> MeanLoss:
        weight = data.sample_weight / data.sample_weight.mean()
        rows = self._evaluator.rows(data.samples)
        return MeanLoss(self._evaluator, self._head, self.loss_, rows, data.targets, weight)

    def _split(self, data: TrainingData) -> tuple[TrainingData, TrainingData]:
        """Put validation samples aside, drawn once for each training."""
        kept, aside = train_test_split(
            np.arange(len(data.samples)),
            test_size=self.validation_fraction,
            stratify=data.groups,
            random_state=int(self._rng.integers(2**31 - 1)),
        )
        return data.part(kept), data.part(aside)

    def _outputs(self, X: ArrayLike) -> FloatArray:
        """Return the outputs in the units of the training, shape (n, K)."""
        check_is_fitted(self)
        samples: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        numeric_array("X", X)  # scikit-learn drops masks, and makes numbers of dates and text
        values = self._evaluator.values(self._evaluator.rows(samples), self.weights_)
        return (values * self._scale + self._bias) @ self._head.mixing


def _is_same(now: object, before: object) -> bool:
    """Whether a setting is still the same object, or the same number or word; pickles keep that."""
    return now is before or (isinstance(now, (str, int, float)) and type(now) is type(before) and now == before)


def checked_weights(sample_weight: ArrayLike | None, samples: FloatArray) -> FloatArray:
    """Return weights, shape (n,), of which at least one is positive and none negative."""
    if sample_weight is None:
        return np.ones(len(samples))
    numeric_array("sample_weight", sample_weight)
    weights: FloatArray = _check_sample_weight(sample_weight, samples, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("sample_weight must be positive for at least one sample, but all weights are 0.")
    return weights
