"""Finished evaluations that many tests look at."""

import numpy as np
import pytest
from evaluation_data import NASTY, small_data

from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation import evaluate


@pytest.fixture(scope="session")
def classification():
    data = small_data()
    X = data.X.copy()
    X[3, 1] = np.nan
    names = (NASTY, "no")
    nasty = Dataset.from_arrays(
        X, np.array(names)[data.y], name=NASTY, label_name=NASTY, feature_names=[NASTY, "b", "c"]
    )
    return evaluate(nasty, feature_map="zz", max_qubits=2, folds=3, bandwidths=[0.1, 0.5], C_values=[1, 10])


@pytest.fixture(scope="session")
def regression():
    data = small_data(task="regression")
    return evaluate(data, feature_map="angle", max_qubits=2, folds=3, bandwidths=[0.3], C_values=[1, 10])


@pytest.fixture(scope="session")
def both():
    data = small_data()
    return evaluate(data, model="both", max_qubits=2, folds=2, bandwidths=[0.3], C_values=[1, 10])


@pytest.fixture(scope="session")
def trained_regression():
    data = small_data(task="regression")
    return evaluate(
        data, model="variational", feature_map="angle", max_qubits=2, folds=2, bandwidths=[0.3], C_values=[1, 10]
    )
