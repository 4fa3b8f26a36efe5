"""What happens to the features before a model sees them. Every step is fitted inside a fold, never before."""

from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler


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


def quantum_preparation(data_range: tuple[float, float], *, num_components: int | None = None) -> Pipeline:
    """Return the classical preparation followed by scaling to the range that a feature map encodes.

    Samples outside the range of the training data are not clipped: their angles simply go a little beyond it.

    Args:
        data_range: The feature map's (low, high), in radians.
        num_components: See :func:`classical_preparation`.
    """
    return Pipeline(
        [
            *classical_preparation(num_components=num_components).steps,
            ("scale", MinMaxScaler(feature_range=data_range)),
        ]
    )
