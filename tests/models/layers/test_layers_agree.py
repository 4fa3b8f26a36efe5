"""The same model, trained from the same start by the same steps, ends at the same weights in every framework."""

import json
import os
import subprocess
import sys
from pathlib import Path

import layer_case as case
import numpy as np
import pytest
from frameworks import double_precision, framework

from qiskit_qml_ext.models import QuantumLayer

_ROUNDING = 1e-12  # frameworks sum the loss in another order: some 1e-16 a step


def trained_by_hand():
    """Gradient descent on the mean squared error, in NumPy."""
    layer = QuantumLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)
    weights, losses = layer.initial_weights(), []
    for _ in range(case.STEPS):
        residuals = layer(case.INPUTS, weights) - case.TARGETS
        losses.append(np.mean(residuals**2))
        _, gradient = layer.vjp(case.INPUTS, weights, 2 * residuals / residuals.size)
        weights = weights - case.RATE * gradient
    return weights, losses


WEIGHTS, LOSSES = trained_by_hand()


def test_the_common_model_trains():
    assert LOSSES[-1] < 0.9 * LOSSES[0]
    assert np.abs(WEIGHTS - case.START).max() > 0.1


def test_torch_ends_at_the_same_weights():
    torch = framework("torch")
    from qiskit_qml_ext.models import TorchLayer

    layer = TorchLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS, dtype=torch.float64)
    optimizer = torch.optim.SGD(layer.parameters(), lr=case.RATE)
    inputs, targets = torch.from_numpy(case.INPUTS), torch.from_numpy(case.TARGETS)
    for _ in range(case.STEPS):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(layer(inputs), targets).backward()
        optimizer.step()
    np.testing.assert_allclose(layer.weights.detach().numpy(), WEIGHTS, atol=_ROUNDING)


def test_jax_ends_at_the_same_weights():
    jax = framework("jax")
    from qiskit_qml_ext.models import JaxLayer

    with double_precision(jax)(True):
        layer = JaxLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)

        @jax.jit
        def step(weights):
            gradient = jax.grad(lambda w: jax.numpy.mean((layer(case.INPUTS, w) - case.TARGETS) ** 2))(weights)
            return weights - case.RATE * gradient

        weights = layer.initial_weights()
        for _ in range(case.STEPS):
            weights = step(weights)
        np.testing.assert_allclose(np.asarray(weights), WEIGHTS, atol=_ROUNDING)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_keras_ends_at_the_same_weights_and_loads_what_it_saved(backend, tmp_path):
    os.environ.setdefault("KERAS_BACKEND", "torch")  # without a backend Keras cannot be imported
    for package in (backend, "keras"):
        framework(package)
    script = Path(__file__).with_name("keras_run.py")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "model.keras")],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["backend"], result["dtype"]) == (backend, "float64")
    np.testing.assert_allclose(result["weights"], WEIGHTS, atol=_ROUNDING)
    np.testing.assert_allclose(result["losses"], LOSSES, atol=_ROUNDING)
    assert result["loaded_difference"] == 0
    assert result["start"] == case.START.tolist()
    assert result["same_config"]
    assert result["shape"] == [None, 5, 2]
    assert result["sequence"] == [2, 5, 2]
