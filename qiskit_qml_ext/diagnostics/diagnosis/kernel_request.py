"""What is asked about a kernel on data."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.kernels.geometric_difference import standard_kernels
from qiskit_qml_ext.diagnostics.kernels.model_complexity import as_labels
from qiskit_qml_ext.diagnostics.subject.built_once import existing_widths
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.primitives import Connection

FEWEST_TO_JUDGE = 10
"""Fewer samples than this do not show how a kernel's entries spread: their intervals hold nearly everything."""

_FEW_WIDTHS = 5


@dataclass(frozen=True, eq=False)
class KernelRequest:
    """What is asked about a kernel."""

    kernel: BaseKernel | FeatureMap
    """The kernel, or a feature map whose fidelity kernel is meant."""
    samples: FloatArray
    """The samples, shape (n, features)."""
    labels: "AnyArray | None"
    """Their labels. Text and up to 20 different whole numbers are classes; other numbers are values."""
    seed: int | None
    """Seed of everything random."""
    noise: "Noise | None" = None
    """Noise whose effect on the spread of the entries is simulated."""
    connection: Connection | None = None
    """A backend whose price is wanted."""
    price_per_minute: float | None = None
    """The price of a minute of its processor time."""

    @property
    def template(self) -> FeatureMap | None:
        """The feature map, where there is one."""
        template = self.kernel if isinstance(self.kernel, FeatureMap) else getattr(self.kernel, "feature_map", None)
        return template if isinstance(template, FeatureMap) else None

    @property
    def title(self) -> str:
        """What the report is called."""
        name = type(self.kernel if self.template is None else self.template).__name__
        size, features = self.samples.shape
        return f"Is this kernel any good? {name} on {size} samples of {features} features"

    @cached_property
    def classical(self) -> dict[str, FloatArray]:
        """The matrices of classical kernels on the same samples."""
        return standard_kernels(self.samples, len(self.samples))

    @cached_property
    def widths(self) -> list[int] | None:
        """Numbers of features that the map can encode, up to all; None if they are too few to see a trend."""
        if self.template is None:
            return None
        widths = existing_widths(self.template, range(1, self.samples.shape[1] + 1))
        return widths if len(widths) >= _FEW_WIDTHS else None


def drawn_samples(
    X: ArrayLike, y: ArrayLike | None, num_samples: int, seed: int | None
) -> "tuple[FloatArray, AnyArray | None]":
    """Return samples and labels, at most so many, drawn at random.

    Raises:
        ValueError: If the data have no such shape, or the labels do not belong to them.
    """
    samples = np.asarray(X, dtype=np.float64)
    labels = None if y is None else as_labels(y)
    if samples.ndim != 2:
        raise ValueError(f"X must have the shape (samples, features), but has {samples.shape}.")
    if labels is not None and labels.shape != (len(samples),):
        raise ValueError(f"y must have one label for each of the {len(samples)} rows of X, but has {labels.shape}.")
    if len(samples) > num_samples:
        rows = np.random.default_rng(seed).choice(len(samples), num_samples, replace=False)
        samples, labels = samples[rows], None if labels is None else labels[rows]
    return samples, labels
