"""The guard on 40 trainings with known answers; the answers come from states and differences in NumPy."""

import numpy as np

from qiskit_qml_ext.circuits import GaussianDistribution, SmallAngleDistribution, ZeroDistribution
from qiskit_qml_ext.models import VariationalClassifier
from tests.models.guard import oracle

_MANY = 100  # weights; of more than these a part stands for all: deep circuits treat them alike
_STARTS, _WEIGHTS = 3, 8


def oracle_ratio(case):
    """‖∇L‖² by its noise at random starts: the squared loss, or cross-entropy, of all samples; shape (starts,)."""
    rng = np.random.default_rng(11)
    X, y = case.data()
    n = case.width
    circuit = case.feature_map.build(n)
    ansatz = case.ansatz.build(n)
    circuit.compose(ansatz, inplace=True)
    names = [parameter.name for parameter in circuit.parameters]
    data = [names.index(f"x[{k}]") for k in range(n)]
    weights = [names.index(parameter.name) for parameter in ansatz.parameters]
    picked = rng.permutation(weights)[:_WEIGHTS] if len(weights) > _MANY else np.array(weights)
    observable = diagonal_of(case)
    ratios = []
    for _ in range(_STARTS):
        values = np.zeros((len(X), len(names)))
        values[:, data], values[:, weights] = X, drawn(case, ansatz, rng)
        slopes = slopes_of(case, oracle.means(circuit, observable, values), y)
        jacobian = oracle.derivatives(circuit, observable, values, picked)
        batch = len(X) if case.batch_size is None else case.batch_size
        by_sample = slopes[:, None] * jacobian
        mean, alone = by_sample.mean(axis=0), (by_sample**2).sum(axis=1).mean()
        together = (len(X) * (mean @ mean) - alone) / (len(X) - 1)
        signal = (1 - 1 / batch) * together + alone / batch
        if case.shots is None:
            noise = case.tol**2 * len(picked) / len(weights)
        else:
            shot = oracle.noise_of_derivatives(circuit, observable, values, picked)
            noise = (slopes[:, None] ** 2 * shot).sum(axis=1).mean() / (batch * case.shots)
        ratios.append(signal / noise)
    return np.array(ratios)


def drawn(case, ansatz, rng):
    """Weights from the distribution of a case, drawn here."""
    number = ansatz.num_parameters
    start = case.initialization
    if isinstance(start, ZeroDistribution):
        return np.zeros(number)
    if isinstance(start, (SmallAngleDistribution, GaussianDistribution)):
        return start.sample(ansatz, 1, rng)[0]
    return rng.uniform(0, 2 * np.pi, number)


def diagonal_of(case):
    outcomes = np.arange(2**case.width)
    signs = [1.0 - 2.0 * (outcomes >> qubit & 1) for qubit in range(case.width)]
    read = {"parity": np.prod(signs, axis=0), "local": np.mean(signs, axis=0), "projector": outcomes == 0}
    named = isinstance(case.observable, str)
    return np.asarray(read[case.observable] if named else np.diag(case.observable.to_matrix()).real, dtype=float)


def slopes_of(case, values, y):
    """∂l/∂f at the scale and the bias with which a model begins: 2 f for targets in units of their scatter, or ±f."""
    if case.kind is VariationalClassifier:
        return np.tanh(values) - (2 * y - 1)  # of -log(e^{±f}/(e^f + e^{-f}))
    targets = (y - y.mean()) / y.std()
    return 2 * (2 * values - targets) * 2
