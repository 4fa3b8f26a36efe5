"""The guard on connections with shots."""

import numpy as np
import pytest

from qiskit_qml_ext.circuits import HardwareEfficientAnsatz, RealAmplitudesAnsatz
from qiskit_qml_ext.exceptions import PlateauError
from qiskit_qml_ext.models import VariationalRegressor
from qiskit_qml_ext.primitives import connect


def data(width):
    X = np.random.default_rng(0).uniform(0.2, 1.2, (6, width))
    return X, np.sin(2 * X[:, 0]) + X[:, -1]


def test_a_plateau_is_seen_before_a_shot_is_taken():
    connection = connect("exact", shots=10, seed=1)
    model = VariationalRegressor(
        ansatz=HardwareEfficientAnsatz(reps=12), observables="parity", connection=connection, plateau_guard="stop",
        random_state=0,
    )  # fmt: skip
    with pytest.raises(PlateauError, match="at 10 shots of each circuit"):
        model.fit(*data(6))
    assert connection.usage.circuits == 0


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_a_training_that_is_let_through_trains(target):
    model = VariationalRegressor(
        ansatz=RealAmplitudesAnsatz(reps=1), connection=connect(target, shots=500, seed=1), plateau_guard="stop",
        max_iter=25, n_iter_no_change=25, random_state=0,
    ).fit(*data(2))  # fmt: skip
    losses = model.history_["loss"].to_numpy()
    assert losses[-5:].mean() < 0.7 * losses[0]
    assert model.plateau_.code in ("gradient_seen", "resolved")
    assert model.plateau_.num_iterations == 25
    assert np.isfinite(model.plateau_.training_signal_to_noise)
