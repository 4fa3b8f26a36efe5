"""What an evaluation needs of its arguments and of the data; each check says what to do where it is not there."""

import difflib
import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.svm import SVC

from qiskit_qml_ext.arrays import IndexArray
from qiskit_qml_ext.circuits import FEATURE_MAPS, FeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation.folds import DistinctRowFolds
from qiskit_qml_ext.evaluation.formatting import plural

INNER_FOLDS = 3

Split = tuple[IndexArray, IndexArray]


def check_no_weights(map_: FeatureMap, num_encoded: int) -> None:
    """Refuse a feature map with trainable weights."""
    if map_.num_weights(num_encoded):
        usable = [name for name, family in FEATURE_MAPS.items() if not family().num_weights(num_encoded)]
        raise ValueError(
            f"The feature map {map_!r} has {map_.num_weights(num_encoded)} trainable weights, which this comparison "
            f"does not train. Fix them with FixedWeightsFeatureMap, or choose one of: {', '.join(sorted(usable))}."
        )


def check_enough_samples(data: Dataset, rows: IndexArray, folds: int) -> int:
    """Check that every fold gets what it needs; return the number of inner folds.

    Args:
        data: The data.
        rows: The number of each sample's row among the different ones; equal rows cannot be divided among folds.
        folds: The number of outer folds.
    """
    distinct = int(rows.max()) + 1
    if data.task == "regression":
        if distinct < max(2 * folds, 6):
            raise ValueError(
                f"{data.name!r} has {_samples(data.num_samples, distinct)}, but {folds} folds need at least "
                f"{max(2 * folds, 6)}. Use fewer folds or more data."
            )
        return INNER_FOLDS
    of_class = distinct_of_each_class(data, rows)
    code = int(np.argmin(of_class))
    name, smallest = data.class_names[code], of_class[code]
    # What is left for training in the worst fold must still be split for the search.
    left = smallest - -(-smallest // folds)
    if smallest < folds or left < 2:
        needed = max(folds, 4 if folds == 2 else 3)
        raise ValueError(
            f"The class {name!r} of {data.name!r} has only {_samples(data.class_counts[name], smallest)}, but {folds} "
            f"folds need at least {needed} of each class. Use fewer folds, more samples, or leave this class out with "
            f"--classes{_or_a_quantity(data)}."
        )
    return min(INNER_FOLDS, left)


def _or_a_quantity(data: Dataset) -> str:
    """The advice to take whole numbers for a quantity, where the classes are whole numbers."""
    whole = all(name.lstrip("-").isdigit() for name in data.class_names)
    return "; if the label is a quantity, say --task regression" if whole and len(data.class_names) > 2 else ""


def _samples(number: int, distinct: int) -> str:
    return plural(number, "sample") + (f" in {plural(distinct, 'different row')}" if distinct < number else "")


def distinct_of_each_class(data: Dataset, rows: IndexArray) -> list[int]:
    """Count the different rows of each class."""
    return [len(np.unique(rows[data.y == code])) for code in range(len(data.class_names))]


def check_classes_of_splits(data: Dataset, rows: IndexArray, splits: Sequence[Split]) -> None:
    """Check that every training set can be searched: large groups of equal rows may take a class away."""
    for train, _ in splits if data.task == "classification" and int(rows.max()) + 1 < len(rows) else ():
        for code, name in enumerate(data.class_names):
            if len(np.unique(rows[train][data.y[train] == code])) < 2:
                raise ValueError(
                    f"The class {name!r} of {data.name!r} has so few different rows that a training set is left with "
                    "fewer than two of them, since equal rows stay in one fold. Use more samples, or leave this class "
                    "out with --classes."
                )


def check_scoring(scoring: str | None, data: Dataset) -> str:
    """Return the name of a score that suits the data, the usual one for None."""
    if scoring is None:
        return "accuracy" if data.task == "classification" else "r2"
    if not isinstance(scoring, str):
        raise TypeError(f"scoring must be the name of a scikit-learn scorer, but {scoring!r} came.")
    if scoring not in get_scorer_names():
        near = difflib.get_close_matches(scoring, get_scorer_names(), n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"scoring: there is no score {scoring!r}.{hint} scikit-learn's documentation lists all scorer names."
        )
    # a support vector machine, as most of the models are: it has no probabilities
    trial = SVC(max_iter=1) if data.task == "classification" else DummyRegressor()
    few = data.subsample(200, seed=0, min_per_class=2)
    known = np.nan_to_num(few.X)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            get_scorer(scoring)(trial.fit(known, few.y), known, few.y)
    except Exception as error:
        kind = f"a {data.task} with {len(data.class_names)} classes" if data.class_names else f"a {data.task}"
        if data.task == "classification" and "predict_proba" in str(error):
            raise ValueError(
                f"The score {scoring!r} needs probabilities, which the support vector machines of this comparison "
                "do not give. Choose one of decisions or of their order, such as 'accuracy' or "
                "'roc_auc'."
            ) from error
        raise ValueError(f"The score {scoring!r} does not suit {kind}: {str(error).splitlines()[0]}") from error
    return scoring


def smallest_training_set(data: Dataset, rows: IndexArray, folds: int, inner_folds: int) -> int:
    """Return how many different samples the smallest training set of a search has."""
    if int(rows.max()) + 1 == len(rows):
        return (data.num_samples * (folds - 1) // folds) * (inner_folds - 1) // inner_folds
    outer = DistinctRowFolds(folds, task=data.task).split(data.X, data.y)
    inner = DistinctRowFolds(inner_folds, task=data.task)
    return min(
        len(np.unique(rows[train[kept]])) for train, _ in outer for kept, _ in inner.split(data.X[train], data.y[train])
    )
