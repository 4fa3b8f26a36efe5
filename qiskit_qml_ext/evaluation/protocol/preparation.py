"""What happens to the features before a model sees them. Every step is fitted inside a fold, never before."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from qiskit_qml_ext.circuits import FeatureMap


def classical_preparation(*, num_components: int | None = None) -> Pipeline:
    """Return median imputation and standardisation, then PCA if ``num_components`` is given.

    Args:
        num_components: How many principal components are kept; ``None`` keeps the features as they are.
    """
    steps = [
        # A column can be wholly missing in one fold; keeping it (as zeros) keeps the width the same in all folds.
        ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
        ("standardise", StandardScaler()),
    ]
    if num_components is not None:
        steps.append(("pca", PCA(num_components, svd_solver="full")))
    return Pipeline(steps)


def quantum_preparation(feature_map: FeatureMap, *, num_components: int | None = None) -> Pipeline:
    """Return the classical preparation followed by scaling to the range that a feature map encodes.

    Samples outside the range of the training data are not clipped: their angles simply go a little beyond it. Only
    for a map that is defined on an interval alone (arccos in a Chebyshev map) they are moved to the end of the range.

    Args:
        feature_map: The map.
        num_components: See :func:`classical_preparation`.
    """
    clip = bool(np.isfinite(feature_map.domain).all())
    return Pipeline(
        [
            *classical_preparation(num_components=num_components).steps,
            ("scale", MinMaxScaler(feature_range=feature_map.data_range, clip=clip)),
        ]
    )
