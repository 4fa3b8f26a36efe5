"""Our own layer as a module of PyTorch."""

import numpy as np
import torch

from benchmarks import inputs
from benchmarks.inputs import FloatArray
from benchmarks.peers.ours import layer_case
from benchmarks.task import Case, Task
from qiskit_qml_ext.models import TorchLayer

PACKAGES = ("torch",)


def layer_step(case: Case) -> Task:
    features, weights = inputs.training_data(case)
    circuit, observable, settings = layer_case(case)
    layer = TorchLayer(circuit, observable, initialization=weights, dtype=torch.float64, **settings)
    samples, trained = torch.tensor(features), layer.weights

    def run() -> FloatArray:
        trained.grad = None
        loss = (layer(samples) ** 2).mean()
        loss.backward()
        return np.concatenate([[loss.item()], trained.grad.numpy()])

    return Task(run)


PREPARE = {"layer_step": layer_step}
