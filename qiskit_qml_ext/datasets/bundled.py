"""The real data sets that come with scikit-learn: nothing is downloaded."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from qiskit_qml_ext.datasets.dataset import Dataset

_LOADERS: dict[str, tuple[Callable[[], Any], str]] = {
    "breast_cancer": (datasets.load_breast_cancer, "diagnosis"),
    "diabetes": (datasets.load_diabetes, "disease progression"),
    "digits": (datasets.load_digits, "digit"),
    "iris": (datasets.load_iris, "species"),
    "wine": (datasets.load_wine, "cultivar"),
}

BUNDLED: tuple[str, ...] = tuple(sorted(_LOADERS))
"""The names of the bundled data sets."""


def load_bundled(name: str) -> Dataset:
    """Load a bundled data set.

    Args:
        name: One of :data:`BUNDLED`.

    Returns:
        The data as scikit-learn ships them; only ``diabetes`` is a regression.
    """
    loader, label_name = _LOADERS[name]
    bunch = loader()
    classes = tuple(str(c) for c in bunch.target_names) if "target_names" in bunch else ()
    return Dataset(
        name=name,
        X=np.array(bunch.data, dtype=np.float64),
        y=np.array(bunch.target, dtype=np.int64) if classes else np.array(bunch.target, dtype=np.float64),
        feature_names=tuple(str(feature) for feature in bunch.feature_names),
        task="classification" if classes else "regression",
        class_names=classes,
        label_name=label_name,
        source="bundled with scikit-learn",
    )
