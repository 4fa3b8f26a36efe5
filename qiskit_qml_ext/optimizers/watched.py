"""An objective for optimizers that are not ours: it knows what was computed last, and ends them when it is time."""

from typing import Any

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.optimizers.optimizer import Training


class StopTraining(Exception):  # noqa: N818 - no error: the way out of a foreign loop
    """The training should stop.

    Attributes:
        point: The point of the last report.
    """

    def __init__(self, point: FloatArray):
        super().__init__("the training stops here")
        self.point = point


class Watched:
    """The whole objective of a training, each point evaluated once however often it is asked for in a row."""

    best: FloatArray | None = None
    """The point with the least loss that was reported."""

    def __init__(self, training: Training):
        self._training = training
        self._least = np.inf
        self._counted = ""  # what was asked for last, if it counted as an iteration
        self._point: FloatArray | None = None
        self._loss = 0.0
        self._gradient: FloatArray | None = None

    def value(self, point: FloatArray) -> float:
        """Return the loss."""
        if not self._is_known(point):
            self._point, self._gradient = np.array(point, dtype=np.float64), None
            self._loss = self._training.whole.value(self._point)
        return self._loss

    def gradient(self, point: FloatArray) -> FloatArray:
        """Return the gradient of the loss."""
        return self.value_and_gradient(point)[1]

    def value_and_gradient(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and its gradient."""
        if self._gradient is None or not self._is_known(point):
            self._point = np.array(point, dtype=np.float64)
            self._loss, self._gradient = self._training.whole.value_and_gradient(self._point)
        return self._loss, self._gradient.copy()

    def report(self, point: FloatArray, *_: Any) -> None:
        """Say where an iteration ended.

        Raises:
            StopTraining: If the training should stop.
        """
        loss = self.value(point)
        norm = None if self._gradient is None else float(np.sqrt(self._gradient @ self._gradient))
        if loss < self._least:
            self._least, self.best = loss, np.array(point, dtype=np.float64)
        if self._training.report(np.array(point, dtype=np.float64), loss, norm):
            raise StopTraining(np.array(point, dtype=np.float64))

    def reported_value(self, point: FloatArray) -> float:
        """Return the loss, and count it as an iteration, as :meth:`reported_gradient` does."""
        is_other_half = self._counted == "gradient" and self._is_known(point)
        loss = self.value(point)
        self._count("value", point, is_other_half=is_other_half)
        return loss

    def reported_gradient(self, point: FloatArray) -> FloatArray:
        """Return the gradient, and count it as an iteration, if it is not that of the value which just counted."""
        is_other_half = self._counted == "value" and self._is_known(point)
        gradient = self.gradient(point)
        self._count("gradient", point, is_other_half=is_other_half)
        return gradient

    def _count(self, kind: str, point: FloatArray, *, is_other_half: bool) -> None:
        self._counted = "" if is_other_half else kind
        if not is_other_half:
            self.report(point)

    def _is_known(self, point: FloatArray) -> bool:
        return self._point is not None and np.array_equal(self._point, point)
